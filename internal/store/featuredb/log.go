package featuredb

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// What is read of events, and the conditions of those that are wanted by ID, by entity, and by instants of it.
const (
	eventColumns  = "t.seq, t.event_id, t.entity_key, t.key_names, t.event_at, t.created_at, t.content"
	eventByID     = "t.view = wanted.column1 AND t.event_id = wanted.column2"
	eventByKey    = "t.view = wanted.column1 AND t.entity_key = wanted.column2"
	eventsBetween = eventByKey + " AND t.event_at >= wanted.column3 AND t.event_at <= wanted.column4"
	// betweenRow is what is wanted of an entity from the first to the last instant.
	betweenRow = "(CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT))"
)

// Append writes what is posted together with what others post at the same time, see group.go.
func (s *featureStore) Append(ctx context.Context, view string, posted []feature.Posted, clock func() feature.Instant, fold feature.Fold) ([]feature.Appended, error) {
	for i := range posted {
		if posted[i].ID == "" || posted[i].Key == "" || posted[i].Names == "" || !json.Valid(posted[i].Values) {
			return nil, fault.New(fault.Invalid, "events[%d]: an event needs an ID, an entity with the names of its keys, and values", i)
		}
	}
	if len(posted) == 0 {
		return []feature.Appended{}, nil
	}
	b := &batch{posted: posted, clock: clock, fold: fold, done: make(chan struct{})}
	if err := s.wait(ctx, view, b); err != nil {
		return nil, err
	}
	return b.appended, nil
}

// commit writes the batches of a group in one transaction, those of them that are refused excepted. It holds the view, so that no other transaction is between what it
// reads and what it writes, and rows are numbered in the order of their commits. Where it fails, folded is false if a fold did, and true otherwise.
func (s *featureStore) commit(ctx context.Context, view string, group []*batch) (folded bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, groupTimeout)
	defer cancel()
	folded = true
	err = s.Transact(ctx, "writing events", func(tx *sql.Tx) error {
		folded = true
		newest, err := s.hold(ctx, tx, view)
		if err != nil {
			return err
		}
		versions, err := s.live(ctx, tx, view, 0)
		if err != nil {
			return err
		}
		known, err := s.knownEvents(ctx, tx, view, group)
		if err != nil {
			return err
		}
		before, err := s.createdOf(ctx, tx, view, newest)
		if err != nil {
			return err
		}
		var fresh []feature.Logged
		for _, b := range group {
			var of []feature.Logged
			if b.appended, of, b.err = place(b.posted, known, newest, max(b.clock(), before+1)); len(of) > 0 {
				newest, before = of[len(of)-1].Seq, of[len(of)-1].Created
				fresh = append(fresh, of...)
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		if fresh[0].Seq == 1 { // whoever is live from the first row on has all of them
			if err := s.wholeNow(ctx, tx, versions); err != nil {
				return err
			}
		}
		if err := s.insertEvents(ctx, tx, view, fresh); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, s.Dialect.Rebind("UPDATE feature_logs SET seq = ? WHERE view = ?"), newest, view); err != nil {
			return err
		}
		guarded := func(version feature.Registered, key feature.Key, state []byte, rows []feature.Logged, of feature.Extent) ([]byte, error) {
			state, err := group[0].fold(version, key, state, rows, of)
			folded = err == nil || feature.NotUnderstood(err)
			return state, err
		}
		return s.foldFresh(ctx, tx, view, versions, fresh, guarded)
	})
	return folded, err
}

// createdOf is when the log's row of that number was known; 0 of none.
func (s *featureStore) createdOf(ctx context.Context, tx *sql.Tx, view string, seq int64) (created feature.Instant, err error) {
	err = tx.QueryRowContext(ctx, s.Dialect.Rebind("SELECT coalesce(max(created_at), 0) FROM feature_events WHERE view = ? AND seq = ?"), view, seq).Scan(&created)
	return created, err
}

// place says what becomes of posted rows, with those that are known by their IDs and what is new, which is then known as well. Where one is refused, all are.
func place(posted []feature.Posted, known map[string][]feature.Logged, newest int64, at feature.Instant) (appended []feature.Appended, fresh []feature.Logged, err error) {
	for i, p := range posted {
		earlier := known[p.ID]
		if len(earlier) > 0 {
			last := &earlier[len(earlier)-1]
			if last.Key != p.Key || last.Names != p.Names || last.Event != p.Event {
				for _, row := range slices.Backward(fresh) {
					known[row.ID] = known[row.ID][:len(known[row.ID])-1]
				}
				moved := &feature.MovedError{Index: i}
				return nil, nil, &fault.Error{Code: fault.Refused, Message: moved.Error(), Cause: moved}
			}
			if string(last.Values) == string(p.Values) {
				appended = append(appended, feature.Appended{Seq: last.Seq, Created: last.Created, Duplicate: true})
				continue
			}
		}
		newest++
		row := feature.Logged{Posted: p, Seq: newest, Created: at}
		at++
		fresh, known[p.ID] = append(fresh, row), append(earlier, row)
		appended = append(appended, feature.Appended{Seq: row.Seq, Created: row.Created})
	}
	return appended, fresh, nil
}

// knownEvents are the rows of the log that have the IDs of those that are posted, by ID and in their order.
func (s *featureStore) knownEvents(ctx context.Context, tx *sql.Tx, view string, group []*batch) (map[string][]feature.Logged, error) {
	var ids []string
	for _, b := range group {
		for i := range b.posted {
			ids = append(ids, b.posted[i].ID)
		}
	}
	slices.Sort(ids)
	known := map[string][]feature.Logged{}
	for some := range slices.Chunk(slices.Compact(ids), chunk) {
		var args []any
		for _, id := range some {
			args = append(args, view, id)
		}
		events, err := s.events(ctx, tx, s.lookedUp(len(some), "(CAST(? AS TEXT), CAST(? AS TEXT))", "feature_events", eventByID)+" ORDER BY t.seq", args...)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			known[e.ID] = append(known[e.ID], e)
		}
	}
	return known, nil
}

func (s *featureStore) insertEvents(ctx context.Context, tx *sql.Tx, view string, fresh []feature.Logged) error {
	for some := range slices.Chunk(fresh, chunk) {
		var args []any
		for _, e := range some {
			args = append(args, view, e.Seq, e.ID, string(e.Key), string(e.Names), int64(e.Event), int64(e.Created), string(e.Values))
		}
		_, err := tx.ExecContext(ctx, s.Dialect.Rebind(
			"INSERT INTO feature_events (view, seq, event_id, entity_key, key_names, event_at, created_at, content) VALUES "+rowsOf(len(some), "(?, ?, ?, ?, ?, ?, ?, ?)")), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// span is what is wanted of an entity, from the first to the last instant.
type span struct {
	key         feature.Key
	first, last feature.Instant
}

// spansOf are those that rows lie in, each once.
func spansOf(rows []feature.Logged, of func(feature.Instant) (first, last feature.Instant)) (spans []span) {
	seen := map[span]bool{}
	for i := range rows {
		at := span{key: rows[i].Key}
		at.first, at.last = of(rows[i].Event)
		if !seen[at] {
			seen[at] = true
			spans = append(spans, at)
		}
	}
	return spans
}

// within are all rows of the log that lie in spans, by entity and in their order.
func (s *featureStore) within(ctx context.Context, tx *sql.Tx, view string, spans []span) (map[feature.Key][]feature.Logged, error) {
	found := map[feature.Key][]feature.Logged{}
	for some := range slices.Chunk(spans, chunk) {
		var args []any
		for _, w := range some {
			args = append(args, view, string(w.key), int64(w.first), int64(w.last))
		}
		events, err := s.events(ctx, tx, s.lookedUp(len(some), betweenRow, "feature_events", eventsBetween)+" ORDER BY t.seq", args...)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			found[e.Key] = append(found[e.Key], e)
		}
	}
	if len(spans) > chunk { // those of an entity may lie in several
		for _, events := range found {
			slices.SortFunc(events, func(a, b feature.Logged) int { return int(a.Seq - b.Seq) })
		}
	}
	return found, nil
}

// queryer is a pool of connections or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// events reads rows of logs, those that from, a FROM clause with feature_events as t, says.
func (s *featureStore) events(ctx context.Context, q queryer, from string, args ...any) ([]feature.Logged, error) {
	events := []feature.Logged{}
	rows, err := q.QueryContext(ctx, s.Dialect.Rebind("SELECT "+eventColumns+from), args...)
	err = each(rows, err, func() error {
		var e feature.Logged
		var content string
		if err := rows.Scan(&e.Seq, &e.ID, &e.Key, &e.Names, &e.Event, &e.Created, &content); err != nil {
			return err
		}
		e.Values = json.RawMessage(content)
		events = append(events, e)
		return nil
	})
	return events, err
}

func (s *featureStore) Events(ctx context.Context, view string, after int64, limit int) ([]feature.Logged, error) {
	events, err := s.events(ctx, s.reads, " FROM feature_events t WHERE t.view = ? AND t.seq > ? ORDER BY t.seq LIMIT ?", view, after, limit)
	return events, s.Faulty(err, "reading events")
}
