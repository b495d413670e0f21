package activities

import (
	"context"
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
)

// TestFeatures holds what the sample's model reads of rows against the repository's own tests.
func (i *Integration) TestFeatures(ctx context.Context, in TestInput) (TestOutput, error) {
	return i.test(ctx, TestFeatures, in, func(ctx context.Context, tree *ci.Tree, in TestInput) (ci.Report, map[string]artifact.Ref, error) {
		repository, m, err := i.sampleModel(ctx, tree, in)
		if err != nil {
			return ci.Report{}, nil, err
		}
		return ci.CheckFeatures(repository, m.Encoder, m.Contract), nil, nil
	})
}

// TestPredictions scores everything that the schema admits with the sample's model.
func (i *Integration) TestPredictions(ctx context.Context, in TestInput) (TestOutput, error) {
	return i.test(ctx, TestPredictions, in, func(ctx context.Context, tree *ci.Tree, in TestInput) (ci.Report, map[string]artifact.Ref, error) {
		repository, m, err := i.sampleModel(ctx, tree, in)
		if err != nil {
			return ci.Report{}, nil, err
		}
		d := decision.Decider{Model: m, Meaning: repository.Spec.Label.Meaning, Policy: decision.PolicyOf(repository.Spec)}
		return ci.CheckPredictions(repository, d, ci.Options{}), nil, nil
	})
}

// TestQuality holds the sample's model against the spec's absolute gates: there is no champion on a sample.
func (i *Integration) TestQuality(ctx context.Context, in TestInput) (TestOutput, error) {
	return i.test(ctx, TestQuality, in, func(ctx context.Context, tree *ci.Tree, in TestInput) (ci.Report, map[string]artifact.Ref, error) {
		repository, err := readLocked(ctx, i.Cache.Objects, tree, in.Made)
		if err != nil {
			return ci.Report{}, nil, err
		}
		seen, err := getJSON[evaluate.Evaluation](ctx, i.Cache.Objects, in.Made[artifact.Evaluation])
		if err != nil {
			return ci.Report{}, nil, err
		}
		passed, checks := evaluate.Gate(absolute(repository.Spec.Gates), seen.Metrics, evaluate.Comparison{})
		report := ci.Report{Status: ci.Passed, Summary: fmt.Sprintf("%d gates on the sample's model", len(checks))}
		if len(checks) == 0 {
			return ci.Report{Status: ci.NotApplicable, Summary: "the spec has no gate that a model can pass without a champion"}, nil, nil
		}
		if !passed {
			report.Status = ci.Refused
		}
		for _, check := range checks {
			report.Log = append(report.Log, check.Message)
			if !check.Passed {
				report.Reasons = append(report.Reasons, check.Message)
			}
		}
		return report, nil, nil
	})
}

// TestIntegration asks the sample's model over HTTP, in a predictor of its own, and holds what it needs against what the spec plans for it.
func (i *Integration) TestIntegration(ctx context.Context, in TestInput) (TestOutput, error) {
	in.Image = i.Predictor.Image // in another one it is another test
	return i.test(ctx, TestIntegration, in, func(ctx context.Context, tree *ci.Tree, in TestInput) (ci.Report, map[string]artifact.Ref, error) {
		repository, m, err := i.sampleModel(ctx, tree, in)
		if err != nil {
			return ci.Report{}, nil, err
		}
		golden, err := getGolden(ctx, i.Cache.Objects, in.Made[artifact.Golden])
		if err != nil {
			return ci.Report{}, nil, err
		}
		bundle, err := i.Cache.Objects.Path(ctx, in.Made[artifact.Bundle])
		if err != nil {
			return ci.Report{}, nil, err
		}
		report, err := i.Predictor.try(ctx, repository.Spec, m, in.Made[artifact.Bundle].SHA256, bundle, golden)
		return report, nil, err
	})
}

// sampleModel is what the repository holds, and the model that was made of its sample.
func (i *Integration) sampleModel(ctx context.Context, tree *ci.Tree, in TestInput) (ci.Repository, *model.Model, error) {
	repository, err := readLocked(ctx, i.Cache.Objects, tree, in.Made)
	if err != nil {
		return repository, nil, err
	}
	m, err := getModel(ctx, i.Cache.Objects, in.Made[artifact.Bundle])
	return repository, m, err
}

// absolute are the gates that need no champion.
func absolute(gates []pipeline.Gate) []pipeline.Gate {
	return slices.DeleteFunc(slices.Clone(gates), func(g pipeline.Gate) bool { return g.Metric == pipeline.AUCDrop })
}
