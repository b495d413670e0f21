package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// store implements registry.Registry on database/sql.
type store struct {
	db      *sql.DB
	dialect dialect
}

// attempts is how often a lost race is run again before it becomes the caller's conflict.
const attempts = 50

func (s *store) Ping(ctx context.Context) error {
	if err := s.db.PingContext(ctx); err != nil {
		return s.dialect.fault(err, "the metadata database does not answer")
	}
	return nil
}

func (s *store) Close() error { return s.db.Close() }

// transact runs work in a transaction, again when another writer was faster.
func (s *store) transact(ctx context.Context, what string, work func(tx *sql.Tx) error) error {
	var err error
	for range attempts {
		if err = s.once(ctx, work); !s.dialect.conflict(err) {
			break
		}
	}
	if err == nil || fault.CodeOf(err) != fault.Internal {
		return err
	}
	return s.dialect.fault(err, "%s", what)
}

func (s *store) once(ctx context.Context, work func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := work(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *store) exec(ctx context.Context, what, statement string, args ...any) error {
	if _, err := s.db.ExecContext(ctx, s.dialect.rebind(statement), args...); err != nil {
		return s.dialect.fault(err, "%s", what)
	}
	return nil
}

// document reads the one JSON column of the one row into v. No row is NotFound with the text.
func (s *store) document(ctx context.Context, v any, notFound, statement string, args ...any) error {
	var text string
	err := s.db.QueryRowContext(ctx, s.dialect.rebind(statement), args...).Scan(&text)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.New(fault.NotFound, "%s", notFound)
	case err != nil:
		return s.dialect.fault(err, "reading the metadata database")
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		return fault.Wrap(fault.Internal, err, "a row of the metadata database is not readable")
	}
	return nil
}

// documents reads the one JSON column of every row.
func documents[T any](ctx context.Context, s *store, statement string, args ...any) ([]T, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.rebind(statement), args...)
	if err != nil {
		return nil, s.dialect.fault(err, "reading the metadata database")
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		var text string
		var v T
		if err := rows.Scan(&text); err != nil {
			return nil, s.dialect.fault(err, "reading the metadata database")
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "a row of the metadata database is not readable")
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, s.dialect.fault(err, "reading the metadata database")
	}
	return all, nil
}

// now is the time of writing, as precise as the database keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func (s *store) PutPipeline(ctx context.Context, spec registry.PipelineSpec) error {
	if spec.Name == "" || spec.Digest == "" {
		return fault.New(fault.Invalid, "a pipeline spec needs a name and a digest")
	}
	return s.transact(ctx, "recording a pipeline spec", func(tx *sql.Tx) error {
		var digest string
		err := tx.QueryRowContext(ctx, s.dialect.rebind("SELECT digest FROM pipelines WHERE name = ? ORDER BY seq DESC LIMIT 1"), spec.Name).Scan(&digest)
		if digest == spec.Digest || (err != nil && !errors.Is(err, sql.ErrNoRows)) {
			return err
		}
		_, err = tx.ExecContext(ctx, s.dialect.rebind("INSERT INTO pipelines (name, digest, yaml, created_at) VALUES (?, ?, ?, ?)"),
			spec.Name, spec.Digest, spec.YAML, now().UnixMicro())
		return err
	})
}

func (s *store) Pipeline(ctx context.Context, name string) (registry.PipelineSpec, error) {
	specs, err := s.pipelines(ctx, "WHERE name = ? ORDER BY seq DESC LIMIT 1", name)
	if err != nil {
		return registry.PipelineSpec{}, err
	}
	if len(specs) == 0 {
		return registry.PipelineSpec{}, fault.New(fault.NotFound, "there is no pipeline %q; `loanops pipelines list` shows those that there are", name)
	}
	return specs[0], nil
}

func (s *store) PipelineHistory(ctx context.Context, name string) ([]registry.PipelineSpec, error) {
	return s.pipelines(ctx, "WHERE name = ? ORDER BY seq DESC", name)
}

func (s *store) Pipelines(ctx context.Context) ([]registry.PipelineSpec, error) {
	return s.pipelines(ctx, "WHERE seq IN (SELECT MAX(seq) FROM pipelines GROUP BY name) ORDER BY name")
}

func (s *store) pipelines(ctx context.Context, where string, args ...any) ([]registry.PipelineSpec, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.rebind("SELECT name, digest, yaml, created_at FROM pipelines "+where), args...)
	if err != nil {
		return nil, s.dialect.fault(err, "reading pipeline specs")
	}
	defer rows.Close()
	specs := []registry.PipelineSpec{}
	for rows.Next() {
		var spec registry.PipelineSpec
		var at int64
		if err := rows.Scan(&spec.Name, &spec.Digest, &spec.YAML, &at); err != nil {
			return nil, s.dialect.fault(err, "reading pipeline specs")
		}
		spec.CreatedAt = time.UnixMicro(at).UTC()
		specs = append(specs, spec)
	}
	if err := rows.Err(); err != nil {
		return nil, s.dialect.fault(err, "reading pipeline specs")
	}
	return specs, nil
}
