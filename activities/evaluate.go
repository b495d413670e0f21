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
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/scoring"
)

// goldenRows is how many test rows a deployed predictor must score as the evaluation did.
const goldenRows = 100

// EvaluateInput scores a bundle on the test set, beside the champion's and the one before it where there are any.
type EvaluateInput struct {
	Schema   artifact.Ref `json:"schema"`
	Bundle   artifact.Ref `json:"bundle"`
	Test     artifact.Ref `json:"test"`
	Champion *Rival       `json:"champion,omitempty"`
	Previous *Rival       `json:"previous,omitempty"`
}

// EvaluateOutput is the measured quality.
type EvaluateOutput struct {
	Metrics map[string]evaluate.Metric `json:"metrics"`
	// Champion and Previous are these on the same rows; nil where there is none.
	Champion *Beside      `json:"champion,omitempty"`
	Previous *Beside      `json:"previous,omitempty"`
	JSON     artifact.Ref `json:"json"`
	HTML     artifact.Ref `json:"html"`
	Golden   artifact.Ref `json:"golden"` // rows and their probabilities, for smoke tests
	Reused
}

// Summary is the area under the ROC curve.
func (o EvaluateOutput) Summary() string {
	auc := o.Metrics["auc"]
	text := fmt.Sprintf("AUC %.4f (95 %% interval %.4f to %.4f)", auc.Estimate, auc.Lower, auc.Upper)
	if o.Champion != nil {
		text += "; " + o.Champion.words("the champion")
	}
	if o.Previous != nil {
		text += "; " + o.Previous.words("the one before")
	}
	return text + o.mark()
}

// Artifacts are the evaluation for people and for programs, and the golden rows.
func (o EvaluateOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Evaluation: o.JSON, artifact.EvaluationHTML: o.HTML, artifact.Golden: o.Golden}
}

// GateInput is what the gates judge.
type GateInput struct {
	Gates []pipeline.Gate `json:"gates"`
	// Against is what the model must be beside the champion.
	Against  pipeline.Against           `json:"against"`
	Metrics  map[string]evaluate.Metric `json:"metrics"`
	Champion *Beside                    `json:"champion,omitempty"`
}

// GateOutput says whether a model may be registered, with a text for each gate.
type GateOutput struct {
	Passed  bool     `json:"passed"`
	Checks  []string `json:"checks"`
	Refused []string `json:"refused"` // the checks that failed
	// NotComparable says that there is a champion and nothing says how the model stands beside it: a person lets it go on.
	NotComparable bool `json:"not_comparable,omitempty"`
}

// Summary counts the gates.
func (o GateOutput) Summary() string {
	return fmt.Sprintf("%d checks, %d refused", len(o.Checks), len(o.Refused))
}

// Evaluation measures models and holds them against gates.
type Evaluation struct {
	Cache StepCache
	// Page renders an evaluation for people.
	Page func(e evaluate.Evaluation, m *model.Model, rivals []report.Rival) ([]byte, error)
	// OnDataPage renders that of a version on new data.
	OnDataPage func(e evaluate.OnData, m *model.Model) ([]byte, error)
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
	out := EvaluateOutput{Metrics: seen.Metrics}
	if out.Champion, err = e.beside(ctx, spec, m, test, in.Bundle, in.Champion); err != nil {
		return out, err
	}
	if out.Previous, err = e.beside(ctx, spec, m, test, in.Bundle, in.Previous); err != nil {
		return out, err
	}
	return out, e.put(ctx, &out, seen, m, test)
}

func (e *Evaluation) put(ctx context.Context, out *EvaluateOutput, measured evaluate.Evaluation, m *model.Model, test dataset.Table) error {
	page, err := e.Page(measured, m, rivals(out))
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

// measured scores a table and compares with its labels.
func measured(spec pipeline.Spec, m *model.Model, t dataset.Table) (evaluate.Evaluation, error) {
	y, err := labels(spec, t)
	if err != nil {
		return evaluate.Evaluation{}, err
	}
	p, err := scoring.Table(m, t)
	if err != nil {
		return evaluate.Evaluation{}, err
	}
	return evaluate.Evaluate(y, p)
}

// labels are those of rows that Split chose, so that they have matured.
func labels(spec pipeline.Spec, t dataset.Table) ([]float64, error) {
	return dataset.Label(spec, t, time.Time{})
}

// CheckGates says whether the model may be registered.
func (e *Evaluation) CheckGates(_ context.Context, in GateInput) (GateOutput, error) {
	with := besideChampion(in.Champion)
	passed, checks := evaluate.Gate(in.Gates, in.Metrics, with)
	stands := evaluate.Against(in.Against, with)
	passed, checks = passed && stands.Passed, append(checks, stands)
	out := GateOutput{Passed: passed, NotComparable: in.Champion != nil && !in.Champion.Same && in.Champion.Differences == nil}
	for _, check := range checks {
		out.Checks = append(out.Checks, check.Message)
		if !check.Passed {
			out.Refused = append(out.Refused, check.Message)
		}
	}
	return out, nil
}
