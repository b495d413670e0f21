package activities

import (
	"context"
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/scoring"
)

// Rival is a version that a new model is held against.
type Rival struct {
	Version int          `json:"version"`
	Bundle  artifact.Ref `json:"bundle"`
	// Label is what its scores are about: those of another label than the spec's are not compared.
	Label pipeline.Label `json:"label"`
}

func (m *Models) rival(ctx context.Context, v registry.ModelVersion) (*Rival, error) {
	made, err := trainedUnder(ctx, m.Objects, v)
	return &Rival{Version: v.Version, Bundle: v.Bundle, Label: made.Label}, err
}

// Beside is a rival on the rows that it and the new model take.
type Beside struct {
	Version int `json:"version"`
	// Same says that it is the same model.
	Same bool  `json:"same,omitempty"`
	Rows int64 `json:"rows"` // that both take
	// Differences are the new model's metrics minus the rival's, row by row; nil where the two are not comparable, and Note says why.
	Differences map[string]evaluate.Difference `json:"differences,omitempty"`
	Note        string                         `json:"note,omitempty"`
}

func (b *Beside) words(who string) string {
	if b.Differences == nil {
		return fmt.Sprintf("%s, version %d: %s", who, b.Version, b.Note)
	}
	_, why := evaluate.BeyondNoise(b.Differences)
	text := fmt.Sprintf("against %s, version %d, %s", who, b.Version, why)
	if b.Note != "" {
		text += " (" + b.Note + ")"
	}
	return text
}

// beside measures both models on the rows that both take: after a schema has grown, the rival does not know what is new.
func (e *Evaluation) beside(ctx context.Context, spec pipeline.Spec, m *model.Model, test dataset.Table, bundle artifact.Ref, rival *Rival) (*Beside, error) {
	if rival == nil {
		return nil, nil //nolint:nilnil // there is none, and that is fine
	}
	out := &Beside{Version: rival.Version, Same: rival.Bundle.SHA256 == bundle.SHA256}
	if !rival.Label.Same(spec.Label) {
		out.Same = false
		out.Note = fmt.Sprintf("its scores are of the label %s and cannot be compared with scores of %s", rival.Label.Words(), spec.Label.Words())
		return out, nil
	}
	other, err := getModel(ctx, e.Cache.Objects, rival.Bundle)
	if err != nil {
		return nil, err
	}
	err = out.measure(spec, m, other, test)
	if fault.CodeOf(err) == fault.Invalid || fault.CodeOf(err) == fault.Refused { // it lacks a column, knows a value not, or there are too few rows
		out.Differences = nil
		out.Note = "it cannot score these rows: " + err.Error()
		return out, nil
	}
	return out, err
}

func (b *Beside) measure(spec pipeline.Spec, m, rival *model.Model, test dataset.Table) error {
	var notes []string
	rows, theirs, own, err := scoring.Common(test, rival, m)
	if err != nil {
		return err
	}
	if rows.Rows() < test.Rows() {
		notes = append(notes, fmt.Sprintf("%d of %d rows are good for both models", rows.Rows(), test.Rows()))
	}
	y, err := labels(spec, rows)
	if err != nil {
		return err
	}
	if b.Differences, err = evaluate.Paired(y, theirs, own); err != nil {
		return err
	}
	b.Rows = int64(rows.Rows())
	if columns := rival.Contract.CleanedOtherwise(spec); len(columns) > 0 {
		notes = append(notes, "in which "+recleaned(columns))
	}
	b.Note = strings.Join(notes, ", ")
	return nil
}

// recleaned says of rows why a model would have others of the same raw ones. Raw rows are not kept, so that they cannot be cleaned again.
func recleaned(columns []string) string {
	return fmt.Sprintf("%s were cleaned otherwise than it cleans them", strings.Join(columns, ", "))
}

// besideChampion is what the gates are told of the champion.
func besideChampion(champion *Beside) evaluate.Comparison {
	if champion == nil {
		return evaluate.Comparison{Note: "there is no champion yet"}
	}
	return evaluate.Comparison{Same: champion.Same, Differences: champion.Differences, Note: champion.Note}
}

// rivals are what the page shows beside the model.
func rivals(out *EvaluateOutput) (shown []report.Rival) {
	for _, rival := range []struct {
		name string
		*Beside
	}{{"champion", out.Champion}, {"previous", out.Previous}} {
		if rival.Beside != nil {
			shown = append(shown, report.Rival{Name: rival.name, Version: rival.Version, Rows: rival.Rows, Differences: rival.Differences, Note: rival.Note})
		}
	}
	return shown
}
