package drift_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/fault"
)

func root(x float64) float64 { return math.Sqrt(math.Max(x, 0)) }

// secret is in every text, so that a message that shows a value is seen.
const secret = "Jane Doe"

var features = []drift.Feature{{Name: "income"}, {Name: "kind", Category: true}}

// rows are as many as there are numbers; NaN is missing, and so is the category of every 7th row.
func rows(income ...float64) dataset.Table {
	texts, valid := make([]string, len(income)), make([]bool, len(income))
	for i, x := range income {
		texts[i], valid[i] = fmt.Sprint(secret, int64(math.Abs(math.Mod(x, 5)))), i%7 != 6
	}
	return dataset.Table{Columns: []dataset.Column{{Name: "income", Floats: income}, {Name: "kind", Kind: dataset.Text, Texts: texts, Valid: valid}}}
}

func normal(seed uint64, n int, centre, scale float64) []float64 {
	rng := rand.New(rand.NewPCG(seed, 2))
	values := make([]float64, n)
	for i := range values {
		values[i] = centre + scale*rng.NormFloat64()
	}
	return values
}

func counted(t require.TestingT, b drift.Bins, tables ...dataset.Table) drift.Counts {
	c := drift.NewCounter(b)
	for _, table := range tables {
		require.NoError(t, c.Add(table))
	}
	return c.Counts()
}

func compared(t require.TestingT, features []drift.Feature, reference, window dataset.Table) []drift.Result {
	b, err := drift.NewBins(features, reference)
	require.NoError(t, err)
	results, err := drift.Compare(b, counted(t, b, reference), counted(t, b, window), drift.Limits{})
	require.NoError(t, err)
	return results
}

func statistic(t *testing.T, r drift.Result, name drift.Name) drift.Statistic {
	t.Helper()
	s, found := r.Statistic(name)
	require.True(t, found, "%s of %s", name, r.Name)
	return s
}

func TestAShiftIsFoundAndMatters(t *testing.T) {
	t.Parallel()
	// Wanted: the values of a normal distribution moved by one standard deviation. KS 2Φ(1/2)-1, Wasserstein 1, PSI of tenths near 1 by hand with scipy: 0.932.
	r := compared(t, features, rows(normal(1, 10_000, 100, 10)...), rows(normal(2, 10_000, 110, 10)...))[0]
	for name, want := range map[drift.Name]float64{drift.KS: 0.3829, drift.Wasserstein: 1, drift.PSI: 0.932} {
		s := statistic(t, r, name)
		require.InDelta(t, want, s.Value, 0.06*want, name)
		require.Less(t, s.P, 1e-6, name)
		require.True(t, s.Beyond, name)
		require.Less(t, s.Lower, s.Value, name)
	}
	require.InDelta(t, 10, r.Distance, 0.5)
	require.True(t, r.Beyond())
	require.Less(t, r.P, 1e-6)
}

// A feature enters with the smallest of its p-values times their number: two of a number without missing values, three of one with some.
func TestOnePValueOfAFeature(t *testing.T) {
	t.Parallel()
	reference, window := rows(normal(1, 500, 0, 1)...), rows(normal(2, 300, 0.15, 1)...)
	both := compared(t, features[:1], reference, window)[0]
	smallest := min(statistic(t, both, drift.ChiSquared).P, statistic(t, both, drift.KS).P)
	require.Less(t, smallest, 0.5)
	require.Equal(t, 2*smallest, both.P)
	window.Columns[0].Floats[3] = math.NaN()
	three := compared(t, features[:1], reference, window)[0]
	smallest = min(statistic(t, three, drift.ChiSquared).P, statistic(t, three, drift.KS).P, statistic(t, three, drift.Missingness).P)
	require.Equal(t, min(1, 3*smallest), three.P)
}

// A million rows make a shift of a hundredth of a standard deviation significant, and it does not matter.
func TestDustIsSignificantAndDoesNotMatter(t *testing.T) {
	t.Parallel()
	r := compared(t, features[:1], rows(normal(1, 1_000_000, 0, 1)...), rows(normal(2, 1_000_000, 0.01, 1)...))[0]
	require.Less(t, r.P, 0.001)
	require.False(t, r.Beyond())
}

// Another unit, years in place of months, is far out of range, and its distance is about that of the values: by hand 12 - 1 times the mean.
func TestAnotherUnitIsMeasured(t *testing.T) {
	t.Parallel()
	months, years := normal(1, 5000, 1200, 100), normal(2, 5000, 1200, 100)
	for i := range years {
		years[i] *= 12
	}
	r := compared(t, features[:1], rows(months...), rows(years...))[0]
	require.InEpsilon(t, 11*1200, r.Distance, 0.35)
	require.InDelta(t, 1, statistic(t, r, drift.KS).Value, 1e-9)
}

func TestMissingValuesDrift(t *testing.T) {
	t.Parallel()
	before, after := normal(1, 5000, 0, 1), normal(2, 5000, 0, 1)
	for i := range after {
		if i%4 == 0 {
			after[i] = math.NaN()
		}
	}
	r := compared(t, features, rows(before...), rows(after...))[0]
	require.InDelta(t, 0.25, r.Window.MissingShare(), 1e-9)
	s := statistic(t, r, drift.Missingness)
	require.True(t, s.Beyond)
	require.InDelta(t, 0.25, s.Value, 1e-9)
	require.True(t, statistic(t, r, drift.PSI).Beyond, "missing values are a bin of the PSI")
	require.Greater(t, statistic(t, r, drift.KS).P, 0.01, "what is there has not moved")
	for i := range after {
		after[i] = math.NaN()
	}
	r = compared(t, features, rows(before...), rows(after...))[0]
	_, found := r.Statistic(drift.KS)
	require.False(t, found)
	require.Equal(t, "not enough data: 0 rows with a value of the window, 50 are needed", r.Short.String())
	require.Less(t, r.P, 1e-6)
}

func TestANewCategoryIsUnlistedAndFound(t *testing.T) {
	t.Parallel()
	before := rows(normal(1, 5000, 0, 1)...)
	after := rows(normal(2, 1000, 0, 1)...)
	for i := range 100 {
		after.Columns[1].Texts[i*10], after.Columns[1].Valid[i*10] = "new", true
	}
	r := compared(t, features, before, after)[1]
	require.Equal(t, int64(0), r.Reference.Unlisted)
	require.Equal(t, int64(100), r.Window.Unlisted)
	require.Less(t, r.P, 1e-6)
	require.True(t, statistic(t, r, drift.PSI).Beyond)
}

func TestTooFewRowsAreAResult(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 49} {
		for _, r := range compared(t, features, rows(normal(1, 200, 0, 1)...), rows(normal(2, n, 0, 1)...)) {
			require.Empty(t, r.Statistics)
			require.Equal(t, 1.0, r.P)
			require.Equal(t, fmt.Sprintf("not enough data: %d rows of the window, 50 are needed", n), r.Short.String())
		}
	}
	require.Equal(t, "rows of the reference", compared(t, features, rows(1, 2), rows(normal(2, 100, 0, 1)...))[0].Short.Of)
}

func TestWrongColumnsAreFaults(t *testing.T) {
	t.Parallel()
	b, err := drift.NewBins(features, rows(1, 2, 3))
	require.NoError(t, err)
	for name, table := range map[string]dataset.Table{
		"absent": {Columns: rows(1, 2).Columns[:1]}, "another kind": {Columns: []dataset.Column{rows(1).Columns[0], {Name: "kind", Floats: []float64{1}}}},
		"of unequal length": {Columns: []dataset.Column{rows(1).Columns[0], rows(1, 2).Columns[1]}},
	} {
		c := drift.NewCounter(b)
		err := c.Add(table)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), name)
		require.Contains(t, err.Error(), `"kind"`, name)
		require.NotContains(t, err.Error(), secret, name)
		require.Zero(t, c.Counts().Features[0][len(c.Counts().Features[0])-1]+c.Counts().Rows, "nothing is counted")
	}
	_, err = drift.NewBins([]drift.Feature{{Name: "income", Category: true}}, rows(1))
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	other, err := drift.NewBins(features, rows(1, 2, 3, 4))
	require.NoError(t, err)
	_, err = drift.Compare(b, counted(t, b, rows(1)), counted(t, other, rows(1)), drift.Limits{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// anything draws rows of any kind.
func anything(t *rapid.T, label string) dataset.Table {
	value := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-3, 3), rapid.Just(math.NaN()), rapid.Just(math.Inf(1)), rapid.Just(0.0), rapid.Just(math.Copysign(0, -1)))
	return rows(rapid.SliceOfN(value, 0, 200).Draw(t, label)...)
}

func part(t dataset.Table, from, to int) dataset.Table {
	var p dataset.Table
	for _, c := range t.Columns {
		if c.Kind == dataset.Text {
			p.Columns = append(p.Columns, dataset.Column{Name: c.Name, Kind: c.Kind, Texts: c.Texts[from:to], Valid: c.Valid[from:to]})
		} else {
			p.Columns = append(p.Columns, dataset.Column{Name: c.Name, Kind: c.Kind, Floats: c.Floats[from:to]})
		}
	}
	return p
}

// Parts count like the whole, in any order; no rows make anything panic; every number can be written as JSON.
func TestCountsAreOfAnyParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		reference, window := anything(t, "reference"), anything(t, "window")
		b, err := drift.NewBins(features, reference)
		require.NoError(t, err)
		cut := rapid.IntRange(0, window.Rows()).Draw(t, "cut")
		whole := counted(t, b, window)
		require.Equal(t, whole, counted(t, b, part(window, cut, window.Rows()), part(window, 0, cut)))
		results, err := drift.Compare(b, counted(t, b, reference), whole, drift.Limits{})
		require.NoError(t, err)
		_, err = json.Marshal(results)
		require.NoError(t, err)
		s, err := drift.Separate(features, reference, window, drift.Limits{})
		require.NoError(t, err)
		for _, r := range results {
			for _, s := range r.Statistics {
				require.True(t, s.P > 0 && s.P <= 1 && s.Value >= 0 && s.Lower >= 0 && s.Lower <= s.Value, "%+v", s)
			}
		}
		require.True(t, s.P > 0 && s.P <= 1, "%+v", s)
		_, err = json.Marshal(s)
		require.NoError(t, err)
	})
}

// Bins and counts that were kept give the same results to the byte, and so does one processor.
func TestResultsAreTheSameToTheByte(t *testing.T) {
	reference, window := rows(normal(1, 3000, 0, 1)...), rows(normal(2, 700, 0.1, 1)...)
	once := func(kept bool) string {
		b, err := drift.NewBins(features, reference)
		require.NoError(t, err)
		before := counted(t, b, reference)
		if kept {
			text, err := json.Marshal(struct {
				Bins   drift.Bins
				Counts drift.Counts
			}{b, before})
			require.NoError(t, err)
			var again struct {
				Bins   drift.Bins
				Counts drift.Counts
			}
			require.NoError(t, json.Unmarshal(text, &again))
			b, before = again.Bins, again.Counts
		}
		results, err := drift.Compare(b, before, counted(t, b, window), drift.Limits{})
		require.NoError(t, err)
		s, err := drift.Separate(features, reference, window, drift.Limits{})
		require.NoError(t, err)
		text, err := json.Marshal([]any{results, s})
		require.NoError(t, err)
		return string(text)
	}
	many := once(false)
	require.Equal(t, many, once(true))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	require.Equal(t, many, once(false))
	require.False(t, strings.Contains(many, secret), "results hold no value of an applicant")
}

func TestTheSameWindowHasNotDrifted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		reference := anything(t, "rows")
		for _, r := range compared(t, features, reference, reference) {
			require.Equal(t, 1.0, r.P)
			for _, s := range r.Statistics {
				require.Zero(t, s.Value, s.Name)
				require.Equal(t, 1.0, s.P, s.Name)
				require.Zero(t, s.Lower, s.Name)
			}
		}
	})
}

// A category of more values than there are bins, none of them frequent, has not drifted where other such values come.
func TestManyRareValuesAreNoDrift(t *testing.T) {
	t.Parallel()
	few := 0
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 5))
		table := func(n int) dataset.Table {
			c := dataset.Column{Name: "kind", Kind: dataset.Text, Texts: make([]string, n), Valid: make([]bool, n)}
			for i := range n {
				c.Texts[i], c.Valid[i] = fmt.Sprint("employer ", rng.IntN(5000)), true
			}
			return dataset.Table{Columns: []dataset.Column{c}}
		}
		if compared(t, features[1:], table(10_000), table(1000))[0].P < 0.01 {
			few++
		}
	}
	require.LessOrEqual(t, few, 4, "of 40 at 1 %: more than 4 are chance once in 10,000")
}

// Wanted by hand.
func TestRank(t *testing.T) {
	t.Parallel()
	require.Equal(t, []drift.Effect{{"b", -0.5}, {"a", 0.25}, {"c", 0.25}, {"d", 0}}, drift.Rank([]drift.Contribution{
		{"a", 0, 0.25}, {"b", 0.5, 0}, {"c", 1, 1.25}, {"d", 2, 2},
	}))
}
