package leak

import (
	"context"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// Split looks for the same applications on both sides of the borders between training, validation and test. Validation is held against training,
// test against both. A veto's effect is a share of the later part, which its message names. What a split itself promises is held by
// dataset.SplitCheck. The rows are read in batches: once, and twice more where there is something to look into.
func Split(ctx context.Context, spec pipeline.Spec, train, validation, test dataset.Batches) ([]Veto, error) {
	return duplicates(ctx, spec, [parts]part{{"training", train}, {"validation", validation}, {"test", test}})
}

// parts is how many there are of a split.
const parts = 3

// part is one part of a split.
type part struct {
	name    string
	batches dataset.Batches
}

// namesOf are the feature columns.
func namesOf(spec pipeline.Spec) []string {
	names := make([]string, len(spec.Columns))
	for i, column := range spec.Columns {
		names[i] = column.Name
	}
	return names
}

// featuresOf are the feature columns of a batch, nil where one is missing.
func featuresOf(spec pipeline.Spec, t *dataset.Table) []*dataset.Column {
	columns := make([]*dataset.Column, len(spec.Columns))
	for i, column := range spec.Columns {
		columns[i] = t.Column(column.Name)
	}
	return columns
}
