package activities

import (
	"context"
	"fmt"
	"strings"
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

// EvaluateInput scores a bundle, and the champion's where there is one, on the test set.
type EvaluateInput struct {
	Schema   artifact.Ref  `json:"schema"`
	Bundle   artifact.Ref  `json:"bundle"`
	Test     artifact.Ref  `json:"test"`
	Champion *artifact.Ref `json:"champion"` // the champion's bundle, or nil
	// ChampionMeaning is what the champion's scores mean: those of another meaning than the spec's are not compared.
	ChampionMeaning pipeline.Meaning `json:"champion_meaning,omitempty"`
}

// EvaluateOutput is the measured quality.
type EvaluateOutput struct {
	Metrics map[string]registry.Metric `json:"metrics"`
	// Champion is the champion's metrics, on the rows that both models take; nil when there is none or it can score none, then Note says why.
	Champion map[string]registry.Metric `json:"champion"`
	// Compared is the model's own metrics on these rows where they are not all.
	Compared map[string]registry.Metric `json:"compared,omitempty"`
	Note     string                     `json:"note"`
	// Recleaned are the columns that the champion cleans otherwise than these rows were: of them it measures what clients' values do not come to.
	Recleaned []string     `json:"recleaned,omitempty"`
	JSON      artifact.Ref `json:"json"`
	HTML      artifact.Ref `json:"html"`
	Golden    artifact.Ref `json:"golden"` // rows and their probabilities, for smoke tests
	Reused
}

// Summary is the area under the ROC curve.
func (o EvaluateOutput) Summary() string {
	auc := o.Metrics["auc"]
	text := fmt.Sprintf("AUC %.4f (95 %% interval %.4f to %.4f)", auc.Estimate, auc.Lower, auc.Upper)
	if len(o.Recleaned) > 0 {
		text += fmt.Sprintf("; the champion is measured on rows in which %s", recleaned(o.Recleaned))
	}
	return text + o.mark()
}

// Artifacts are the evaluation for people and for programs, and the golden rows.
func (o EvaluateOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Evaluation: o.JSON, artifact.EvaluationHTML: o.HTML, artifact.Golden: o.Golden}
}

// GateInput is what the gates judge.
type GateInput struct {
	Gates    []pipeline.Gate            `json:"gates"`
	Metrics  map[string]registry.Metric `json:"metrics"`
	Champion map[string]registry.Metric `json:"champion"`
	Compared map[string]registry.Metric `json:"compared,omitempty"`
	Note     string                     `json:"note"` // why there is no champion's
}

// GateOutput says whether a model may be registered, with a text for each gate.
type GateOutput struct {
	Passed  bool     `json:"passed"`
	Checks  []string `json:"checks"`
	Refused []string `json:"refused"` // the checks that failed
}

// Summary counts the gates.
func (o GateOutput) Summary() string {
	return fmt.Sprintf("%d checks, %d refused", len(o.Checks), len(o.Refused))
}

// Evaluation measures models and holds them against gates.
type Evaluation struct {
	Cache StepCache
	// Page renders an evaluation for people.
	Page func(e evaluate.Evaluation, m *model.Model) ([]byte, error)
}

// Evaluate scores the test part with the same Score that serves, and the champion on the same rows.
func (e *Evaluation) Evaluate(ctx context.Context, in EvaluateInput) (EvaluateOutput, error) {
	return cached(ctx, e.Cache, EvaluateModel, in, e.evaluate)
}

func (e *Evaluation) evaluate(ctx context.Context, in EvaluateInput) (EvaluateOutput, error) {
	spec, err := getSchema(ctx, e.Cache.Objects, in.Schema)
	if err != nil {
		return EvaluateOutput{}, err
	}
	test, err := ReadTable(ctx, e.Cache.Objects, in.Test)
	if err != nil {
		return EvaluateOutput{}, err
	}
	m, err := getModel(ctx, e.Cache.Objects, in.Bundle)
	if err != nil {
		return EvaluateOutput{}, err
	}
	seen, err := measured(spec, m, test)
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
	if in.ChampionMeaning != spec.Label.Meaning {
		out.Note = fmt.Sprintf("the champion's scores are of label meaning %s and cannot be compared with scores of %s", in.ChampionMeaning, spec.Label.Meaning)
		return out, nil
	}
	other, err := getModel(ctx, e.Cache.Objects, *in.Champion)
	if err != nil {
		return out, err
	}
	compared, err := measured(spec, other, test)
	if fault.CodeOf(err) == fault.Invalid { // it does not know a value, or lacks a column
		compared, err = e.common(spec, m, other, test, &out)
	}
	switch {
	case fault.CodeOf(err) == fault.Invalid || fault.CodeOf(err) == fault.Refused:
		out.Note, out.Compared = "the champion cannot score these rows: "+err.Error(), nil
	case err != nil:
		return out, err
	default:
		out.Champion = registryMetrics(compared.Metrics)
		out.Note += fmt.Sprintf("the champion's AUC on the same rows is %.4f", compared.Metrics["auc"].Estimate)
		if out.Recleaned = other.Contract.CleanedOtherwise(spec); len(out.Recleaned) > 0 {
			out.Note += ", in which " + recleaned(out.Recleaned)
		}
	}
	return out, nil
}

// common measures both models on the rows that both take: after a schema has grown a champion does not know what is new.
func (e *Evaluation) common(spec pipeline.Spec, m, champion *model.Model, test dataset.Table, out *EvaluateOutput) (evaluate.Evaluation, error) {
	places, err := scoring.Admitted(test, champion.Contract, m.Contract)
	if err != nil {
		return evaluate.Evaluation{}, err
	}
	rows := test.Select(places)
	own, err := measured(spec, m, rows)
	if err != nil {
		return own, err
	}
	out.Compared = registryMetrics(own.Metrics)
	out.Note = fmt.Sprintf("%d of %d rows are good for both models; ", len(places), test.Rows())
	return measured(spec, champion, rows)
}

// recleaned says of rows why a model would have others of the same raw ones. Raw rows are not kept, so that they cannot be cleaned again.
func recleaned(columns []string) string {
	return fmt.Sprintf("%s were cleaned otherwise than it cleans them", strings.Join(columns, ", "))
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
	if len(golden.Rows) == 0 {
		return fault.New(fault.Invalid, "none of the test part's %d rows is a good request under the contract, so that no predictor of this model could be tested; mend the rows, or what the columns admit", test.Rows())
	}
	if out.JSON, err = putJSON(ctx, e.Cache.Objects, measured); err != nil {
		return err
	}
	if out.HTML, err = e.Cache.Objects.Put(ctx, page, htmlType, "html"); err != nil {
		return err
	}
	out.Golden, err = putJSON(ctx, e.Cache.Objects, golden)
	return err
}

// measured scores a table and compares with its labels. Its rows were chosen by Split, so their labels have matured.
func measured(spec pipeline.Spec, m *model.Model, t dataset.Table) (evaluate.Evaluation, error) {
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
	with := evaluate.Comparison{Champion: evaluateMetrics(in.Champion), Challenger: evaluateMetrics(in.Metrics), Note: in.Note}
	if in.Compared != nil {
		with.Challenger = evaluateMetrics(in.Compared)
	}
	passed, checks := evaluate.Gate(in.Gates, evaluateMetrics(in.Metrics), with)
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
