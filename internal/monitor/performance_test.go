package monitor

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
)

// refusing has the older version refuse so many of the first rows.
func refusing(o Observed, fresh, outcomes int) Observed {
	for _, of := range []struct {
		*Scored
		rows int
	}{{&o.Fresh, fresh}, {&o.Outcomes, outcomes}} {
		of.Scores = [][]float64{of.Scores[0], slices.Clone(of.Scores[1])}
		for row := range of.rows {
			of.Scores[1][row] = math.NaN()
		}
	}
	return o
}

// To go back to a version that refuses what clients send turns them away, however well it does on the others: no more than slips are taken.
func TestAVersionThatWouldRefuseClientsIsNotGoneBackTo(t *testing.T) {
	t.Parallel()
	worse := observed(1, noises(1.6, 1.6), noises(0.2, 0.2))
	for _, c := range []struct {
		fresh, outcomes int
		better          bool
		says            string
	}{
		{0, 0, true, ""}, {3, 0, true, ""}, {3, 9, true, ""},
		{4, 0, false, "4 of 200 rows"}, {90, 1800, false, "90 of 200 rows"}, {0, 1800, false, "1800 of 4000 rows"}, {3, 1800, false, "1800 of 4000 rows"},
	} {
		p, err := Measure(refusing(worse, c.fresh, c.outcomes), limits)
		require.NoError(t, err)
		require.Equal(t, c.better, p.Better() != nil, "%+v", c)
		require.Equal(t, 4000-c.outcomes, p.Standings[0].Rows, "it is compared all the same")
		if !c.better {
			require.Contains(t, p.Standings[0].Note, c.says+" that the champion takes, so that it cannot serve in its place")
		}
	}
	none := refusing(worse, 0, 1800)
	none.Fresh = Scored{}
	p, err := Measure(none, limits)
	require.NoError(t, err)
	require.Nil(t, p.Better(), "without fresh rows outcomes tell")
}

// What one row of a thousand explains is a slip, and starts no training. Wanted values: binomial tails by Python's fractions and decimals, at least 0.001 where
// they are slips.
func TestSlipsAreNoFinding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		refused, of int
		found       bool
	}{
		{0, 0, false},
		{1, 10, false}, {2, 10, true}, // 0.00996, 0.000045
		{2, 100, false}, {3, 100, true}, {4, 100, true}, // 0.0046, 0.00015
		{3, 200, false}, {4, 200, true}, // 0.0011, 0.000055
		{13, 5000, false}, {14, 5000, true}, // 0.0020, 0.00069
		{1099, 1_000_000, false}, {1100, 1_000_000, true}, // 0.00106, 0.00096
	} {
		p := Performance{Versions: []Version{{Track: serving.Track{Version: 1}}}, Fresh: c.of, Refused: c.refused, Nth: 1, NthMeasured: 1}
		p.Change.P = 1
		findings := p.Findings(pipeline.Monitor{})
		require.Equal(t, c.found, len(findings) == 1, "%+v", c)
		for _, f := range findings {
			require.InDelta(t, 0.001, f.Limit, 0, "it is held against one row of a thousand")
		}
	}
}

// A look without outcomes tests nothing on them: after half a year of daily ones the first that has some finds what the first look would. Estimates are
// tested at every look.
func TestLooksWithoutOutcomesUseUpNoChance(t *testing.T) {
	t.Parallel()
	o := observed(181, noises(0.2, 1.6), noises(0.2, 0.2))
	spent, err := Measure(o, limits)
	require.NoError(t, err)
	o.NthMeasured = 1
	first, err := Measure(o, limits)
	require.NoError(t, err)
	require.InDelta(t, first.Change.P*181*182/2, spent.Change.P, 1e-12)
	settled := func(basis performance.Basis) performance.Standing {
		s := performance.Standing{Basis: basis, Better: true, Differences: map[string]evaluate.Difference{"auc": evaluate.NewDifference(0.03, 25e-6), "brier": evaluate.NewDifference(0, 1e-6)}}
		of := Performance{Standings: []performance.Standing{s}, Nth: 181, NthMeasured: 1}
		of.settle(of.Standings, 1, limits)
		return of.Standings[0]
	}
	onLabels, estimated := settled(performance.OnLabels), settled(performance.OnEstimate)
	require.InDelta(t, math.Min(1, onLabels.P*181*182/2), estimated.P, 1e-9)
	require.True(t, onLabels.Better)
	require.False(t, estimated.Better)
}

// What looks share is shared by all that is said: a change that the first look would find is none at the fifth, on its page as in its findings.
func TestALookSaysOneThing(t *testing.T) {
	t.Parallel()
	o := observed(1, noises(0.2, 1), noises(0.2, 1))
	first, err := Measure(o, limits)
	require.NoError(t, err)
	o.Nth = 5
	fifth, err := Measure(o, limits)
	require.NoError(t, err)
	require.InDelta(t, 15*first.Change.P, fifth.Change.P, 1e-12)
	require.True(t, first.Change.Decayed)
	require.Equal(t, []any{"2025-09", "brier_excess"}, []any{first.Change.Since, first.Change.By})
	require.NotNil(t, first.Change.Decisive())
	require.False(t, fifth.Change.Decayed)
	require.Equal(t, []any{"", ""}, []any{fifth.Change.Since, fifth.Change.By})
	require.Empty(t, fifth.Findings(limits))
	require.Empty(t, fifth.Recent)
}

// A version may be better by its Brier score alone: that is then the figure that is told.
func TestTheFigureThatDecidedIsTold(t *testing.T) {
	t.Parallel()
	s := performance.Standing{Version: 1, Basis: performance.OnLabels, Better: true, Rows: 4000, Differences: map[string]evaluate.Difference{
		"auc": evaluate.NewDifference(0.001, 1e-6), "brier": evaluate.NewDifference(-0.02, 1e-6),
	}}
	p := Performance{Versions: []Version{{Track: serving.Track{Version: 2}}, {Track: serving.Track{Version: 1}}}, Standings: []performance.Standing{s}, Nth: 1, NthMeasured: 1}
	p.settle(p.Standings, 1, limits)
	found := p.Findings(limits)
	require.Len(t, found, 1)
	require.Equal(t, []any{BrierDifference, -0.02, -maxBrier}, []any{found[0].Statistic, found[0].Value, found[0].Limit})

	// An AUC that would do on the first look for one version does not over three looks, where the Brier score decides.
	s.Differences["auc"] = evaluate.NewDifference(0.0122, 1e-6)
	p.Standings, p.NthMeasured = []performance.Standing{s}, 3
	p.settle(p.Standings, 1, limits)
	require.Equal(t, BrierDifference, p.Findings(limits)[0].Statistic)
}

// Several versions are harder to tell from chance than one: what is better alone need not be so among many. Wanted: three times the p-value.
func TestManyVersionsNeedMoreProof(t *testing.T) {
	t.Parallel()
	one := observed(1, noises(0.7, 0.7), noises(0.4, 0.4))
	alone, err := Measure(one, limits)
	require.NoError(t, err)
	many := one
	for _, of := range []*Scored{&many.Reference, &many.Outcomes, &many.Fresh, &many.Applicants} {
		of.Scores = [][]float64{of.Scores[0], of.Scores[1], of.Scores[1], of.Scores[1]}
	}
	many.Versions = make([]Version, 4)
	for i := range many.Versions {
		many.Versions[i].Version = 4 - i
	}
	among, err := Measure(many, limits)
	require.NoError(t, err)
	require.Less(t, alone.Standings[0].P, 0.3, "else nothing is told")
	require.Len(t, among.Standings, 3)
	require.InEpsilon(t, 3*alone.Standings[0].P, among.Standings[0].P, 1e-9)
}
