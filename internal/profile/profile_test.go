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

func everything(string) profile.Role { return profile.Feature }

func of(t dataset.Table) *profile.Accumulator { return profile.Of(t, profile.About{Role: everything}) }

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
	p := of(table([]float64{3, 1, 2, math.NaN(), 2, 4, 2, -1})).Profile("small")
	n := p.Columns[0].Numbers
	require.InDelta(t, 13.0/7, n.Mean, 1e-15)
	require.InDelta(t, math.Sqrt((39-169.0/7)/6), n.SD, 1e-15) // Σx = 13, Σx² = 39
	bars := map[float64]int{}
	for _, b := range n.Histogram.Bars {
		bars[*b.Value] = b.Rows
	}
	require.Equal(t, map[float64]int{-1: 1, 1: 1, 2: 3, 3: 1, 4: 1}, bars)
	require.Equal(t, profile.Numbers{
		Min: -1, Q01: -1, Q05: -1, Q25: 1, Median: 2, Q75: 3, Q95: 4, Q99: 4, Max: 4, Mean: n.Mean, SD: n.SD, Skewness: n.Skewness, Negatives: 1, Histogram: n.Histogram,
	}, *n)
	require.Equal(t, 8, p.Rows)
	require.Equal(t, 8, p.Sample)
	require.Equal(t, 1, p.Columns[0].Missing)
	require.Equal(t, 5, p.Columns[0].Distinct)
	require.Equal(t, 2, p.Columns[1].Missing)
	require.Equal(t, 3, p.Columns[1].Distinct)
	require.Empty(t, p.Columns[1].Top, "every text is in fewer than five rows")
}

// A quantile is a number that a row had, also where its cell begins below: cells of numbers from 16,384 to 32,768 are 64 wide.
func TestQuantilesAreNumbersOfRows(t *testing.T) {
	t.Parallel()
	n := of(table([]float64{25_000, 25_000, 25_000, 25_000, 40_000})).Profile("amounts").Columns[0].Numbers
	require.Equal(t, []float64{25_000, 25_000, 25_000, 40_000}, []float64{n.Q25, n.Median, n.Q75, n.Q95})
	n = of(table([]float64{-25_000, -25_000, -25_000})).Profile("amounts").Columns[0].Numbers
	require.Equal(t, -25_000.0, n.Median)
}

// Quantiles are right within a cell, moments within rounding, whatever the numbers.
func TestProfileAgreesWithSorting(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Float64Range(-1, 1), rapid.Map(rapid.IntRange(-600, 600), func(i int) float64 { return float64(i) })), 1, 200).Draw(t, "values")
		n := of(table(values)).Profile("x").Columns[0].Numbers
		sorted := slices.Sorted(slices.Values(values))
		require.Equal(t, sorted[0], n.Min)
		require.Equal(t, sorted[len(sorted)-1], n.Max)
		for q, got := range map[float64]float64{0.25: n.Q25, 0.5: n.Median, 0.75: n.Q75} {
			want := stat.Quantile(q, stat.Empirical, sorted, nil)
			require.InDelta(t, want, got, math.Abs(want)/256+1e-300, "quantile %v", q)
		}
		require.Contains(t, values, n.Median)
		require.InDelta(t, stat.Mean(values, nil), n.Mean, 1e-9*math.Max(1, math.Abs(n.Max)+math.Abs(n.Min)))
		total := 0
		for _, bar := range n.Histogram.Bars {
			total += bar.Rows
		}
		require.Equal(t, len(values), total+n.Histogram.Below+n.Histogram.Above)
	})
}

// lendings is a table with ordinals, days over some span, a label with unknown rows, and columns of every kind.
func lendings(t *rapid.T) (dataset.Table, []float64) {
	n := rapid.IntRange(2, 120).Draw(t, "rows")
	days := rapid.SampledFrom([]int{20, 500, 3000, 40_000}).Draw(t, "days")
	columns := []dataset.Column{
		{Name: dataset.RowColumn, Kind: dataset.Integer}, {Name: "day", Kind: dataset.Date}, {Name: "amount"}, {Name: "code", Kind: dataset.Integer}, {Name: "text", Kind: dataset.Text},
	}
	var label []float64
	for i := range n {
		amount, code := rapid.OneOf(rapid.Float64Range(-1e3, 1e3), rapid.Float64Range(25_000, 25_050)).Draw(t, "amount"), float64(rapid.SampledFrom([]int{-9, 0, 1, 2, 3, 7}).Draw(t, "code"))
		if rapid.IntRange(0, 4).Draw(t, "missing") == 0 {
			amount = math.NaN()
		}
		for k, x := range []float64{float64(i + 1), float64(rapid.IntRange(0, days).Draw(t, "day")), amount, code} {
			columns[k].Floats = append(columns[k].Floats, x)
		}
		columns[4].Texts = append(columns[4].Texts, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "text"))
		columns[4].Valid = append(columns[4].Valid, rapid.Bool().Draw(t, "valid"))
		label = append(label, rapid.SampledFrom([]float64{0, 1, math.NaN()}).Draw(t, "label"))
	}
	return dataset.Table{Columns: columns}, label
}

func hidden(name string) profile.Role {
	switch name {
	case dataset.RowColumn, "day":
		return ""
	case "code":
		return profile.Protected
	}
	return profile.Feature
}

// Batches give what the whole gives, up to the rounding of moments.
func TestBatchesAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole, label := lendings(t)
		all := &profile.Accumulator{}
		for from := 0; from < whole.Rows(); {
			to := rapid.IntRange(from, whole.Rows()).Draw(t, "cut")
			var at []int
			for i := from; i < to; i++ {
				at = append(at, i)
			}
			require.NoError(t, all.Add(profile.Of(whole.Select(at), profile.About{Role: hidden, Label: label[from:to], Time: "day"})))
			from = to
		}
		got, want := all.Profile("x"), profile.Of(whole, profile.About{Role: hidden, Label: label, Time: "day"}).Profile("x")
		for i := range want.Columns {
			g, w := &got.Columns[i], &want.Columns[i]
			if w.Numbers != nil {
				require.InDelta(t, w.Numbers.Mean, g.Numbers.Mean, 1e-7)
				require.InDelta(t, w.Numbers.SD, g.Numbers.SD, 1e-5)
				require.InDelta(t, w.Numbers.Skewness, g.Numbers.Skewness, 1e-6)
				g.Numbers.Mean, g.Numbers.SD, g.Numbers.Skewness = w.Numbers.Mean, w.Numbers.SD, w.Numbers.Skewness
			}
			for k := range len(want.Periods) {
				if w.Stability == nil {
					break
				}
				if mean := w.Stability.Periods[k].Mean; mean != nil {
					require.InDelta(t, *mean, *g.Stability.Periods[k].Mean, 1e-7)
					g.Stability.Periods[k].Mean = mean
				}
			}
		}
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
	p := of(dataset.Table{Columns: []dataset.Column{c}}).Profile("x")
	require.Empty(t, p.Columns[0].Top)
	require.InEpsilon(t, 10_000, p.Columns[0].Distinct, 0.05)
}

// A zero counts as a value of its own, also where other numbers share a cell.
func TestZeroIsDistinct(t *testing.T) {
	t.Parallel()
	require.Equal(t, 4, of(table([]float64{0, 25_000, 25_001, math.Copysign(0, -1), 25_000, 7})).Profile("x").Columns[0].Distinct)
}

// None of them may panic: the ends of float64, all equal, one.
func TestExtremeNumbers(t *testing.T) {
	t.Parallel()
	for _, values := range [][]float64{
		{math.MaxFloat64, -math.MaxFloat64}, {0, math.SmallestNonzeroFloat64}, {math.Copysign(0, -1), 0}, {7, 7, 7}, {1}, {math.NaN()}, {},
	} {
		of(table(values)).Profile("x")
	}
}
