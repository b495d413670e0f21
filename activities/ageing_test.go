package activities

import (
	"bytes"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/schema"
)

// past extracts everything that is known at the end of June 2026, and changes it.
func (w *watch) past(t *testing.T, change func(*dataset.Table)) CadenceInput {
	t.Helper()
	return CadenceInput{
		Pipeline: product, Schema: w.made.spec.Schema.Ref, Dataset: w.read(t, "", change).Dataset, Algorithm: w.made.spec.Algorithm, Split: w.made.spec.Split,
		Training: w.made.spec.Training, KnownAt: lookedAt, Tolerance: 0.01,
	}
}

// The past itself gives models of many ages; the registered version is measured beside them, on what came after all that it has seen.
func TestModelsOfThePastAreMeasuredByAge(t *testing.T) {
	w := newWatch(t)
	in := w.past(t, nothing)
	out, err := w.stages.Ageing.Measure(t.Context(), in)
	require.NoError(t, err)
	require.False(t, out.Refused(), out.Note)
	require.Greater(t, out.Models, 4)
	require.Equal(t, map[string]artifact.Ref{artifact.Cadence: out.JSON, artifact.CadenceHTML: out.HTML}, out.Artifacts())
	shown, err := getJSON[report.Cadence](t.Context(), w.objects, out.JSON)
	require.NoError(t, err)
	require.True(t, shown.Fit.Within)
	require.Equal(t, "version 1", shown.Models[0].Name)
	require.True(t, shown.Models[0].Champion)
	require.Positive(t, shown.Models[0].Vintages)
	require.Equal(t, "backtest 2024-03-31", shown.Models[1].Name)
	require.LessOrEqual(t, shown.Models[1].Trained, "2024-03-31")
	require.Less(t, shown.Models[1].Rows, shown.Models[2].Rows, "the window expands")
	for _, p := range shown.Fit.Points {
		require.LessOrEqual(t, p.Vintage, "2026-01", "younger rows have no final outcome at the end of June")
		require.Positive(t, p.AgeDays)
	}

	again, err := w.stages.Ageing.Measure(t.Context(), in)
	require.NoError(t, err)
	require.True(t, again.Cached)
	require.Equal(t, out.JSON, again.JSON)

	// A version that is registered since is measured as well: the key holds the versions.
	w.respec(t, "max_iterations: 300", "max_iterations: 299")
	w.registry.versions = append(w.registry.versions, w.registry.versions[0])
	w.registry.versions[1].Version = 2
	more, err := w.stages.Ageing.Measure(t.Context(), in)
	require.NoError(t, err)
	require.False(t, more.Cached)
	require.Equal(t, out.Models+1, more.Models)

	// One that was trained on another label is not: its scores are of another outcome.
	spec := w.spec
	spec.Label.Positive, spec.Label.Negative = spec.Label.Negative, spec.Label.Positive
	other, err := putJSON(t.Context(), w.objects, schema.Of(spec))
	require.NoError(t, err)
	w.registry.versions[1].Artifacts = maps.Clone(w.registry.versions[0].Artifacts)
	w.registry.versions[1].Artifacts[artifact.Schema] = other
	without, err := w.stages.Ageing.Measure(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, out.JSON, without.JSON)
}

// The same on another bench, one model a time: the bytes are the same.
func TestAgesAreAFunctionOfTheData(t *testing.T) {
	first, second := newWatch(t), newWatch(t)
	one, err := first.stages.Ageing.Measure(t.Context(), first.past(t, nothing))
	require.NoError(t, err)
	other, err := second.stages.Ageing.Measure(t.Context(), second.past(t, nothing))
	require.NoError(t, err)
	require.Equal(t, one.JSON.SHA256, other.JSON.SHA256)
	require.Equal(t, one.HTML.SHA256, other.HTML.SHA256)
	page, err := first.objects.Get(t.Context(), one.HTML)
	require.NoError(t, err)
	require.True(t, bytes.Contains(page, []byte("backtest 2024-03-31")))
	table, err := ReadTable(t.Context(), first.objects, first.made.split.Test)
	require.NoError(t, err)
	for _, entity := range table.Column(first.spec.Entity).Texts[:50] {
		require.False(t, bytes.Contains(page, []byte(entity)), "an applicant is on the page")
	}
}

// A sliding window takes its days of each model's past alone.
func TestABacktestHasTheTrainingsWindow(t *testing.T) {
	w := newWatch(t)
	in := w.past(t, nothing)
	in.Training.WindowDays = 200
	out, err := w.stages.Ageing.Measure(t.Context(), in)
	require.NoError(t, err)
	shown, err := getJSON[report.Cadence](t.Context(), w.objects, out.JSON)
	require.NoError(t, err)
	last := shown.Models[len(shown.Models)-1]
	require.Less(t, last.Rows, 12000*200/900, "200 of 900 days, and not all of them train")
}

// What was not final on the day of the look counts for nothing: the dataset has a year of later outcomes.
func TestImmatureOutcomesAgeNoModel(t *testing.T) {
	w := newWatch(t)
	in := w.past(t, nothing)
	in.KnownAt = "2025-06-30"
	out, err := w.stages.Ageing.Measure(t.Context(), in)
	require.NoError(t, err)
	shown, err := getJSON[report.Cadence](t.Context(), w.objects, out.JSON)
	require.NoError(t, err)
	require.NotEmpty(t, shown.Fit.Points)
	for _, p := range shown.Fit.Points {
		require.LessOrEqual(t, p.Vintage, "2025-01")
	}
	for _, m := range shown.Models {
		require.LessOrEqual(t, m.Trained, "2025-01-01")
	}
}

// Without a past there is a result that says so; without a column of time there can be none.
func TestAShortPastIsNotEnough(t *testing.T) {
	w := newWatch(t)
	in := w.past(t, func(table *dataset.Table) {
		var young []int
		days := table.Column(w.spec.Time)
		for row := range table.Rows() {
			if dataset.DayOf(days.Day(row)).Format("2006-01") >= "2025-12" {
				young = append(young, row)
			}
		}
		*table = table.Select(young)
	})
	w.registry.versions = nil
	out, err := w.stages.Ageing.Measure(t.Context(), in)
	require.NoError(t, err)
	require.True(t, out.Refused())
	require.Contains(t, out.Note, "not enough data")
	require.Zero(t, out.RecommendedDays)

	spec := w.spec
	spec.Time = ""
	b := backtest{spec: spec, rows: dataset.Table{Columns: []dataset.Column{{Name: spec.Label.Column, Kind: dataset.Text}}}}
	require.Equal(t, fault.Invalid, fault.CodeOf(b.label()))
}
