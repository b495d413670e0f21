package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/train/logit"
)

// Training makes models.
type Training struct {
	Memory
}

// Train fits a model to the training part; the validation part chooses among penalties. The bundle is a function of the two
// parts and the training part of the spec.
func (t *Training) Train(ctx context.Context, in TrainInput) (TrainOutput, error) {
	key := []any{shape(in.Spec), in.Spec.Algorithm, in.Train.SHA256, in.Validation.SHA256}
	out, hit, err := remember(ctx, t.Memory, TrainModel, logit.Version, key,
		func(out TrainOutput) []artifact.Ref { return []artifact.Ref{out.Bundle} },
		func() (TrainOutput, error) { return t.train(ctx, in) })
	out.Cached = hit
	return out, err
}

func (t *Training) train(ctx context.Context, in TrainInput) (TrainOutput, error) {
	train, err := getTable(ctx, t.Objects, in.Train)
	if err != nil {
		return TrainOutput{}, err
	}
	validation, err := getTable(ctx, t.Objects, in.Validation)
	if err != nil {
		return TrainOutput{}, err
	}
	m, hyper, err := logit.Train(ctx, in.Spec, train, validation, func(iteration int, loss float64) {
		say(ctx, fmt.Sprintf("iteration %d, loss %.6f", iteration, loss))
	})
	if err != nil {
		return TrainOutput{}, err
	}
	bundle, err := m.Encode()
	if err != nil {
		return TrainOutput{}, err
	}
	ref, err := t.Objects.Put(ctx, bundle, bundleType, "model")
	if err != nil {
		return TrainOutput{}, err
	}
	hyperparameters, err := json.Marshal(hyper)
	return TrainOutput{
		Bundle: ref, Hyperparameters: hyperparameters,
		Summary: fmt.Sprintf("%s on %d rows: L2 %g, %d iterations", in.Spec.Algorithm.Name, train.Rows(), hyper.L2, hyper.Iterations),
	}, fault.Wrap(fault.Internal, err, "encoding the hyperparameters")
}
