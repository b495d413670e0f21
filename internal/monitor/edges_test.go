package monitor

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/transform"
)

// A unit is told by its factor, from either side, up to a tenth away from it. Wanted by hand: seven, ten and thirty are of no two units.
func TestUnitsAreTellable(t *testing.T) {
	t.Parallel()
	was := incomes(1, 100, 1)
	times := func(factor float64) []float64 {
		is := slices.Clone(was)
		for i := range is {
			is[i] *= factor
		}
		return is
	}
	for _, unit := range []float64{12, 52, 365, 100, 1000, 1e6} {
		for _, by := range []float64{unit, 1 / unit, 1.09 * unit, unit / 1.09} {
			factor, found := unitFactor(was, times(by))
			require.True(t, found, "%v", by)
			require.InEpsilon(t, by, factor, 1e-9)
		}
		for _, by := range []float64{1.11 * unit, unit / 1.11} {
			_, found := unitFactor(was, times(by))
			require.False(t, found, "%v", by)
		}
	}
	for _, by := range []float64{1, 7, 10, 30} {
		_, found := unitFactor(was, times(by))
		require.False(t, found, "%v", by)
	}
}

// Where the upper part of a distribution has moved by a quarter more than the lower one it is not a unit that has changed.
func TestAUnitMovesTheWholeDistribution(t *testing.T) {
	t.Parallel()
	for by, want := range map[float64]bool{1: true, 1.24: true, 1.26: false, 2: false} {
		var was, is []float64
		for x := 1.0; x <= 1000; x++ {
			was, is = append(was, x), append(is, 12*x)
			if x > 700 { // so that the quantiles of 75 and 90 % move by more
				is[len(is)-1] *= by
			}
		}
		_, found := unitFactor(was, is)
		require.Equal(t, want, found, "%v", by)
	}
}

// The p-value of a standing is multiplied by 2 for the two bases, by 2 for the two metrics, by the share of its rows, by the number of all older versions and by
// that of the looks, which is 2 at the first. Wanted by hand: 3.5 standard errors beyond what matters have a p-value of 2.326291e-4 (a table of the normal
// distribution).
func TestWhatAStandingsProofIsDividedBy(t *testing.T) {
	t.Parallel()
	const p = 2.326291e-4
	none := evaluate.NewDifference(0, 1e-12)
	byAUC := map[string]evaluate.Difference{"auc": evaluate.NewDifference(0.0135, 1e-6), "brier": none}
	byBrier := map[string]evaluate.Difference{"auc": none, "brier": evaluate.NewDifference(-0.00135, 1e-8)}
	for _, test := range []struct {
		differences map[string]evaluate.Difference
		share       float64
		older       int // versions, of which one is settled
		want        float64
		by          string
	}{
		{byAUC, 1, 1, 8 * p, "auc"},
		{byBrier, 1, 1, 8 * p, "brier"},
		{byAUC, 2, 1, 16 * p, "auc"},
		{byAUC, 1, 3, 24 * p, "auc"},
	} {
		settled := []performance.Standing{{Version: 1, Basis: performance.OnLabels, Better: true, Differences: test.differences}}
		of := Performance{Standings: make([]performance.Standing, test.older), Nth: 1, NthMeasured: 1}
		of.settle(settled, test.share, limits)
		require.InEpsilon(t, test.want, settled[0].P, 1e-5, "%+v", test)
		require.Equal(t, test.by, settled[0].By)
		require.True(t, settled[0].Better)
	}
}

// number is a column of numbers, text one of texts, none of which is missing.
func number(name string, values []float64) dataset.Column {
	return dataset.Column{Name: name, Kind: dataset.Float, Floats: values, Valid: slices.Repeat([]bool{true}, len(values))}
}

func text(name string, values []string) dataset.Column {
	return dataset.Column{Name: name, Kind: dataset.Text, Texts: values, Valid: slices.Repeat([]bool{true}, len(values))}
}

// Twenty values of a segment are looked at, the most frequent of the fresh rows, and of more than a thousand values none is.
func TestHowManyValuesOfASegmentAreLookedAt(t *testing.T) {
	t.Parallel()
	c := Counted{Segments: map[string]drift.Counts{}}
	for i := range 25 {
		c.Segments[fmt.Sprintf("v%02d", i)] = drift.Counts{Rows: int64(10 + i/2)}
	}
	values := c.values()
	require.Len(t, values, 20)
	require.Equal(t, []string{"v24", "v22", "v23", "v20"}, values[:4])

	bins, err := drift.NewBins([]drift.Feature{{Name: "a"}}, dataset.Table{Columns: []dataset.Column{number("a", []float64{1, 2, 3})}})
	require.NoError(t, err)
	for distinct, want := range map[int]int{1000: 1000, 1001: 0} {
		var of []string
		for i := range distinct {
			of = append(of, fmt.Sprint(i))
		}
		segment := text("s", of)
		counter := NewCounter(bins)
		require.NoError(t, counter.Add(dataset.Table{Columns: []dataset.Column{number("a", make([]float64, distinct)), segment}}, &segment))
		counted := counter.Counted()
		require.Len(t, counted.Segments, want)
		require.EqualValues(t, distinct, counted.All.Rows)
	}
}

// held holds tables against each other, whose champion reads nothing.
func held(t *testing.T, features []drift.Feature, before, now dataset.Table) Drift {
	t.Helper()
	bins, err := drift.NewBins(features, before)
	require.NoError(t, err)
	counted := func(of dataset.Table) Counted {
		counter := NewCounter(bins)
		require.NoError(t, counter.Add(of, of.Column("s")))
		return counter.Counted()
	}
	score := func(of dataset.Table) dataset.Table {
		none := number(Score.Name, slices.Repeat([]float64{math.NaN()}, of.Rows()))
		none.Valid = make([]bool, of.Rows())
		return dataset.Table{Columns: append(slices.Clone(of.Columns), none)}
	}
	d, err := HoldAgainst(Watched{
		Features: features, Bins: bins, Reference: counted(before), Fresh: counted(now), ReferenceSample: score(before), FreshSample: score(now), Segment: "s", Champion: &model.Model{},
	}, drift.Limits{})
	require.NoError(t, err)
	return d
}

// A value that fewer than five rows have, before or now, may name a person: it is not told.
func TestAValueOfFewRowsIsNotTold(t *testing.T) {
	t.Parallel()
	table := func(rows map[string]int) dataset.Table {
		var a []float64
		var s []string
		for _, value := range []string{"five before", "four before", "five now", "four now"} {
			for i := range rows[value] {
				a, s = append(a, float64(i)), append(s, value)
			}
		}
		return dataset.Table{Columns: []dataset.Column{number("a", a), text("s", s)}}
	}
	d := held(t, []drift.Feature{{Name: "a"}},
		table(map[string]int{"five before": 5, "four before": 4, "five now": 50, "four now": 50}), table(map[string]int{"five before": 40, "four before": 30, "five now": 5, "four now": 4}))
	var told []string
	for _, s := range d.Segments {
		told = append(told, s.Value)
	}
	require.Equal(t, []string{"five before", "", "five now", ""}, told)
}

// A number that few have has hardly moved among all, whatever it is for these few: it is no other unit, since no drift is found.
func TestWhatDoesNotDriftHasNoOtherUnit(t *testing.T) {
	t.Parallel()
	fees := func(having int, times float64) dataset.Table {
		a := make([]float64, 12_000)
		copy(a, incomes(1, having, times))
		return dataset.Table{Columns: []dataset.Column{number("fee", a), text("s", slices.Repeat([]string{"all"}, len(a)))}}
	}
	features := []drift.Feature{{Name: "fee"}}
	few := held(t, features, fees(120, 1), fees(120, 1./12))
	require.False(t, few.Overall[0].Beyond())
	require.Empty(t, few.Units)
	all := held(t, features, fees(12_000, 1), fees(12_000, 1./12))
	require.True(t, all.Overall[0].Beyond())
	require.Len(t, all.Units, 1)
}

// Of a category with a domain the schema tells new values; those of one without, and of a column that the champion does not read, are told here.
func TestOfWhichColumnsUnseenValuesAreTold(t *testing.T) {
	t.Parallel()
	features := []drift.Feature{{Name: "open", Category: true}, {Name: "domain", Category: true}, {Name: "unread", Category: true}}
	values := []string{"a", "b"}
	table := dataset.Table{Columns: []dataset.Column{text("open", values), text("domain", values), text("unread", values)}}
	bins, err := drift.NewBins(features, table)
	require.NoError(t, err)
	counter := NewCounter(bins)
	require.NoError(t, counter.Add(table, nil))
	champion := &model.Model{Encoder: transform.Encoder{Fields: []transform.Field{{Name: "open", Open: true}, {Name: "domain"}}}}
	told, err := unseenOf(Watched{Bins: bins, Reference: counter.Counted(), Fresh: counter.Counted(), Champion: champion})
	require.NoError(t, err)
	read := map[string]bool{}
	for _, u := range told {
		read[u.Feature] = u.Read
	}
	require.Equal(t, map[string]bool{"open": true, "unread": false}, read)
}

// Outcomes are of the approved alone where these have theirs more than twice as often, among a hundred of either at least. Wanted by hand.
func TestWhoseOutcomesAreKnown(t *testing.T) {
	t.Parallel()
	type group struct {
		rows, known int
		day         float64
	}
	for _, test := range []struct {
		name               string
		approved, declined []group
		want               bool
	}{
		{"more than twice as often", []group{{100, 80, 1}}, []group{{100, 39, 1}}, true},
		{"twice as often", []group{{100, 80, 1}}, []group{{100, 40, 1}}, false},
		{"few declined", []group{{100, 80, 1}}, []group{{99, 0, 1}}, false},
		{"few approved", []group{{99, 80, 1}}, []group{{100, 0, 1}}, false},
		{"declined too young to have one", []group{{100, 80, 1}}, []group{{100, 60, 1}, {1000, 0, 2}}, false},
		{"approved too young to have one", []group{{100, 80, 1}, {1000, 0, 2}}, []group{{100, 30, 1}}, true},
		{"none is known", []group{{100, 0, 1}}, []group{{100, 0, 1}}, false},
	} {
		var s Scored
		for verdict, groups := range [][]group{test.declined, test.approved} {
			for _, g := range groups {
				for i := range g.rows {
					label := math.NaN()
					if i < g.known {
						label = 0
					}
					s.Labels, s.Days, s.Approved = append(s.Labels, label), append(s.Days, g.day), append(s.Approved, verdict == 1)
				}
			}
		}
		require.Equal(t, test.want, approvedOnly(s), test.name)
	}
}

// A version of another label is not shown beside the champion: its scores promise something else.
func TestAVersionOfAnotherLabelIsNotThePreviousOne(t *testing.T) {
	t.Parallel()
	o := observed(1, noises(0.2, 0.2), noises(0.2, 0.2))
	before, err := previous(o)
	require.NoError(t, err)
	require.Equal(t, 1, before.Version)
	o.Versions = []Version{o.Versions[0], {Track: serving.Track{Version: 1}, Apart: "its scores are of another label"}}
	apart, err := previous(o)
	require.NoError(t, err)
	require.Nil(t, apart)
}
