package featuredb

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

func (s *featureStore) Read(ctx context.Context, at []feature.Address) ([][]byte, error) {
	states := make([][]byte, len(at))
	if len(at) == 0 {
		return states, nil
	}
	if len(at) > feature.MaxRead { // three places each, of the 32,766 that SQLite has
		return nil, fault.New(fault.Invalid, "%d entities of views are read at once; at most %d are", len(at), feature.MaxRead)
	}
	args := make([]any, 0, 3*len(at))
	for _, a := range at {
		args = append(args, a.View, a.Version, string(a.Key))
	}
	var err error
	if len(at) <= maxPrepared {
		err = s.readFew(ctx, states, args)
	} else {
		err = s.readMany(ctx, at, states, args)
	}
	return states, s.Faulty(err, "reading features")
}

// maxPrepared is the most addresses that are read by a statement that is kept: as many as the views that one decision asks. Preparing one takes longer than running it.
const maxPrepared = 16

// readFew reads one row with a column for each address, which takes half of the time of a row for each.
func (s *featureStore) readFew(ctx context.Context, states [][]byte, args []any) error {
	read, err := s.prepare(ctx, len(states)) //nolint:sqlclosecheck // kept
	if err != nil {
		return err
	}
	into := make([]any, len(states))
	for i := range states {
		into[i] = &states[i]
	}
	return read.QueryRowContext(ctx, args...).Scan(into...)
}

func (s *featureStore) prepare(ctx context.Context, n int) (*sql.Stmt, error) {
	s.preparing.Lock()
	defer s.preparing.Unlock()
	if s.prepared[n] == nil {
		read, err := s.reads.PrepareContext(ctx, s.Dialect.Rebind("SELECT "+rowsOf(n, "(SELECT state FROM feature_states WHERE view = ? AND version = ? AND entity_key = ?)"))) //nolint:sqlclosecheck // kept until the pool is closed
		if err != nil {
			return nil, err
		}
		s.prepared[n] = read
	}
	return s.prepared[n], nil
}

// readMany reads a row for each address at which something is held.
func (s *featureStore) readMany(ctx context.Context, at []feature.Address, states [][]byte, args []any) error {
	rows, err := s.reads.QueryContext(ctx, s.Dialect.Rebind("SELECT t.view, t.version, t.entity_key, t.state"+s.lookedUp(len(at), stateRow, "feature_states", stateOf)), args...)
	found := make(map[feature.Address][]byte, len(at))
	err = each(rows, err, func() error {
		var a feature.Address
		var state []byte
		err := rows.Scan(&a.View, &a.Version, &a.Key, &state)
		found[a] = state
		return err
	})
	for i, a := range at {
		states[i] = found[a]
	}
	return err
}

// stateOf is the condition of a row of feature_states, and stateRow what is wanted of one.
const (
	stateOf  = "t.view = wanted.column1 AND t.version = wanted.column2 AND t.entity_key = wanted.column3"
	stateRow = "(CAST(? AS TEXT), CAST(? AS INTEGER), CAST(? AS TEXT))"
)

func (s *featureStore) Held(ctx context.Context, view string, version int, after feature.Key, limit int) ([]feature.Held, error) {
	rows, err := s.reads.QueryContext(ctx, s.Dialect.Rebind("SELECT entity_key, generation, state FROM feature_states WHERE view = ? AND version = ? AND entity_key > ? ORDER BY entity_key LIMIT ?"),
		view, version, string(after), limit)
	held, err := scanHeld(rows, err)
	return held, s.Faulty(err, "reading features")
}

func scanHeld(rows *sql.Rows, err error) ([]feature.Held, error) {
	held := []feature.Held{}
	err = each(rows, err, func() error {
		var h feature.Held
		err := rows.Scan(&h.Key, &h.Generation, &h.State)
		held = append(held, h)
		return err
	})
	return held, err
}

// heldOf is what a version holds of entities, of a chunk of them at most.
func (s *featureStore) heldOf(ctx context.Context, tx *sql.Tx, view string, version int, keys []feature.Key) (map[feature.Key]feature.Held, error) {
	args := make([]any, 0, 3*len(keys))
	for _, key := range keys {
		args = append(args, view, version, string(key))
	}
	rows, err := tx.QueryContext(ctx, s.Dialect.Rebind("SELECT t.entity_key, t.generation, t.state"+s.lookedUp(len(keys), stateRow, "feature_states", stateOf)), args...)
	held, err := scanHeld(rows, err)
	of := map[feature.Key]feature.Held{}
	for _, h := range held {
		of[h.Key] = h
	}
	return of, err
}

func keyArgs(view string, version int, keys []feature.Key) []any {
	args := []any{view, version}
	for _, key := range keys {
		args = append(args, string(key))
	}
	return args
}

// write replaces what a version holds of entities, of a chunk of them at most, each once. The view is held.
func (s *featureStore) write(ctx context.Context, tx *sql.Tx, view string, version int, held []feature.Held) error {
	var args []any
	var gone []feature.Key
	for _, h := range held {
		if len(h.State) == 0 {
			gone = append(gone, h.Key)
		} else {
			args = append(args, view, version, string(h.Key), h.Generation, h.State)
		}
	}
	if len(args) > 0 {
		_, err := tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO feature_states (view, version, entity_key, generation, state) VALUES "+rowsOf(len(held)-len(gone), "(?, ?, ?, ?, ?)")+
			" ON CONFLICT (view, version, entity_key) DO UPDATE SET generation = excluded.generation, state = excluded.state"), args...)
		if err != nil {
			return err
		}
	}
	return s.forget(ctx, tx, view, version, gone)
}

func (s *featureStore) forget(ctx context.Context, tx *sql.Tx, view string, version int, keys []feature.Key) error {
	if len(keys) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, s.Dialect.Rebind("DELETE FROM feature_states WHERE view = ? AND version = ? AND entity_key IN ("+rowsOf(len(keys), "?")+")"), keyArgs(view, version, keys)...)
	return err
}

func (s *featureStore) Put(ctx context.Context, view string, version int, generation int64, computed []feature.Computed, merge feature.Merge) error {
	if generation == 0 {
		return neverBegun(view, version)
	}
	for some := range slices.Chunk(computed, chunk) {
		err := s.generation(ctx, "writing features", view, version, generation, func(tx *sql.Tx) error {
			keys := make([]feature.Key, len(some))
			for i := range some {
				keys[i] = some[i].Key
			}
			slices.Sort(keys)
			keys = slices.Compact(keys)
			held, err := s.heldOf(ctx, tx, view, version, keys)
			if err != nil {
				return err
			}
			for _, c := range some {
				state, err := merge(c.Key, held[c.Key].State, c.Files)
				if err != nil {
					return err
				}
				held[c.Key] = feature.Held{Key: c.Key, Generation: generation, State: state}
			}
			written := make([]feature.Held, len(keys))
			for i, key := range keys {
				written[i] = held[key]
			}
			return s.write(ctx, tx, view, version, written)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func neverBegun(view string, version int) error {
	return fault.New(fault.Invalid, "no generation of view %q, version %d, was taken to write with", view, version)
}

// generation works in a transaction that holds the view, unless a newer generation than this one was taken.
func (s *featureStore) generation(ctx context.Context, what, view string, version int, generation int64, work func(tx *sql.Tx) error) error {
	return s.Transact(ctx, what, func(tx *sql.Tx) error {
		if _, err := s.hold(ctx, tx, view); err != nil {
			return err
		}
		p, err := s.progress(ctx, tx, view, version)
		if err != nil {
			return err
		}
		if p.Generation != generation {
			return fault.New(fault.Overtaken, "generation %d of view %q, version %d, is not the newest: %d is", generation, view, version, p.Generation)
		}
		return work(tx)
	})
}

func (s *featureStore) Progress(ctx context.Context, view string, version int) (feature.Progress, error) {
	p, err := s.progress(ctx, s.reads, view, version)
	return p, s.Faulty(err, "reading the progress of a view")
}

func (s *featureStore) progress(ctx context.Context, q interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}, view string, version int) (p feature.Progress, err error) {
	var at int64
	err = q.QueryRowContext(ctx, s.Dialect.Rebind("SELECT generation, begun, manifest, whole, known_until, at FROM feature_progress WHERE view = ? AND version = ?"), view, version).
		Scan(&p.Generation, &p.Begun, &p.Manifest, &p.Whole, &p.Until, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return feature.Progress{}, nil
	}
	p.At = time.UnixMicro(at).UTC()
	return p, err
}

func (s *featureStore) Begin(ctx context.Context, view string, version int, after int64, manifest string) (p feature.Progress, err error) {
	if manifest == "" {
		return p, fault.New(fault.Invalid, "a generation of features needs a manifest")
	}
	err = s.Transact(ctx, "taking a generation of features", func(tx *sql.Tx) error {
		if _, err := s.hold(ctx, tx, view); err != nil {
			return err
		}
		if _, err := s.live(ctx, tx, view, version); err != nil {
			return err
		}
		if p, err = s.progress(ctx, tx, view, version); err != nil {
			return err
		}
		if p.Generation != after {
			return fault.New(fault.Conflict, "generation %d of view %q, version %d, was taken since %d was the newest", p.Generation, view, version, after)
		}
		p.Generation, p.Begun, p.At = after+1, manifest, now()
		return s.putProgress(ctx, tx, view, version, p)
	})
	return p, err
}

func (s *featureStore) Finish(ctx context.Context, view string, version int, generation int64, until feature.Instant) (p feature.Progress, err error) {
	err = s.generation(ctx, "finishing a generation of features", view, version, generation, func(tx *sql.Tx) error {
		if p, err = s.progress(ctx, tx, view, version); err != nil {
			return err
		}
		if generation == 0 {
			return neverBegun(view, version)
		}
		p.Manifest, p.Whole, p.Until, p.At = p.Begun, generation, until, now()
		return s.putProgress(ctx, tx, view, version, p)
	})
	return p, err
}

func (s *featureStore) putProgress(ctx context.Context, tx *sql.Tx, view string, version int, p feature.Progress) error {
	_, err := tx.ExecContext(ctx, s.Dialect.Rebind(`INSERT INTO feature_progress (view, version, generation, begun, manifest, whole, known_until, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (view, version) DO UPDATE SET generation = excluded.generation, begun = excluded.begun, manifest = excluded.manifest, whole = excluded.whole,
		known_until = excluded.known_until, at = excluded.at`), view, version, p.Generation, p.Begun, p.Manifest, p.Whole, int64(p.Until), p.At.UnixMicro())
	return err
}
