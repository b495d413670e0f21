package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/scoring"
)

// goldenRows is how many test rows a deployed predictor must score as the evaluation did.
const goldenRows = 100

// Evaluation measures models and holds them against gates.
type Evaluation struct {
	Memory
	// Page renders an evaluation for people.
	Page func(e evaluate.Evaluation, m *model.Model) ([]byte, error)
}

// Evaluate scores the test part with the same Score that serves, and the champion on the same rows.
func (e *Evaluation) Evaluate(ctx context.Context, in EvaluateInput) (EvaluateOutput, error) {
	champion := ""
	if in.Champion != nil {
		champion = in.Champion.SHA256
	}
	out, hit, err := remember(ctx, e.Memory, EvaluateModel, evaluateVersion, []any{shape(in.Spec), in.Bundle.SHA256, in.Test.SHA256, champion},
		func(out EvaluateOutput) []artifact.Ref { return []artifact.Ref{out.JSON, out.HTML, out.Golden} },
		func() (EvaluateOutput, error) { return e.evaluate(ctx, in) })
	out.Cached = hit
	return out, err
}

func (e *Evaluation) evaluate(ctx context.Context, in EvaluateInput) (EvaluateOutput, error) {
	test, err := getTable(ctx, e.Objects, in.Test)
	if err != nil {
		return EvaluateOutput{}, err
	}
	m, err := getModel(ctx, e.Objects, in.Bundle)
	if err != nil {
		return EvaluateOutput{}, err
	}
	seen, err := measured(in.Spec, m, test)
	if err != nil {
		return EvaluateOutput{}, err
	}
	out := EvaluateOutput{Metrics: registryMetrics(seen.Metrics)}
	if err := e.put(ctx, &out, seen, m, test); err != nil {
		return out, err
	}
	if in.Champion == nil {
		out.Note = "there is no champion yet"
		return out, nil
	}
	other, err := getModel(ctx, e.Objects, *in.Champion)
	if err != nil {
		return out, err
	}
	compared, err := measured(in.Spec, other, test)
	switch {
	case fault.CodeOf(err) == fault.Invalid:
		out.Note = "the champion cannot score these rows: " + err.Error()
	case err != nil:
		return out, err
	default:
		out.Champion = registryMetrics(compared.Metrics)
		out.Note = fmt.Sprintf("the champion's AUC on the same rows is %.4f", compared.Metrics["auc"].Estimate)
	}
	return out, nil
}

func (e *Evaluation) put(ctx context.Context, out *EvaluateOutput, measured evaluate.Evaluation, m *model.Model, test dataset.Table) error {
	page, err := e.Page(measured, m)
	if err != nil {
		return err
	}
	golden, err := scoring.Golden(m, test, goldenRows)
	if err != nil {
		return err
	}
	if out.JSON, err = putJSON(ctx, e.Objects, measured); err != nil {
		return err
	}
	if out.HTML, err = e.Objects.Put(ctx, page, htmlType, "html"); err != nil {
		return err
	}
	out.Golden, err = putJSON(ctx, e.Objects, golden)
	return err
}

// measured scores a table and compares with its labels. Its rows were chosen by Split, so their labels have matured.
func measured(spec pipeline.Spec, m *model.Model, t dataset.Table) (evaluate.Evaluation, error) {
	spec.Label.MaturesAfterDays = 0
	y, err := dataset.Label(spec, t, time.Time{})
	if err != nil {
		return evaluate.Evaluation{}, err
	}
	p, err := scoring.Table(m, t)
	if err != nil {
		return evaluate.Evaluation{}, err
	}
	return evaluate.Evaluate(y, p)
}

// CheckGates says whether the model may be registered.
func (e *Evaluation) CheckGates(_ context.Context, in GateInput) (GateOutput, error) {
	passed, checks := evaluate.Gate(in.Gates, evaluateMetrics(in.Metrics), evaluateMetrics(in.Champion))
	out := GateOutput{Passed: passed}
	for _, check := range checks {
		out.Checks = append(out.Checks, check.Message)
		if !check.Passed {
			out.Refused = append(out.Refused, check.Message)
		}
	}
	return out, nil
}

func registryMetrics(from map[string]evaluate.Metric) map[string]registry.Metric {
	to := make(map[string]registry.Metric, len(from))
	for name, m := range from {
		to[name] = registry.Metric(m)
	}
	return to
}

// evaluateMetrics keeps nil nil: no champion.
func evaluateMetrics(from map[string]registry.Metric) map[string]evaluate.Metric {
	if from == nil {
		return nil
	}
	to := make(map[string]evaluate.Metric, len(from))
	for name, m := range from {
		to[name] = evaluate.Metric(m)
	}
	return to
}
