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

func (s *store) PutCachedStep(ctx context.Context, step registry.CachedStep) error {
	if step.Key == "" {
		return fault.New(fault.Invalid, "a cached step needs a key")
	}
	return s.exec(ctx, "recording a step", "INSERT INTO cached_steps (key, step, result, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		step.Key, step.Step, string(step.Result), now().UnixMicro())
}

const stepColumns = "SELECT key, step, result, created_at FROM cached_steps "

func (s *store) CachedStep(ctx context.Context, key string) (registry.CachedStep, error) {
	step, err := scanStep(s.QueryRowContext(ctx, s.Dialect.Rebind(stepColumns+"WHERE key = ?"), key))
	if errors.Is(err, sql.ErrNoRows) {
		return step, fault.New(fault.NotFound, "the step is not cached")
	}
	if err != nil {
		return step, s.Dialect.Fault(err, "reading a cached step")
	}
	return step, nil
}

func (s *store) CachedSteps(ctx context.Context) ([]registry.CachedStep, error) {
	rows, err := s.QueryContext(ctx, stepColumns+"ORDER BY key")
	if err != nil {
		return nil, s.Dialect.Fault(err, "reading cached steps")
	}
	defer rows.Close()
	steps := []registry.CachedStep{}
	for rows.Next() {
		step, err := scanStep(rows)
		if err != nil {
			return nil, s.Dialect.Fault(err, "reading cached steps")
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		return nil, s.Dialect.Fault(err, "reading cached steps")
	}
	return steps, nil
}

func scanStep(row interface{ Scan(to ...any) error }) (registry.CachedStep, error) {
	var step registry.CachedStep
	var result string
	var at int64
	err := row.Scan(&step.Key, &step.Step, &result, &at)
	step.Result, step.CreatedAt = json.RawMessage(result), time.UnixMicro(at).UTC()
	return step, err
}

func (s *store) DeleteCachedSteps(ctx context.Context, keys []string, before time.Time) (deleted int, err error) {
	err = s.Transact(ctx, "forgetting cached steps", func(tx *sql.Tx) error {
		deleted = 0
		for _, key := range keys {
			result, err := tx.ExecContext(ctx, s.Dialect.Rebind("DELETE FROM cached_steps WHERE key = ? AND created_at < ?"), key, before.UnixMicro())
			if err != nil {
				return err
			}
			gone, err := result.RowsAffected()
			if err != nil {
				return err
			}
			deleted += int(gone)
		}
		return nil
	})
	return deleted, err
}
