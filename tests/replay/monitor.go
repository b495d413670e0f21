package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/loanops/loanops/tests/platformtest"
	"github.com/loanops/loanops/workflows"
)

// incomes writes applicants of another seed, whose incomes are multiplied.
func (s *stage) incomes(file string, factor float64, flags ...string) error {
	if err := s.run(0, append([]string{"simulate", "--seed", "12", "--as-of", "2026-12-31", "--out", file}, flags...)...); err != nil {
		return err
	}
	return platformtest.MultiplyIncomes(filepath.Join(s.work, file), factor)
}

// register registers a spec, and trains what it says.
func (s *stage) register(spec string) error {
	return s.run(0, "ct", "start", "--pipeline", spec, "--register-only", "--wait")
}

// look has a monitor look at rows of their own, and end with the code.
func (s *stage) look(code int, file string, factor float64) error {
	if err := s.incomes(file, factor, "--rows", "3000"); err != nil {
		return err
	}
	return s.run(code, "monitor", "start", quick, "--data", file, "--as-of", "2026-11-15", "--wait")
}

func onSame(_ context.Context, s *stage) error {
	return errors.Join(s.register("told.yaml"), s.look(0, "same.csv", 1))
}

func onShock(_ context.Context, s *stage) error  { return s.look(3, "shock.csv", 0.6) }
func onMonths(_ context.Context, s *stage) error { return s.look(3, "months.csv", 1./12) }

// onDrift looks at what has come to the source: rows of their own start no training. It waits for the one that the look has started: those after it
// need the pipeline.
func onDrift(ctx context.Context, s *stage) error {
	if err := s.incomes("arrived.csv", 0.6, "--rows", "24000", "--from", "2024-06-01", "--to", "2026-11-15"); err != nil {
		return err
	}
	if err := errors.Join(s.register("trained.yaml"), s.run(3, "monitor", "start", quick, "--wait")); err != nil {
		return err
	}
	return until("the training that a look started", func() bool { return s.progress(ctx, training).Verdict != "" })
}

// onOvertaken delivers a version that learned from shuffled labels, after a good one. But a rollback goes on, of which no worker knows.
func onOvertaken(ctx context.Context, s *stage) error {
	for _, args := range [][]string{
		{"ct", "start", "--pipeline", "bad.yaml", "--as-of", "2026-01-31", "--wait"},
		{"simulate", "--shuffle-labels", "--rows", "14000", "--to", "2025-08-31", "--as-of", "2026-03-31", "--out", "shuffled.csv"},
		{"ct", "start", bad, "--data", "shuffled.csv", "--wait"},
	} {
		if err := s.run(0, args...); err != nil {
			return err
		}
	}
	if err := s.occupy(ctx, workflows.RollbackID(bad), bad); err != nil {
		return err
	}
	return errors.Join(s.run(3, "monitor", "start", bad, "--wait"), s.temporal.TerminateWorkflow(ctx, workflows.RollbackID(bad), "", "the rollback has ended"))
}

func onBadChampion(_ context.Context, s *stage) error {
	return s.run(4, "monitor", "start", bad, "--wait")
}
