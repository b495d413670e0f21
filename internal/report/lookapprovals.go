package report

import (
	"fmt"
	"html/template"
	"math"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
)

// approvalsView is the approval rates of the fresh rows beside those of the reference.
type approvalsView struct {
	Overall  approvalView
	Segments []approvalSegmentView
	Scale    *forest
}

type approvalSegmentView struct {
	Column string
	Groups []approvalView
}

// approvalView is one row. The change is in points of a hundred.
type approvalView struct {
	Name, Rows, Rate, Range, Before, Change, ChangeRange, P, Note string
	Plot                                                          template.HTML
}

func approvalsViewOf(a performance.Approvals) *approvalsView {
	v := &approvalsView{}
	all := []performance.ApprovalRate{a.Overall}
	for _, s := range a.Segments {
		all = append(all, s.Groups...)
	}
	var changes []evaluate.Metric
	for _, r := range all {
		if r.Change != nil {
			changes = append(changes, *r.Change)
		}
	}
	if len(changes) > 0 {
		scale := newForest(changes, 0.3, change, 0)
		v.Scale = &scale
	}
	v.Overall = v.rate(a.Overall, "all rows")
	for _, s := range a.Segments {
		shown := approvalSegmentView{Column: s.Column}
		for _, r := range s.Groups {
			shown.Groups = append(shown.Groups, v.rate(r, groupName(r.Name, r.Merged)))
		}
		v.Segments = append(v.Segments, shown)
	}
	return v
}

func (v *approvalsView) rate(r performance.ApprovalRate, name string) approvalView {
	shown := approvalView{Name: name, Rows: thousands(r.Rows), Rate: "–", Before: "–", Change: "–", P: "–", Note: r.Note}
	if r.Rate == nil || r.Rows < dataset.LeastNamed {
		return shown
	}
	shown.Rate, shown.Range = share(r.Rate.Estimate), between(*r.Rate, share)
	if r.Change == nil {
		return shown
	}
	shown.Before, shown.P = share(r.Rate.Estimate-r.Change.Estimate), probability(r.P)
	shown.Change, shown.ChangeRange = change(r.Change.Estimate), between(*r.Change, change)
	class := "calm"
	if r.Change.Lower > 0 || r.Change.Upper < 0 {
		class = "apart"
	}
	shown.Plot = v.Scale.row(*r.Change, class)
	return shown
}

// change is a difference of shares in points of a hundred. None has no sign.
func change(x float64) string {
	if math.Abs(x) < 0.0005 {
		return "0.0"
	}
	return points(x)
}

// impactView is the approval rates of the groups of one protected attribute.
type impactView struct {
	performance.Impact
	Scale  *forest
	Shown  []impactGroupView
	Hidden string
}

type impactGroupView struct {
	Name, Rows, Rate, Range, Ratio, RatioRange, Note string
	Plot                                             template.HTML
	Favoured                                         bool
}

func impactViews(all []performance.Impact) []impactView {
	var views []impactView
	for _, impact := range all {
		views = append(views, impactViewOf(impact))
	}
	return views
}

func impactViewOf(impact performance.Impact) impactView {
	v := impactView{Impact: impact}
	var ratios []evaluate.Metric
	for _, g := range impact.Groups {
		if g.Ratio != nil {
			ratios = append(ratios, *g.Ratio)
		}
	}
	if len(ratios) > 0 {
		scale := newForest(ratios, 0.5, ratio, performance.FourFifths, 1)
		v.Scale = &scale
	}
	hidden := 0
	for _, g := range impact.Groups {
		if g.Rows < dataset.LeastNamed {
			hidden++
			continue
		}
		v.Shown = append(v.Shown, v.group(g))
	}
	v.Hidden = notNamed(hidden, "group", "groups")
	return v
}

func ratio(x float64) string { return fmt.Sprintf("%.2f", x) }

func (v impactView) group(g performance.ImpactGroup) impactGroupView {
	shown := impactGroupView{Name: g.Name, Rows: thousands(g.Rows), Rate: "–", Ratio: "–", Note: g.Note, Favoured: g.Name == v.Favoured && v.Favoured != ""}
	if g.Rate != nil {
		shown.Rate, shown.Range = share(g.Rate.Estimate), between(*g.Rate, share)
	}
	if g.Ratio == nil {
		return shown
	}
	shown.Ratio, shown.RatioRange = ratio(g.Ratio.Estimate), between(*g.Ratio, ratio)
	class := "calm"
	switch {
	case g.BeyondNoise:
		class, shown.Note = "apart", "below four fifths, the whole interval"
	case g.BelowFourFifths:
		shown.Note = "below four fifths, within chance"
	}
	shown.Plot = v.Scale.row(*g.Ratio, class)
	return shown
}
