package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/train/logit"
)

// TrainInput is what a model is a function of.
type TrainInput struct {
	Schema     artifact.Ref       `json:"schema"`
	Algorithm  pipeline.Algorithm `json:"algorithm"`
	Train      artifact.Ref       `json:"train"`
	Validation artifact.Ref       `json:"validation"`
	// First is what the same algorithm found for the champion: it is tried first. Empty where there is none.
	First json.RawMessage `json:"first,omitempty"`
}

// TrainOutput is a model bundle and how it came about.
type TrainOutput struct {
	Bundle          artifact.Ref    `json:"bundle"`
	Hyperparameters json.RawMessage `json:"hyperparameters"`
	Fit             string          `json:"fit"` // how the model was found, in words
	// Code is the program that found it: kept with the output, and no part of what that is a function of.
	Code registry.Code `json:"code"`
	Reused
}

// Summary says how the model was found.
func (o TrainOutput) Summary() string { return o.Fit + o.mark() }

// Artifacts is the bundle.
func (o TrainOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Bundle: o.Bundle}
}

// Training makes models.
type Training struct {
	Cache StepCache
	// Code is the program that trains.
	Code registry.Code
}

// Train fits a model to the training part; the validation part chooses among penalties. A penalty that is tried anyway makes no other step of it.
func (t *Training) Train(ctx context.Context, in TrainInput) (TrainOutput, error) {
	in.Algorithm, in.First = logit.TryFirst(in.Algorithm, in.First), nil
	return cached(ctx, t.Cache, TrainModel, in, t.train)
}

func (t *Training) train(ctx context.Context, in TrainInput) (TrainOutput, error) {
	spec, err := getSchema(ctx, t.Cache.Objects, in.Schema)
	if err != nil {
		return TrainOutput{}, err
	}
	spec.Algorithm = in.Algorithm
	train, err := open(ctx, t.Cache.Objects, in.Train)
	if err != nil {
		return TrainOutput{}, err
	}
	validation, err := open(ctx, t.Cache.Objects, in.Validation)
	if err != nil {
		return TrainOutput{}, err
	}
	m, hyper, err := logit.Train(ctx, spec, train.columns(), validation.columns(), func(iteration int, loss float64) {
		say(ctx, fmt.Sprintf("iteration %d, loss %.6f", iteration, loss))
	})
	if err != nil {
		return TrainOutput{}, err
	}
	bundle, err := m.Encode()
	if err != nil {
		return TrainOutput{}, err
	}
	ref, err := t.Cache.Objects.Put(ctx, bundle, bundleType, "model")
	if err != nil {
		return TrainOutput{}, err
	}
	hyperparameters, err := json.Marshal(hyper)
	return TrainOutput{
		Bundle: ref, Hyperparameters: hyperparameters,
		Fit: fmt.Sprintf("%s on %d rows: L2 %g, %d iterations", in.Algorithm.Name, train.Rows, hyper.L2, hyper.Iterations), Code: t.Code,
	}, fault.Wrap(fault.Internal, err, "encoding the hyperparameters")
}
