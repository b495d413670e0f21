package activities

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// Statistics are computed once for what is there, by whoever materializes it, and are found by what the online store holds.
func TestStatisticsOfWhatIsServed(t *testing.T) {
	b, folder := newFeatureBench(t), t.TempDir()
	b.apply(t, visits(folder))
	dropped(t, folder, "2026-03-01.csv", append(firstDay, "a,3,2026-03-02T09:00:00Z,2026-03-02T10:00:00Z,45,south")...)
	made := b.compute(t, "visits").outs[0]
	held := func(of artifact.Ref) feature.Progress {
		text, err := json.Marshal(of)
		require.NoError(t, err)
		return feature.Progress{Manifest: string(text)}
	}
	found, err := StatisticsOf(t.Context(), b.registry, b.objects, held(made.Manifest))
	require.NoError(t, err)
	require.Nil(t, found, "nobody computed them")

	first, err := b.views.Describe(t.Context(), DescribeViewInput{Manifest: made.Manifest})
	require.NoError(t, err)
	require.Equal(t, []any{"visits@1", int64(2), false}, []any{first.View, first.Entities, first.Cached})
	again, err := b.views.Describe(t.Context(), DescribeViewInput{Manifest: made.Manifest})
	require.NoError(t, err)
	require.True(t, again.Cached)
	require.Equal(t, first.Statistics, again.Statistics)

	found, err = StatisticsOf(t.Context(), b.registry, b.objects, held(made.Manifest))
	require.NoError(t, err)
	require.Equal(t, []any{"visits", 1, int64(3), 2}, []any{found.View, found.Version, found.Rows, found.Days})
	require.Equal(t, "2026-03-02T10:00:00Z", found.At.Time().Format("2006-01-02T15:04:05Z"))
	require.Equal(t, "2026-03-02T09:00:00Z", found.Newest.Time().Format("2006-01-02T15:04:05Z"))
	sums := found.Feature("minutes_3d") // a: 30.5 and 45, b: 12
	require.Equal(t, []float64{12, 75.5, 43.75}, []float64{sums.Numbers.Min, sums.Numbers.Max, sums.Numbers.Mean})
	require.Empty(t, found.Feature("branch").Top, "of two people alone nobody is told where they were")
	require.Nil(t, found.Feature("none"))

	dropped(t, folder, "2026-03-03.csv", thirdDay...)
	next := b.compute(t, "visits").outs[0]
	found, err = StatisticsOf(t.Context(), b.registry, b.objects, held(next.Manifest))
	require.NoError(t, err)
	require.Nil(t, found, "those of other rows are not these")
	delete(b.objects.bytes, first.Statistics.SHA256)
	found, err = StatisticsOf(t.Context(), b.registry, b.objects, held(made.Manifest))
	require.NoError(t, err)
	require.Nil(t, found, "they are gone")
	found, err = StatisticsOf(t.Context(), b.registry, b.objects, feature.Progress{})
	require.NoError(t, err)
	require.Nil(t, found, "nothing is materialized")
}

// Queries are checked as they are registered, with the views that they read.
func TestQueriesAreCheckedBeforeTheyAreRegistered(t *testing.T) {
	b, folder := newFeatureBench(t), t.TempDir()
	check := func(oldNew ...string) CheckQueriesOutput {
		t.Helper()
		file := visits(folder)
		file.Data = []byte(strings.NewReplacer(oldNew...).Replace(string(file.Data)))
		read, err := feature.Read([]feature.File{file}, nil)
		require.NoError(t, err)
		plan, err := (&feature.Catalogue{}).Plan(read.Definitions, false)
		require.NoError(t, err)
		ref, err := putJSON(t.Context(), b.objects, plan.Queries)
		require.NoError(t, err)
		out, err := b.views.CheckQueries(t.Context(), CheckQueriesInput{Queries: ref})
		require.NoError(t, err)
		return out
	}
	good := check()
	require.Equal(t, CheckQueriesOutput{Checked: 1, Problems: []QueryProblem{}}, good)
	require.Equal(t, "1 queries can be run", good.Summary())
	for name, test := range map[string]struct {
		from, to string
		want     QueryProblem
	}{
		"does not parse":       {"FROM visits WHERE", "FROM WHERE", QueryProblem{View: "stays", Line: 1, Column: 85, Text: `syntax error at or near "WHERE"`}},
		"reads another table":  {"FROM visits", "FROM loans", QueryProblem{View: "stays", Line: 1, Column: 85, Text: `reads "loans", and may read the views that from names: visits`}},
		"reads a file":         {"FROM visits", "FROM '/etc/passwd'", QueryProblem{View: "stays", Line: 1, Column: 85, Text: `reads "/etc/passwd", and may read the views that from names: visits`}},
		"gives another column": {"AS hours", "AS days", QueryProblem{View: "stays", Text: `gives no column "hours"; the keys, both timestamps and the columns of the view are wanted`}},
	} {
		out := check(test.from, test.to)
		require.Equal(t, []QueryProblem{test.want}, out.Problems, name)
		require.Equal(t, "1 of 1 queries cannot be run", out.Summary())
	}
	require.Len(t, []rune(check("minutes / 60", strings.Repeat("ü", 900)).Problems[0].Text), 500, "what crosses Temporal is small")
	_, err := (&FeatureViews{}).CheckQueries(t.Context(), CheckQueriesInput{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "LOANOPS_FEATURES_DATABASE")
}
