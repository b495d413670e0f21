package performance

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

// group is so many approved of so many of a group.
type group struct {
	name         string
	approved, of int
}

func impactOf(t *testing.T, groups ...group) Impact {
	t.Helper()
	attribute := Segment{Column: "sex", Values: []string{}}
	var approved []bool
	for _, g := range groups {
		attribute.Values = append(attribute.Values, slices.Repeat([]string{g.name}, g.of)...)
		approved = append(approved, decided(g.approved, g.of)...)
	}
	impact, err := AdverseImpact(attribute, approved, Limits{})
	require.NoError(t, err)
	return impact
}

// Wanted values: statsmodels' confint_proportions_2indep (ratio, log).
func TestAdverseImpactAgainstStatsmodels(t *testing.T) {
	t.Parallel()
	impact := impactOf(t, group{"f", 120, 400}, group{"m", 330, 600}, group{"", 5, 10}, group{"rare", 99, 99})
	require.Equal(t, "m", impact.Favoured, "the group of few rows is approved more often, and is no measure")
	require.Equal(t, 10, impact.Missing)
	require.Len(t, impact.Groups, 3)
	m, f, rare := impact.Groups[0], impact.Groups[1], impact.Groups[2]
	require.Nil(t, m.Ratio)
	require.InDelta(t, 0.55, m.Rate.Estimate, 1e-12)
	within(t, f.Ratio, 0.3/0.55, 0.4618988915835036, 0.6441250814373041)
	require.True(t, f.BelowFourFifths && f.BeyondNoise)
	require.Equal(t, "too few rows: at least 100 are needed", rare.Note)
	require.Nil(t, rare.Ratio)
	require.Nil(t, rare.Rate)
}

// A value of fewer than five rows may be a person's name, where people write what they want.
func TestAGroupOfFewRowsIsNotNamed(t *testing.T) {
	t.Parallel()
	impact := impactOf(t, group{"f", 120, 400}, group{"m", 330, 600}, group{"five", 1, 5}, group{"Jane Doe", 4, 4})
	require.Equal(t, "five", impact.Groups[2].Name)
	require.Equal(t, ImpactGroup{Rows: 4, Approved: 4, Note: "too few rows: at least 100 are needed"}, impact.Groups[3])
}

func TestAdverseImpactAtTheLine(t *testing.T) {
	t.Parallel()
	f := impactOf(t, group{"m", 200, 400}, group{"f", 160, 400}).Groups[0]
	require.Equal(t, "f", f.Name)
	require.InDelta(t, 0.8, f.Ratio.Estimate, 1e-12)
	require.False(t, f.BelowFourFifths, "four fifths are not below the line")
	f = impactOf(t, group{"m", 200, 400}, group{"f", 150, 400}).Groups[0]
	require.True(t, f.BelowFourFifths)
	require.False(t, f.BeyondNoise)
	f = impactOf(t, group{"m", 200, 400}, group{"f", 0, 400}).Groups[0]
	require.Zero(t, f.Ratio.Estimate)
	require.Zero(t, f.Ratio.Lower)
	require.True(t, f.Ratio.Upper > 0 && f.Ratio.Upper < 0.1)
	equal := impactOf(t, group{"m", 400, 400}, group{"f", 400, 400})
	require.Equal(t, "f", equal.Favoured)
	within(t, equal.Groups[1].Ratio, 1, 1, 1)
}

func TestAdverseImpactNotMeasured(t *testing.T) {
	t.Parallel()
	impact, err := AdverseImpact(Segment{Column: "sex"}, decided(1, 2), Limits{})
	require.NoError(t, err)
	require.Equal(t, "not measured: the attribute is not among the data", impact.Note)
	require.Contains(t, impactOf(t, group{"m", 200, 400}, group{"f", 10, 99}).Note, "not measured: fewer than two groups")
	require.Contains(t, impactOf(t, group{"m", 0, 400}, group{"f", 0, 400}).Note, "not measured: nobody is approved")
	require.Contains(t, impactOf(t).Note, "not measured")
	_, err = AdverseImpact(Segment{Column: "sex", Values: []string{"f"}}, nil, Limits{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}
