package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
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
	A    map[string]registry.Metric `json:"a"`
	B    map[string]registry.Metric `json:"b"`
	// Note says why there are no metrics, or that not all rows count; empty otherwise.
	Note string `json:"note"`
}

// OnSameRows measures two versions of a model on the same rows. What keeps them from being compared is a note, no error.
func OnSameRows(ctx context.Context, objects Objects, a, b registry.ModelVersion) (SameRows, error) {
	newer := a
	if b.Version > a.Version {
		newer = b
	}
	same := SameRows{Of: newer.Version}
	if a.Meaning != b.Meaning {
		same.Note = fmt.Sprintf("scores of label meaning %s and of %s are not compared", a.Meaning, b.Meaning)
		return same, nil
	}
	schema, described := newer.Artifacts[artifact.Schema]
	test, kept := newer.Artifacts[artifact.Test]
	if !described || !kept {
		same.Note = fmt.Sprintf("version %d has no test part", newer.Version)
		return same, nil
	}
	spec, err := getSchema(ctx, objects, schema)
	if err != nil {
		return same, err
	}
	rows, err := ReadTable(ctx, objects, test)
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
	err = same.measure(spec, rows, first, second)
	if fault.CodeOf(err) == fault.Invalid { // one of them does not know a value, or lacks a column
		var places []int
		if places, err = scoring.Admitted(rows, first.Contract, second.Contract); err == nil {
			same.Note = fmt.Sprintf("%d of %d rows are good for both", len(places), rows.Rows())
			err = same.measure(spec, rows.Select(places), first, second)
		}
	}
	if code := fault.CodeOf(err); code == fault.Invalid || code == fault.Refused {
		return SameRows{Of: newer.Version, Note: "they cannot be measured on the same rows: " + err.Error()}, nil
	}
	return same, err
}

func (s *SameRows) measure(spec pipeline.Spec, rows dataset.Table, a, b *model.Model) error {
	first, err := measured(spec, a, rows)
	if err != nil {
		return err
	}
	second, err := measured(spec, b, rows)
	if err != nil {
		return err
	}
	s.Rows, s.A, s.B = rows.Rows(), registryMetrics(first.Metrics), registryMetrics(second.Metrics)
	return nil
}
