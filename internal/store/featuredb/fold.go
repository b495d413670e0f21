package featuredb

import (
	"context"
	"database/sql"
	"log/slog"
	"maps"
	"slices"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// foldedSince says of each version of a view since when it was live when it was made of all rows of the log; of one that lacks rows since, minus the log's newest row of then.
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
		if err := s.putFolded(ctx, tx, v.Name, v.Version, v.since); err != nil {
			return err
		}
		v.folded = v.since
	}
	return nil
}

func (s *featureStore) putFolded(ctx context.Context, tx *sql.Tx, view string, version int, since int64) error {
	_, err := tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO feature_folds (view, version, since) VALUES (?, ?, ?) ON CONFLICT (view, version) DO UPDATE SET since = excluded.since"), view, version, since)
	return err
}

// foldFresh brings versions up to rows that are new in the log. The view is held.
func (s *featureStore) foldFresh(ctx context.Context, tx *sql.Tx, view string, versions []liveVersion, fresh []feature.Logged, fold feature.Fold) error {
	var whole, others []liveVersion
	for _, v := range versions {
		if v.whole() {
			whole = append(whole, v)
		} else {
			others = append(others, v)
		}
	}
	if len(whole) > 0 {
		if err := s.foldWhole(ctx, tx, view, whole, fresh, fold); err != nil {
			return err
		}
	}
	if len(others) == 0 {
		return nil
	}
	// What they hold of an entity may be of any of its rows.
	keys := make([]feature.Key, len(fresh))
	for i := range fresh {
		keys[i] = fresh[i].Key
	}
	slices.Sort(keys)
	for some := range slices.Chunk(slices.Compact(keys), chunk) {
		touched, err := s.eventsOf(ctx, tx, view, some)
		if err == nil {
			err = s.foldEach(ctx, tx, others, touched, feature.AllRows, fold)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// foldWhole is foldFresh for versions that are made of all rows before. An entity that has another row of the instant of a new one, be it the one that is corrected, gets the days
// anew: all others the new rows alone, however many there are of a day.
func (s *featureStore) foldWhole(ctx context.Context, tx *sql.Tx, view string, whole []liveVersion, fresh []feature.Logged, fold feature.Fold) error {
	instant := func(at feature.Instant) (first, last feature.Instant) { return at, at }
	day := func(at feature.Instant) (first, last feature.Instant) {
		return at.Day().Begin(), (at.Day() + 1).Begin() - 1
	}
	instants := spansOf(fresh, instant)
	found, err := s.within(ctx, tx, view, instants)
	if err != nil {
		return err
	}
	alone := map[feature.Key]int{}
	for _, at := range instants {
		alone[at.key]++
	}
	added := map[feature.Key][]feature.Logged{}
	var others []feature.Logged
	for _, row := range fresh {
		if len(found[row.Key]) == alone[row.Key] {
			added[row.Key] = append(added[row.Key], row)
		} else {
			others = append(others, row)
		}
	}
	if err := s.foldEach(ctx, tx, whole, added, feature.NewRows, fold); err != nil {
		return err
	}
	touched, err := s.within(ctx, tx, view, spansOf(others, day))
	if err != nil {
		return err
	}
	return s.foldEach(ctx, tx, whole, touched, feature.WholeDays, fold)
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

// Refold goes through the entities of the log, and those of whom anything is held, some in each transaction. Who posts meanwhile folds all rows of an entity, and so does not lack what it has not come to. It begins anew where
// the version was retired meanwhile, which is told by since which row it is live, and where somebody could not fold what was posted.
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

// refolded is how far Refold came: to that entity, in a version that is live since that row and of which feature_folds said that.
type refolded struct {
	since, folded int64
	after         feature.Key
	begun         int // how often it began
	all           bool
}

// maxBegun is how often Refold begins: where it has to begin again and again, somebody posts who does not understand the version.
const maxBegun = 5

func (s *featureStore) refold(ctx context.Context, tx *sql.Tx, view string, version int, reached refolded, fold feature.Fold) (refolded, error) {
	if _, err := s.hold(ctx, tx, view); err != nil {
		return reached, err
	}
	versions, err := s.live(ctx, tx, view, version)
	if err != nil {
		return reached, err
	}
	if reached.all = versions[0].whole(); reached.all {
		return reached, nil
	}
	if reached.since != versions[0].since || reached.folded != versions[0].folded {
		reached = refolded{since: versions[0].since, folded: versions[0].folded, begun: reached.begun + 1}
	}
	if reached.begun > maxBegun {
		return reached, fault.New(fault.Unavailable, "version %d of view %s is being posted to by a program that does not understand it: end the older server of the feature store", version, view)
	}
	keys, err := s.foldedKeys(ctx, tx, view, version, reached.after)
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
	for _, key := range keys { // of whom the log says nothing, nothing of a log is held
		if _, posted := of[key]; !posted {
			of[key] = nil
		}
	}
	return reached, s.fold(ctx, tx, &versions[0], of, feature.AllRows, fold)
}

// foldedKeys are the next entities, a chunk of them at most, that a view's log has rows of, or of which the version holds anything, in the order of their bytes.
func (s *featureStore) foldedKeys(ctx context.Context, tx *sql.Tx, view string, version int, after feature.Key) ([]feature.Key, error) {
	keys := []feature.Key{}
	query := s.Dialect.Rebind(`SELECT entity_key FROM (SELECT DISTINCT entity_key FROM feature_events WHERE view = ? AND entity_key > ? ORDER BY entity_key LIMIT ?) AS posted
		UNION SELECT entity_key FROM (SELECT entity_key FROM feature_states WHERE view = ? AND version = ? AND entity_key > ? ORDER BY entity_key LIMIT ?) AS held ORDER BY entity_key LIMIT ?`)
	rows, err := tx.QueryContext(ctx, query, view, string(after), chunk, view, version, string(after), chunk, chunk) //nolint:sqlclosecheck // each closes them
	err = each(rows, err, func() error {
		var key feature.Key
		err := rows.Scan(&key)
		keys = append(keys, key)
		return err
	})
	return keys, err
}

// foldEach is fold for several versions. One that is not understood stays as it is, and lacks rows from then on.
func (s *featureStore) foldEach(ctx context.Context, tx *sql.Tx, versions []liveVersion, of map[feature.Key][]feature.Logged, extent feature.Extent, fold feature.Fold) error {
	for i := range versions {
		v := &versions[i]
		if v.lacking {
			continue
		}
		err := s.fold(ctx, tx, v, of, extent, fold)
		if v.lacking = feature.NotUnderstood(err); v.lacking {
			if v.whole() { // from now on not any more
				slog.Error("rows of a view are written that this program cannot fold: materialize the version once newer programs serve", "view", v.Name, "version", v.Version, "error", err.Error())
			}
			err = s.unfold(ctx, tx, v.Name, v.Version)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fold rewrites what a version holds of entities by rows of the log. The view is held.
func (s *featureStore) fold(ctx context.Context, tx *sql.Tx, version *liveVersion, of map[feature.Key][]feature.Logged, extent feature.Extent, fold feature.Fold) error {
	for some := range slices.Chunk(slices.Sorted(maps.Keys(of)), chunk) {
		held, err := s.heldOf(ctx, tx, version.Name, version.Version, some)
		if err != nil {
			return err
		}
		written := make([]feature.Held, len(some))
		for i, key := range some {
			before := held[key]
			state, err := fold(version.Registered, key, before.State, of[key], extent)
			if err != nil {
				return err
			}
			written[i] = feature.Held{Key: key, Generation: before.Generation, State: state}
		}
		if err := s.write(ctx, tx, version.Name, version.Version, written); err != nil {
			return err
		}
	}
	return nil
}

// Unfold forgets that the version was made of all rows.
func (s *featureStore) Unfold(ctx context.Context, view string, version int) error {
	return s.Transact(ctx, "folding events anew", func(tx *sql.Tx) error { return s.unfold(ctx, tx, view, version) })
}

// unfold marks the version as one that lacks rows. No two marks of it are the same while rows are written, so that who brings it up sees that there is a new one.
func (s *featureStore) unfold(ctx context.Context, tx *sql.Tx, view string, version int) error {
	newest, err := s.hold(ctx, tx, view)
	if err != nil {
		return err
	}
	return s.putFolded(ctx, tx, view, version, -newest)
}
