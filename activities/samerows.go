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
	"github.com/loanops/loanops/internal/scoring"
)

// SameRows is two versions measured on the same rows: those of the test part of the newer one that both take. The older one may have been trained on
// some of them.
type SameRows struct {
	Of   int                        `json:"of"` // the version whose test part it is
	Rows int                        `json:"rows"`
	A    map[string]evaluate.Metric `json:"a"`
	B    map[string]evaluate.Metric `json:"b"`
	// Note says why there are no metrics, or that not all rows count; empty otherwise.
	Note string `json:"note"`
	// Test is the test part, Positive how many of the rows have a label of 1.
	Test     artifact.Ref `json:"-"`
	Positive int          `json:"-"`
	// Differences are B's metrics minus A's, row by row; nil where they are not compared, and Unpaired says why.
	Differences map[string]evaluate.Difference `json:"-"`
	Unpaired    string                         `json:"-"`
}

// unpaired says of two versions why they are not compared.
func (s SameRows) unpaired(format string, args ...any) SameRows {
	note := fmt.Sprintf(format, args...)
	return SameRows{Of: s.Of, Note: note, Unpaired: note}
}

// OnSameRows measures two versions of a model on the same rows. What keeps them from being compared is a note, no error.
func OnSameRows(ctx context.Context, objects Objects, a, b registry.ModelVersion) (SameRows, error) {
	older, newer := a, b
	if a.Version > b.Version {
		older, newer = b, a
	}
	same := SameRows{Of: newer.Version}
	test, kept := newer.Artifacts[artifact.Test]
	if !kept {
		return same.unpaired("version %d has no test part", newer.Version), nil
	}
	same.Test = test
	spec, err := trainedUnder(ctx, objects, newer)
	if err != nil {
		return same, err
	}
	made, err := trainedUnder(ctx, objects, older)
	if err != nil {
		return same, err
	}
	if !made.Label.Same(spec.Label) {
		return same.unpaired("scores of the label %s and of %s are not compared", made.Label.Words(), spec.Label.Words()), nil
	}
	rows, err := ReadTable(ctx, objects, test)
	if fault.CodeOf(err) == fault.NotFound {
		return same.unpaired("the test part of version %d is in the store no longer", newer.Version), nil
	}
	if err != nil {
		return same, err
	}
	first, err := getModel(ctx, objects, a.Bundle)
	if err != nil {
		return same, err
	}
	second, err := getModel(ctx, objects, b.Bundle)
	if err != nil {
		return same, err
	}
	var notes []string
	taken, byFirst, bySecond, err := scoring.Common(rows, first, second)
	switch {
	case err != nil:
	case taken.Rows() == 0:
		return same.unpaired("none of the %d rows of the test part of version %d is good for both", rows.Rows(), newer.Version), nil
	default:
		if taken.Rows() < rows.Rows() {
			notes = append(notes, fmt.Sprintf("%d of %d rows are good for both", taken.Rows(), rows.Rows()))
		}
		err = same.measure(spec, taken, byFirst, bySecond)
	}
	for i, m := range []*model.Model{first, second} {
		if columns := m.Contract.CleanedOtherwise(spec); len(columns) > 0 {
			notes = append(notes, fmt.Sprintf("%s were cleaned otherwise than version %d cleans them", strings.Join(columns, ", "), []registry.ModelVersion{a, b}[i].Version))
		}
	}
	same.Note = strings.Join(notes, "; ")
	if code := fault.CodeOf(err); code == fault.Invalid || code == fault.Refused {
		return same.unpaired("they cannot be measured on the same rows: %s", err), nil
	}
	return same, err
}

// measure compares the scores of both with what became of the rows.
func (s *SameRows) measure(spec pipeline.Spec, rows dataset.Table, byA, byB []float64) error {
	y, err := labels(spec, rows)
	if err != nil {
		return err
	}
	a, err := evaluate.Evaluate(y, byA)
	if err != nil {
		return err
	}
	b, err := evaluate.Evaluate(y, byB)
	if err != nil {
		return err
	}
	s.Rows, s.Positive, s.A, s.B = rows.Rows(), a.Positive, a.Metrics, b.Metrics
	s.Differences, err = evaluate.Paired(y, byA, byB)
	if fault.CodeOf(err) == fault.Refused { // metrics they have, intervals not
		s.Unpaired = err.Error()
		return nil
	}
	return err
}
