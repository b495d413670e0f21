// Package servingtest keeps the serving record in memory, for tests of whoever uses one. It is held to the same contract as the
// databases, see storetest.Serving.
package servingtest

import (
	"context"
	"sync"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// Records implements serving.Records. Its clock is the generation, so that a test that is run again gets the same hashes.
type Records struct {
	// Models is how many versions the model of each pipeline has: a record that names another one is refused.
	Models map[string]int

	mu   sync.Mutex
	rows []serving.Record // of every chain, in the order in which they were taken
}

// chain is a copy of one, oldest first, and its newest record, or the one before the first.
func (r *Records) chain(pipeline, environment string) (history []serving.Record, newest serving.Record) {
	history, newest = []serving.Record{}, serving.Record{Pipeline: pipeline, Environment: environment}
	for _, row := range r.rows {
		if row.Pipeline == pipeline && row.Environment == environment {
			history, newest = append(history, row), row
		}
	}
	return history, newest
}

// History is ServingHistory for a test to look at.
func (r *Records) History(pipeline, environment string) []serving.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	history, _ := r.chain(pipeline, environment)
	return history
}

// Newest is Serving for a test to look at.
func (r *Records) Newest(pipeline, environment string) serving.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, newest := r.chain(pipeline, environment)
	return newest
}

func (r *Records) Serving(_ context.Context, pipeline, environment string) (serving.Record, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	history, newest := r.chain(pipeline, environment)
	return newest, serving.VerifyNewest(history[max(0, len(history)-2):])
}

func (r *Records) ServingHistory(_ context.Context, pipeline, environment string) ([]serving.Record, error) {
	history := r.History(pipeline, environment)
	return history, serving.Verify(history)
}

func (r *Records) TakeGeneration(_ context.Context, next serving.Record) (serving.Record, error) {
	if err := next.Complete(); err != nil {
		return serving.Record{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	history, newest := r.chain(next.Pipeline, next.Environment)
	if err := serving.Verify(history); err != nil {
		return serving.Record{}, err
	}
	for _, taken := range history {
		if taken.Operation == next.Operation {
			return taken, nil
		}
	}
	for _, track := range []*serving.Track{next.Champion, next.Challenger, next.Previous} {
		if track != nil && (track.Version < 1 || track.Version > r.Models[next.Pipeline]) {
			return serving.Record{}, fault.New(fault.NotFound, "there is no version %d of model %q", track.Version, next.Pipeline)
		}
	}
	if next.Generation != newest.Generation+1 || next.PrevHash != newest.Hash {
		return serving.Record{}, fault.New(fault.Conflict, "taken by %s", newest)
	}
	taken := next.Seal(time.Unix(next.Generation, 0).UTC())
	r.rows = append(r.rows, taken)
	return taken, nil
}
