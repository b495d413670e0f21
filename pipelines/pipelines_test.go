package pipelines_test

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/internal/train/logit"
	"github.com/loanops/loanops/pipelines"
)

// shipped are the specs of this folder, by their names.
func shipped(t *testing.T) map[string]pipeline.Spec {
	t.Helper()
	files, err := fs.Glob(pipelines.FS, "*.yaml")
	require.NoError(t, err)
	specs := map[string]pipeline.Spec{}
	for _, file := range files {
		data, err := pipelines.FS.ReadFile(file)
		require.NoError(t, err)
		spec, err := pipeline.Parse(file, data)
		require.NoError(t, err)
		require.Equal(t, strings.TrimSuffix(file, ".yaml"), spec.Name, "a pipeline is found by the name of its file")
		specs[spec.Name] = spec
	}
	return specs
}

// Both pipelines are about the same persons, so that what the feature store knows of them serves both.
func TestPipelinesShareTheirApplicants(t *testing.T) {
	t.Parallel()
	specs := shipped(t)
	loan, card := specs["loan-eligibility"], specs["card-limit"]
	require.NotNil(t, loan.Source.Simulate)
	want := *loan.Source.Simulate
	want.Product = pipeline.Card
	require.Equal(t, &want, card.Source.Simulate)
	for _, spec := range specs {
		require.Contains(t, spec.Ignore, simulate.Applicant, "no model learns who somebody is")
		for _, column := range spec.Columns {
			require.NotEmpty(t, column.Reason, column.Name)
		}
	}
	require.Equal(t, loan.Protected, card.Protected)
	require.Equal(t, loan.Columns[0].Domain, card.Columns[0].Domain, "eight types of institutions")
}

// split is what a training has of the rows that are known on a day.
func split(t *testing.T, spec pipeline.Spec, known time.Time) [3]dataset.Table {
	t.Helper()
	table := simulate.Flat(*spec.Source.Simulate, known)
	splitter := dataset.NewSplitter(spec, known)
	marks, err := splitter.Mark(table)
	require.NoError(t, err)
	division, err := splitter.Divide([]dataset.Marks{marks})
	require.NoError(t, err)
	return division.Deal(table, 0)
}

func trained(t *testing.T, spec pipeline.Spec, on [3]dataset.Table) *model.Model {
	t.Helper()
	m, _, err := logit.Train(t.Context(), spec, dataset.ColumnsOf(on[dataset.Train]), dataset.ColumnsOf(on[dataset.Validation]), func(int, float64) {})
	require.NoError(t, err)
	return m
}

// The gates of both pipelines hold by a distance on rows of several seeds, for the second version that `up` trains as well, which is held against a first
// one that knows 90 days less.
func TestGatesHoldOnSeveralSeeds(t *testing.T) {
	t.Parallel()
	for name, spec := range shipped(t) {
		for _, seed := range []uint64{spec.Source.Simulate.Seed, 7, 8} {
			t.Run(fmt.Sprint(name, seed), func(t *testing.T) {
				t.Parallel()
				spec, cfg := spec, *spec.Source.Simulate
				cfg.Seed = seed
				spec.Source.Simulate = &cfg
				now := split(t, spec, cfg.To.Time)
				challenger, champion := trained(t, spec, now), trained(t, spec, split(t, spec, cfg.To.AddDate(0, 0, -90)))
				p, err := scoring.Table(challenger, now[dataset.Test])
				require.NoError(t, err)
				before, err := scoring.Table(champion, now[dataset.Test])
				require.NoError(t, err)
				spec.Label.MaturesAfterDays = 0
				y, err := dataset.Label(spec, now[dataset.Test], time.Time{})
				require.NoError(t, err)
				e, err := evaluate.Evaluate(y, p)
				require.NoError(t, err)
				differences, err := evaluate.Paired(y, before, p)
				require.NoError(t, err)
				passed, checks := evaluate.Gate(spec.Gates, e.Metrics, evaluate.Comparison{Differences: differences})
				require.True(t, passed, checks)
				require.Greater(t, e.Metrics["auc"].Lower, 0.68, "0.65 is wanted")
				require.Less(t, e.Metrics["brier"].Estimate, 0.18, "0.2 is allowed")
				require.Greater(t, differences["auc"].Estimate, -0.01, "it may fall by 0.02")
				worse := evaluate.PWorse(differences)
				t.Logf("p %.3f, %+v", worse, differences["auc"])
				require.Greater(t, worse, 0.1, "at 0.025 it would be refused")
			})
		}
	}
}
