package profile_test

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/profile"
)

func everything(string) bool { return true }

func table(numbers []float64) dataset.Table {
	t := dataset.Table{Columns: []dataset.Column{{Name: "n", Kind: dataset.Float, Floats: numbers}, {Name: "t", Kind: dataset.Text}}}
	for i := range numbers {
		t.Columns[1].Texts = append(t.Columns[1].Texts, strconv.Itoa(i%3))
		t.Columns[1].Valid = append(t.Columns[1].Valid, i%4 != 0)
	}
	return t
}

// Counted by hand.
func TestProfileOfAFewRows(t *testing.T) {
	t.Parallel()
	p := profile.Of(table([]float64{3, 1, 2, math.NaN(), 2, 4, 2, -1}), everything).Profile("small")
	require.InDelta(t, 13.0/7, p.Columns[0].Numbers.Mean, 1e-15)
	require.InDelta(t, math.Sqrt((39-169.0/7)/6), p.Columns[0].Numbers.SD, 1e-15) // Σx = 13, Σx² = 39
	require.Equal(t, profile.Profile{Name: "small", Rows: 8, Columns: []profile.Column{
		{Name: "n", Numeric: true, Missing: 1, Distinct: 5, Numbers: &profile.Numbers{
			Min: -1, Q25: 1, Median: 2, Q75: 3, Max: 4, Mean: p.Columns[0].Numbers.Mean, SD: p.Columns[0].Numbers.SD,
			Histogram: p.Columns[0].Numbers.Histogram,
		}},
		{Name: "t", Missing: 2, Distinct: 3, Top: []profile.Value{{Text: "0", Count: 2}, {Text: "1", Count: 2}, {Text: "2", Count: 2}}},
	}}, p)
}

// Quantiles are right within a cell, moments within rounding, whatever the numbers.
func TestProfileAgreesWithSorting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Float64Range(-1, 1), rapid.Map(rapid.IntRange(-600, 600), func(i int) float64 { return float64(i) })), 1, 200).Draw(t, "values")
		n := profile.Of(table(values), everything).Profile("x").Columns[0].Numbers
		sorted := slices.Sorted(slices.Values(values))
		require.Equal(t, sorted[0], n.Min)
		require.Equal(t, sorted[len(sorted)-1], n.Max)
		for q, got := range map[float64]float64{0.25: n.Q25, 0.5: n.Median, 0.75: n.Q75} {
			want := stat.Quantile(q, stat.Empirical, sorted, nil)
			require.InDelta(t, want, got, math.Abs(want)/256+1e-300, "quantile %v", q)
		}
		require.InDelta(t, stat.Mean(values, nil), n.Mean, 1e-9*math.Max(1, math.Abs(n.Max)+math.Abs(n.Min)))
		total := 0
		for _, count := range n.Histogram {
			total += count
		}
		require.Equal(t, len(values), total)
	})
}

// Batches give what the whole gives, up to the rounding of moments.
func TestBatchesAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), 2, 100).Draw(t, "values")
		cut := rapid.IntRange(0, len(values)).Draw(t, "cut")
		whole := table(values)
		rows := func(from, to int) dataset.Table {
			var at []int
			for i := from; i < to; i++ {
				at = append(at, i)
			}
			return whole.Select(at)
		}
		all := &profile.Accumulator{}
		require.NoError(t, all.Add(profile.Of(rows(0, cut), everything)))
		require.NoError(t, all.Add(profile.Of(rows(cut, len(values)), everything)))
		got, want := all.Profile("x"), profile.Of(whole, everything).Profile("x")
		require.InDelta(t, want.Columns[0].Numbers.Mean, got.Columns[0].Numbers.Mean, 1e-9)
		require.InDelta(t, want.Columns[0].Numbers.SD, got.Columns[0].Numbers.SD, 1e-6)
		got.Columns[0].Numbers.Mean, got.Columns[0].Numbers.SD = want.Columns[0].Numbers.Mean, want.Columns[0].Numbers.SD
		require.Equal(t, want, got)
	})
}

// A column of very many texts has no frequencies, and its number of distinct values within a few per cent.
func TestManyTexts(t *testing.T) {
	t.Parallel()
	c := dataset.Column{Name: "id", Kind: dataset.Text}
	for i := range 20_000 {
		c.Texts, c.Valid = append(c.Texts, "A-"+strconv.Itoa(i%10_000)), append(c.Valid, true)
	}
	p := profile.Of(dataset.Table{Columns: []dataset.Column{c}}, everything).Profile("x")
	require.Empty(t, p.Columns[0].Top)
	require.InEpsilon(t, 10_000, p.Columns[0].Distinct, 0.05)
}

// None of them may panic: the ends of float64, all equal, one.
func TestExtremeNumbers(t *testing.T) {
	t.Parallel()
	for _, values := range [][]float64{
		{math.MaxFloat64, -math.MaxFloat64}, {0, math.SmallestNonzeroFloat64}, {math.Copysign(0, -1), 0}, {7, 7, 7}, {1}, {math.NaN()}, {},
	} {
		profile.Of(table(values), everything).Profile("x")
	}
}
