package leak_test

import (
	"context"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/internal/pipeline"
)

// features looks at a table in memory, which cannot fail.
func features(spec pipeline.Spec, t dataset.Table, y []float64, o leak.Options) []leak.Veto {
	vetoes, err := leak.Features(context.Background(), spec, dataset.ColumnsOf(t), y, o)
	if err != nil {
		panic(err)
	}
	return vetoes
}

// acrossSplit looks at parts in memory.
func acrossSplit(spec pipeline.Spec, train, validation, test dataset.Table) []leak.Veto {
	vetoes, err := leak.Split(context.Background(), spec, dataset.BatchesOf(train), dataset.BatchesOf(validation), dataset.BatchesOf(test))
	if err != nil {
		panic(err)
	}
	return vetoes
}
