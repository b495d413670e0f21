package featuredb

import (
	"context"
	"database/sql"
	"slices"

	"github.com/loanops/loanops/internal/feature"
)

// foldedSince says of each version of a view since when it was live when it was made of all rows of the log.
func (s *featureStore) foldedSince(ctx context.Context, tx *sql.Tx, view string) (map[int]int64, error) {
	folded := map[int]int64{}
	rows, err := tx.QueryContext(ctx, s.Dialect.Rebind("SELECT version, since FROM feature_folds WHERE view = ?"), view) //nolint:sqlclosecheck // each closes them
	err = each(rows, err, func() error {
		var version int
		var since int64
		err := rows.Scan(&version, &since)
		folded[version] = since
		return err
	})
	return folded, err
}

// wholeNow remembers that versions are made of all rows of the log, and will be as long as they are live. The view is held.
func (s *featureStore) wholeNow(ctx context.Context, tx *sql.Tx, versions []liveVersion) error {
	for i := range versions {
		v := &versions[i]
		_, err := tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO feature_folds (view, version, since) VALUES (?, ?, ?) ON CONFLICT (view, version) DO UPDATE SET since = excluded.since"), v.Name, v.Version, v.since)
		if err != nil {
			return err
		}
		v.whole = true
	}
	return nil
}

// foldFresh brings versions up to rows that are new in the log: those that lack older rows by all rows of their entities, for what they hold of them may be of any. The view is held.
func (s *featureStore) foldFresh(ctx context.Context, tx *sql.Tx, view string, versions []liveVersion, fresh []feature.Logged, fold feature.Fold) error {
	var whole, others []liveVersion
	for _, v := range versions {
		if v.whole {
			whole = append(whole, v)
		} else {
			others = append(others, v)
		}
	}
	if len(whole) > 0 {
		touched, err := s.eventsOfDays(ctx, tx, view, fresh)
		if err == nil {
			err = s.fold(ctx, tx, whole, touched, fold)
		}
		if err != nil {
			return err
		}
	}
	if len(others) == 0 {
		return nil
	}
	keys := make([]feature.Key, len(fresh))
	for i := range fresh {
		keys[i] = fresh[i].Key
	}
	slices.Sort(keys)
	for some := range slices.Chunk(slices.Compact(keys), chunk) {
		touched, err := s.eventsOf(ctx, tx, view, some)
		if err == nil {
			err = s.fold(ctx, tx, others, touched, fold)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eventsOf are all rows of the log of entities, of a chunk of them at most, by entity and in their order.
func (s *featureStore) eventsOf(ctx context.Context, tx *sql.Tx, view string, keys []feature.Key) (map[feature.Key][]feature.Logged, error) {
	var args []any
	for _, key := range keys {
		args = append(args, view, string(key))
	}
	events, err := s.events(ctx, tx, s.lookedUp(len(keys), "(CAST(? AS TEXT), CAST(? AS TEXT))", "feature_events", eventByKey)+" ORDER BY t.seq", args...)
	of := map[feature.Key][]feature.Logged{}
	for _, e := range events {
		of[e.Key] = append(of[e.Key], e)
	}
	return of, err
}

// Refold goes through the log's entities, some in each transaction. Who posts meanwhile folds all rows of an entity, and so does not lack what it has not come to; and a version that
// is retired meanwhile is told by since which row it is live.
func (s *featureStore) Refold(ctx context.Context, view string, version int, fold feature.Fold) error {
	reached := refolded{}
	for !reached.all {
		var next refolded
		err := s.Transact(ctx, "folding events", func(tx *sql.Tx) (err error) {
			next, err = s.refold(ctx, tx, view, version, reached, fold)
			return err
		})
		if err != nil {
			return err
		}
		reached = next
	}
	return nil
}

// refolded is how far Refold came: to that entity, in a version that is live since that row.
type refolded struct {
	since int64
	after feature.Key
	all   bool
}

func (s *featureStore) refold(ctx context.Context, tx *sql.Tx, view string, version int, reached refolded, fold feature.Fold) (refolded, error) {
	if _, err := s.hold(ctx, tx, view); err != nil {
		return reached, err
	}
	versions, err := s.live(ctx, tx, view, version)
	if err != nil {
		return reached, err
	}
	if reached.all = versions[0].whole; reached.all {
		return reached, nil
	}
	if reached.since != versions[0].since {
		reached.since, reached.after = versions[0].since, ""
	}
	keys, err := s.logKeys(ctx, tx, view, reached.after)
	if err != nil {
		return reached, err
	}
	if reached.all = len(keys) == 0; reached.all {
		return reached, s.wholeNow(ctx, tx, versions)
	}
	reached.after = keys[len(keys)-1]
	of, err := s.eventsOf(ctx, tx, view, keys)
	if err != nil {
		return reached, err
	}
	return reached, s.fold(ctx, tx, versions, of, fold)
}

// logKeys are the next entities that a view's log has rows of, a chunk of them at most, in the order of their bytes.
func (s *featureStore) logKeys(ctx context.Context, tx *sql.Tx, view string, after feature.Key) ([]feature.Key, error) {
	keys := []feature.Key{}
	rows, err := tx.QueryContext(ctx, s.Dialect.Rebind("SELECT DISTINCT entity_key FROM feature_events WHERE view = ? AND entity_key > ? ORDER BY entity_key LIMIT ?"), view, string(after), chunk) //nolint:sqlclosecheck // each closes them
	err = each(rows, err, func() error {
		var key feature.Key
		err := rows.Scan(&key)
		keys = append(keys, key)
		return err
	})
	return keys, err
}

// fold rewrites what versions hold of entities by the rows of the log that are given. The view is held.
func (s *featureStore) fold(ctx context.Context, tx *sql.Tx, versions []liveVersion, of map[feature.Key][]feature.Logged, fold feature.Fold) error {
	keys := make([]feature.Key, 0, len(of))
	for key := range of {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, version := range versions {
		for some := range slices.Chunk(keys, chunk) {
			held, err := s.heldOf(ctx, tx, version.Name, version.Version, some)
			if err != nil {
				return err
			}
			written := make([]feature.Held, len(some))
			for i, key := range some {
				before := held[key]
				state, err := fold(version.Registered, key, before.State, of[key])
				if err != nil {
					return err
				}
				written[i] = feature.Held{Key: key, Generation: before.Generation, State: state}
			}
			if err := s.write(ctx, tx, version.Name, version.Version, written); err != nil {
				return err
			}
		}
	}
	return nil
}
