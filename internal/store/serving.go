package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

func (s *store) Serving(ctx context.Context, pipeline, environment string) (serving.Record, error) {
	last, err := s.servingRows(ctx, s.DB, "DESC LIMIT 2", pipeline, environment)
	if err != nil {
		return serving.Record{}, err
	}
	slices.Reverse(last)
	if err := serving.VerifyNewest(last); err != nil {
		return serving.Record{}, err
	}
	return serving.Newest(last, pipeline, environment), nil
}

func (s *store) ServingHistory(ctx context.Context, pipeline, environment string) ([]serving.Record, error) {
	return s.servingHistory(ctx, s.DB, pipeline, environment)
}

func (s *store) Aliases(ctx context.Context, name string) (map[string]int, error) {
	record, err := s.Serving(ctx, name, serving.Production)
	if err != nil {
		return nil, err
	}
	return record.Aliases(), nil
}

// TakeGeneration reads, compares and inserts in one transaction. When another writer inserts in between, the primary key refuses
// the row, and the transaction runs again: it then finds either its own operation or the record that it lost against.
func (s *store) TakeGeneration(ctx context.Context, next serving.Record) (serving.Record, error) {
	if err := next.Complete(); err != nil {
		return serving.Record{}, err
	}
	var taken serving.Record
	err := s.Transact(ctx, "taking a generation", func(tx *sql.Tx) error {
		history, err := s.servingHistory(ctx, tx, next.Pipeline, next.Environment)
		if err != nil {
			return err
		}
		for _, r := range history {
			if r.Operation == next.Operation {
				taken = r
				return nil
			}
		}
		for _, track := range []*serving.Track{next.Champion, next.Challenger, next.Previous} {
			if err := s.versionExists(ctx, tx, next.Pipeline, track); err != nil {
				return err
			}
		}
		last := serving.Newest(history, next.Pipeline, next.Environment)
		if next.Generation != last.Generation+1 || next.PrevHash != last.Hash {
			return fault.New(fault.Conflict, "generation %d does not follow the newest serving record of %s in %s: %s",
				next.Generation, next.Pipeline, next.Environment, last)
		}
		taken = next.Seal(now())
		return s.insertServing(ctx, tx, taken)
	})
	if err != nil {
		return serving.Record{}, err
	}
	return taken, nil
}

// versionExists accepts a track that is not there.
func (s *store) versionExists(ctx context.Context, tx *sql.Tx, name string, track *serving.Track) error {
	if track == nil {
		return nil
	}
	var one int
	err := tx.QueryRowContext(ctx, s.Dialect.Rebind("SELECT 1 FROM model_versions WHERE name = ? AND version = ?"), name, track.Version).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.NotFound, "there is no version %d of model %q", track.Version, name)
	}
	return err
}

const servingColumns = `pipeline, environment, generation, champion_version, champion_policy, challenger_version, challenger_policy, weight,
	previous_version, previous_policy, drill, change, writer, actor, reason, at, operation, prev_hash, hash`

func (s *store) insertServing(ctx context.Context, tx *sql.Tx, r serving.Record) error {
	champion, challenger, previous := columnsOf(r.Champion), columnsOf(r.Challenger), columnsOf(r.Previous)
	_, err := tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO serving_records ("+servingColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
		r.Pipeline, r.Environment, r.Generation, champion.version, champion.policy, challenger.version, challenger.policy, r.Weight,
		previous.version, previous.policy, r.Drill, string(r.Change), r.Writer, r.Actor, r.Reason, r.At.UnixMicro(), r.Operation, r.PrevHash, r.Hash)
	return err
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// servingHistory reads and verifies a chain of records.
func (s *store) servingHistory(ctx context.Context, q querier, pipeline, environment string) ([]serving.Record, error) {
	history, err := s.servingRows(ctx, q, "ASC", pipeline, environment)
	if err != nil {
		return nil, err
	}
	return history, serving.Verify(history)
}

// servingRows reads the records of a chain, those that order (ASC or DESC, perhaps with a LIMIT) says.
func (s *store) servingRows(ctx context.Context, q querier, order, pipeline, environment string) ([]serving.Record, error) {
	rows, err := q.QueryContext(ctx, s.Dialect.Rebind(
		"SELECT "+servingColumns+" FROM serving_records WHERE pipeline = ? AND environment = ? ORDER BY generation "+order), pipeline, environment)
	if err != nil {
		return nil, s.Dialect.Fault(err, "reading the serving record")
	}
	defer rows.Close()
	history := []serving.Record{}
	for rows.Next() {
		r, err := scanServing(rows)
		if err != nil {
			return nil, s.Dialect.Fault(err, "reading the serving record")
		}
		history = append(history, r)
	}
	if err := rows.Err(); err != nil {
		return nil, s.Dialect.Fault(err, "reading the serving record")
	}
	return history, nil
}

func scanServing(rows *sql.Rows) (serving.Record, error) {
	var r serving.Record
	var champion, challenger, previous trackColumns
	var at int64
	err := rows.Scan(&r.Pipeline, &r.Environment, &r.Generation, &champion.version, &champion.policy, &challenger.version, &challenger.policy, &r.Weight,
		&previous.version, &previous.policy, &r.Drill, &r.Change, &r.Writer, &r.Actor, &r.Reason, &at, &r.Operation, &r.PrevHash, &r.Hash)
	r.Champion, r.Challenger, r.Previous = champion.track(), challenger.track(), previous.track()
	r.At = time.UnixMicro(at).UTC()
	return r, err
}

// trackColumns is a track as two columns, both NULL when there is none.
type trackColumns struct {
	version *int
	policy  *string
}

func columnsOf(t *serving.Track) trackColumns {
	if t == nil {
		return trackColumns{}
	}
	return trackColumns{&t.Version, &t.Policy}
}

func (c trackColumns) track() *serving.Track {
	if c.version == nil || c.policy == nil {
		return nil
	}
	return &serving.Track{Version: *c.version, Policy: *c.policy}
}
