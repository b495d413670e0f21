package main

import (
	"context"
	"path/filepath"

	"github.com/loanops/loanops/tests/platformtest"
)

// incomes writes applicants of another seed, whose incomes are multiplied.
func (s *stage) incomes(file string, factor float64) error {
	if err := s.run(0, "simulate", "--rows", "3000", "--seed", "12", "--out", file); err != nil {
		return err
	}
	return platformtest.MultiplyIncomes(filepath.Join(s.work, file), factor)
}

// look has a monitor look at rows of their own, under a spec where one is named, and end with the code.
func (s *stage) look(code int, spec, file string, factor float64) error {
	if spec != "" {
		if err := s.run(0, "ct", "start", "--pipeline", spec, "--register-only", "--wait"); err != nil {
			return err
		}
	}
	if err := s.incomes(file, factor); err != nil {
		return err
	}
	return s.run(code, "monitor", "start", quick, "--data", file, "--as-of", "2026-12-31", "--wait")
}

func onSame(_ context.Context, s *stage) error   { return s.look(0, "told.yaml", "same.csv", 1) }
func onShock(_ context.Context, s *stage) error  { return s.look(3, "", "shock.csv", 0.6) }
func onMonths(_ context.Context, s *stage) error { return s.look(3, "", "months.csv", 1./12) }

// onDrift waits for the training that the look has started: those after it need the pipeline.
func onDrift(ctx context.Context, s *stage) error {
	if err := s.look(3, "trained.yaml", "shock.csv", 0.6); err != nil {
		return err
	}
	return until("the training that a look started", func() bool { return s.progress(ctx, training).Verdict != "" })
}

// onBadChampion delivers a version that learned from shuffled labels; that before it is better.
func onBadChampion(_ context.Context, s *stage) error {
	if err := s.run(0, "simulate", "--shuffle-labels", "--out", "shuffled.csv"); err != nil {
		return err
	}
	if err := s.run(0, "ct", "start", "--pipeline", "bad.yaml", "--data", "shuffled.csv", "--wait"); err != nil {
		return err
	}
	return s.look(4, "", "same.csv", 1)
}
