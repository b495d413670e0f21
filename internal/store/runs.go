package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

func (s *store) PutRun(ctx context.Context, run registry.Run) error {
	if run.ID == "" || run.WorkflowID == "" {
		return fault.New(fault.Invalid, "a run needs its ID and its workflow's")
	}
	document, err := json.Marshal(run)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "a run that is not JSON")
	}
	ended := 0
	if !run.EndedAt.IsZero() {
		ended = 1
	}
	return s.exec(ctx, "recording a run", `
		INSERT INTO runs (id, workflow_id, pipeline, started_at, ended, document) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET ended = excluded.ended, document = excluded.document WHERE excluded.ended >= runs.ended`,
		run.ID, run.WorkflowID, run.Pipeline, run.StartedAt.UnixMicro(), ended, string(document))
}

func (s *store) Run(ctx context.Context, id string) (registry.Run, error) {
	var run registry.Run
	err := s.document(ctx, &run, fmt.Sprintf("there is no run %q; `loanops runs list` shows those that there are", id),
		"SELECT document FROM runs WHERE id = ? OR workflow_id = ? ORDER BY started_at DESC LIMIT 1", id, id)
	return run, err
}

func (s *store) Runs(ctx context.Context, pipeline string, limit int) ([]registry.Run, error) {
	if limit <= 0 {
		limit = 50
	}
	runs, err := documents[registry.Run](ctx, s, "SELECT document FROM runs WHERE ? = '' OR pipeline = ? ORDER BY started_at DESC, id LIMIT ?", pipeline, pipeline, limit)
	for i := range runs {
		runs[i].Steps = nil
	}
	return runs, err
}

func (s *store) PutRunArtifacts(ctx context.Context, runID string, artifacts map[string]artifact.Ref) error {
	if runID == "" {
		return fault.New(fault.Invalid, "artifacts need the run that made them")
	}
	return s.Transact(ctx, "noting a run's artifacts", func(tx *sql.Tx) error {
		for _, role := range slices.Sorted(maps.Keys(artifacts)) { // always in the same order: two writers cannot wait for each other
			ref, err := json.Marshal(artifacts[role])
			if err != nil {
				return fault.Wrap(fault.Invalid, err, "an artifact that is not JSON")
			}
			if _, err := tx.ExecContext(ctx, s.Dialect.Rebind(`
				INSERT INTO run_artifacts (run_id, role, ref) VALUES (?, ?, ?)
				ON CONFLICT (run_id, role) DO UPDATE SET ref = excluded.ref`), runID, role, string(ref)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *store) RunArtifacts(ctx context.Context, runID string) (map[string]artifact.Ref, error) {
	rows, err := s.QueryContext(ctx, s.Dialect.Rebind("SELECT role, ref FROM run_artifacts WHERE run_id = ?"), runID)
	if err != nil {
		return nil, s.Dialect.Fault(err, "reading a run's artifacts")
	}
	defer rows.Close()
	artifacts := map[string]artifact.Ref{}
	for rows.Next() {
		var role, text string
		var ref artifact.Ref
		if err := rows.Scan(&role, &text); err != nil {
			return nil, s.Dialect.Fault(err, "reading a run's artifacts")
		}
		if err := json.Unmarshal([]byte(text), &ref); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "artifact %s of run %s is not readable", role, runID)
		}
		artifacts[role] = ref
	}
	if err := rows.Err(); err != nil {
		return nil, s.Dialect.Fault(err, "reading a run's artifacts")
	}
	return artifacts, nil
}

func (s *store) PutCanaryCheck(ctx context.Context, check registry.CanaryCheck) error {
	if check.RunID == "" || check.Seq < 1 {
		return fault.New(fault.Invalid, "a canary check needs its run and a number from 1")
	}
	document, err := json.Marshal(check)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "a canary check that is not JSON")
	}
	return s.exec(ctx, "recording a canary check", "INSERT INTO canary_checks (run_id, seq, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
		check.RunID, check.Seq, string(document))
}

func (s *store) CanaryChecks(ctx context.Context, runID string) ([]registry.CanaryCheck, error) {
	return documents[registry.CanaryCheck](ctx, s, "SELECT document FROM canary_checks WHERE run_id = ? ORDER BY seq", runID)
}
