package profile_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/profile"
)

func texts(name string, values ...string) dataset.Column {
	c := dataset.Column{Name: name, Kind: dataset.Text}
	for _, v := range values {
		c.Texts, c.Valid = append(c.Texts, v), append(c.Valid, v != "")
	}
	return c
}

// ranks by counting, an independent way.
func ranks(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, x := range values {
		below, equal := 0, 0
		for _, y := range values {
			if y < x {
				below++
			} else if y == x {
				equal++
			}
		}
		out[i] = float64(below) + float64(equal-1)/2
	}
	return out
}

// Spearman's is Pearson's of gonum over ranks, whatever the numbers.
func TestSpearman(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(30, 60).Draw(t, "n")
		a := rapid.SliceOfN(rapid.Float64Range(-5, 5), n, n).Draw(t, "a")
		b := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 4), func(i int) float64 { return float64(i) }), n, n).Draw(t, "b")
		got := of(dataset.Table{Columns: []dataset.Column{{Name: "a", Floats: a}, {Name: "b", Floats: b}}}).Profile("x").Associations
		want := stat.Correlation(ranks(a), ranks(b), nil)
		if math.IsNaN(want) {
			require.True(t, got == nil || got.Values[1][0] == nil)
			return
		}
		require.InDelta(t, want, *got.Values[1][0], 0.00051)
	})
}

// By hand. Cramér's V of two by two texts with 40, 10, 10 and 40 rows: chi² = 36, phi² = 0.36 - 1/99, at most 2 - 1/99 - 1. The ratio of ranks of
// numbers that the texts part without overlap: ranks 0 to 49 and 50 to 99, with means 24.5 and 74.5.
func TestAssociationsOfTexts(t *testing.T) {
	t.Parallel()
	var a, b []string
	var n []float64
	for i := range 100 {
		a = append(a, string(rune('p'+i/50)))
		b = append(b, map[bool]string{true: "x", false: "y"}[(i%50 < 40) == (i < 50)])
		n = append(n, float64(i*i))
	}
	got := of(dataset.Table{Columns: []dataset.Column{texts("a", a...), texts("b", b...), {Name: "n", Floats: n}}}).Profile("x").Associations
	require.InDelta(t, math.Sqrt((0.36-1.0/99)/(1-1.0/99)), *got.Values[1][0], 0.00051)
	require.InDelta(t, math.Sqrt(625/(9999.0/12)), *got.Values[2][0], 0.00051)
	require.Equal(t, []string{"a", "b", "n"}, got.Columns)
}

// A constant column and one that shares too few rows with another have no figure.
func TestNothingToCompare(t *testing.T) {
	t.Parallel()
	var a, b, c []float64
	for i := range 100 {
		a, b, c = append(a, float64(i)), append(b, math.NaN()), append(c, 7)
		if i > 80 {
			b[i] = float64(i)
		}
	}
	got := of(dataset.Table{Columns: []dataset.Column{{Name: "a", Floats: a}, {Name: "b", Floats: b}, {Name: "c", Floats: c}}}).Profile("x").Associations
	require.Equal(t, []string{"a", "b"}, got.Columns)
	require.Nil(t, got.Values[1][0])
}

// Of many columns those that say most of the label are held against each other.
func TestOnlyTheBestAreCompared(t *testing.T) {
	t.Parallel()
	var table dataset.Table
	var label []float64
	for i := range 500 {
		label = append(label, float64(i%2))
	}
	for c := range 70 {
		column := dataset.Column{Name: fmt.Sprintf("c%d", c)}
		for i := range label {
			column.Floats = append(column.Floats, float64(i/2%7+i%2*(c/10)))
		}
		table.Columns = append(table.Columns, column)
	}
	got := profile.Of(table, profile.About{Role: everything, Label: label}).Profile("x").Associations
	require.Len(t, got.Columns, profile.MaxAssociated)
	require.Equal(t, 10, got.LeftOut)
	require.Equal(t, "c10", got.Columns[0], "the first ten say nothing")
}

// Missing together is 1, one or the other -1, and the patterns are counted.
func TestMissingTogether(t *testing.T) {
	t.Parallel()
	a, b, c := make([]float64, 100), make([]float64, 100), make([]float64, 100)
	for i := range 100 {
		if i < 30 {
			a[i], b[i] = math.NaN(), math.NaN()
		} else {
			c[i] = math.NaN()
		}
	}
	a[99] = math.NaN() // one row in a pattern of its own
	got := of(dataset.Table{Columns: []dataset.Column{{Name: "a", Floats: a}, {Name: "b", Floats: b}, {Name: "c", Floats: c}, {Name: "d", Floats: make([]float64, 100)}}}).Profile("x").Missing
	require.Equal(t, []string{"a", "b", "c"}, got.Columns)
	require.Equal(t, -1.0, *got.Correlations[2][1])
	require.InDelta(t, stat.Correlation(indicator(a), indicator(b), nil), *got.Correlations[1][0], 0.00051)
	require.Equal(t, []profile.Pattern{{Missing: []string{"c"}, Rows: 69}, {Missing: []string{"a", "b"}, Rows: 30}}, got.Patterns)
}

func indicator(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, x := range values {
		if math.IsNaN(x) {
			out[i] = 1
		}
	}
	return out
}

// The sampled rows are the same however the rows were cut, and 5,000 at most. Of 45,000 rows the last few come after the sample was cut to size.
func TestTheSampleDependsOnTheRowsAlone(t *testing.T) {
	t.Parallel()
	for _, n := range []int{45_000, 100_000} {
		whole := dataset.Table{Columns: []dataset.Column{{Name: dataset.RowColumn, Kind: dataset.Integer}, {Name: "a"}, {Name: "b"}, {Name: "new"}}}
		for i := range n {
			late := math.NaN()
			if i > 42_000 {
				late = 1
			}
			for c, x := range []float64{float64(i + 1), float64(i * 7919 % 1009), float64(i*7919%1009) + float64(i*104_729%613), late} {
				whole.Columns[c].Floats = append(whole.Columns[c].Floats, x)
			}
		}
		about := profile.About{Role: hidden}
		want := profile.Of(whole, about).Profile("x")
		require.Equal(t, 5_000, want.Sample)
		var at []int
		for i := range n {
			at = append(at, i)
		}
		all := &profile.Accumulator{}
		for batch := range slices.Chunk(at, 7001) {
			require.NoError(t, all.Add(profile.Of(whole.Select(batch), about)))
		}
		got := all.Profile("x")
		require.Equal(t, want.Sample, got.Sample)
		require.Equal(t, want.Associations, got.Associations)
		require.Equal(t, want.Missing, got.Missing, "of the last rows as many as of the others")
		a, b := whole.Columns[1].Floats, whole.Columns[2].Floats
		require.InDelta(t, stat.Correlation(a, b, nil), *got.Associations.Values[1][0], 0.03, "near the correlation of all rows")
	}
}
