package performance

import (
	"fmt"
	"math"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/statistics"
)

// FourFifths is the ratio below which United States practice looks closer (29 CFR 1607.4 D). It is information, no verdict.
const FourFifths = 0.8

// Impact is the selection rates of the groups of one protected attribute.
type Impact struct {
	Attribute string `json:"attribute"`
	// Favoured is the group of enough rows with the highest rate, with which the others are compared; empty where nothing is measured.
	Favoured string        `json:"favoured"`
	Groups   []ImpactGroup `json:"groups"` // by falling number of rows, equal ones by name; rows without a value are left out
	Missing  int           `json:"missing"`
	Note     string        `json:"note,omitempty"` // why nothing is measured
}

// ImpactGroup is one group.
type ImpactGroup struct {
	Name     string `json:"name"` // empty where fewer than five rows have it: it may be a person's
	Rows     int    `json:"rows"`
	Approved int    `json:"approved"`
	// Rate has Wilson's interval. Ratio is the rate over that of the favoured group, nil for itself. Both are nil
	// where the group has too few rows.
	Rate  *evaluate.Metric `json:"rate,omitempty"`
	Ratio *evaluate.Metric `json:"ratio,omitempty"`
	// BelowFourFifths says that the estimate is below the line; BeyondNoise that the whole interval is.
	BelowFourFifths bool   `json:"below_four_fifths"`
	BeyondNoise     bool   `json:"beyond_noise"`
	Note            string `json:"note,omitempty"`
}

// AdverseImpact compares the approval rates of an attribute's groups. attribute.Values is nil where the attribute is not at hand, which is "not measured".
// Groups of fewer than limits.Rows rows are told and not compared. The interval does not account for the favoured group's having been
// chosen for its rate, so that with many groups the ratios are somewhat low.
func AdverseImpact(attribute Segment, approved []bool, limits Limits) (Impact, error) {
	impact := Impact{Attribute: attribute.Column, Groups: []ImpactGroup{}}
	if attribute.Values == nil {
		impact.Note = "not measured: the attribute is not among the data"
		return impact, nil
	}
	if len(attribute.Values) != len(approved) {
		return impact, fault.New(fault.Invalid, "column %q has %d values, there are %d decisions", attribute.Column, len(attribute.Values), len(approved))
	}
	least := limits.orDefault().Rows
	by := tallies(attribute.Values, approved)
	impact.Missing = by[""].rows
	delete(by, "")
	names := byRows(by, tally.count)
	compared := 0
	for _, name := range names {
		if by[name].rows < least {
			continue
		}
		if compared == 0 || by[name].rate() > by[impact.Favoured].rate() {
			impact.Favoured = name
		}
		compared++
	}
	favoured := by[impact.Favoured]
	switch {
	case compared < 2:
		impact.Note = fmt.Sprintf("not measured: fewer than two groups have at least %d rows", least)
	case favoured.approved == 0:
		impact.Note = "not measured: nobody is approved in any group of enough rows"
	}
	if impact.Note != "" {
		impact.Favoured = ""
	}
	for _, name := range names {
		impact.Groups = append(impact.Groups, groupOf(name, by[name], favoured, least, impact.Favoured != "" && name != impact.Favoured))
	}
	return impact, nil
}

func groupOf(name string, t, favoured tally, least int, measured bool) ImpactGroup {
	g := ImpactGroup{Name: name, Rows: t.rows, Approved: t.approved}
	if t.rows < least {
		g.Note = fmt.Sprintf("too few rows: at least %d are needed", least)
		if t.rows < dataset.LeastNamed {
			g.Name = ""
		}
		return g
	}
	lower, upper := statistics.Wilson(t.approved, t.rows)
	g.Rate = &evaluate.Metric{Estimate: t.rate(), Lower: lower, Upper: upper}
	if measured {
		ratio := ratioOf(t, favoured)
		g.Ratio = &ratio
		g.BelowFourFifths, g.BeyondNoise = ratio.Estimate < FourFifths, ratio.Upper < FourFifths
	}
	return g
}

// ratioOf is the ratio of two shares of different rows with Katz's interval of its logarithm,
//
//	log r ± 1.96 · sqrt(1/a - 1/m + 1/b - 1/n)
//
// for a approved of m and b of n. Where a is 0 it is taken for a half in the interval, whose lower end is 0 then.
//
// Source: Katz, Baptista, Azen & Pike 1978, doi 10.2307/2530610.
func ratioOf(t, favoured tally) evaluate.Metric {
	a := math.Max(float64(t.approved), 0.5)
	ratio := t.rate() / favoured.rate()
	centre := math.Log(a/float64(t.rows)) - math.Log(favoured.rate())
	margin := statistics.Normal975 * math.Sqrt(math.Max(0, 1/a-1/float64(t.rows)+1/float64(favoured.approved)-1/float64(favoured.rows)))
	m := evaluate.Metric{Estimate: ratio, Lower: math.Exp(centre - margin), Upper: math.Exp(centre + margin)}
	if t.approved == 0 {
		m.Lower = 0
	}
	return m
}
