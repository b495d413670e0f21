package report

import (
	"fmt"
	"html/template"
	"maps"
	"slices"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/performance"
)

// lookPerformanceView is how the champion does, and the versions before it.
type lookPerformanceView struct {
	monitor.Performance
	Metrics     []metricView
	Since       string // from which look on the champion does worse than when it was judged
	Reliability []reliabilityView
	Calibration *calibrationView // where there is no diagram to stand beside
	Promises    template.HTML    // predicted and observed by vintage
	Older       versionsView
	Newest      *newestView // nil where no months are enough
	Segments    []lookSegmentView
}

// metricView is a row of the table of metrics.
type metricView struct{ Name, Judged, Realised, Change, ChangeRange, Estimated, Class string }

type calibrationView struct {
	Predicted, Observed, Range, Intercept, InterceptRange, Slope, SlopeRange, Error, Z, P, Note string
}

// lookSegmentView is the performance by the values of a column.
type lookSegmentView struct {
	Column string
	Scale  *forest
	Groups []lookGroupView
}

type lookGroupView struct {
	Name, Rows, AUC, Range, Brier, Predicted, Observed, Note string
	Plot                                                     template.HTML
}

func performanceViewOf(p monitor.Performance, looks past) *lookPerformanceView {
	v := &lookPerformanceView{Performance: p, Metrics: metricViews(p), Since: looks.sinceWords(decayed)}
	if len(p.Realised.Vintages) > 0 {
		v.Promises = promisePlot(p.Realised.Vintages)
	}
	v.Reliability = reliabilityViews(p.Reliability)
	if c := p.Realised.Overall.Calibration; c != nil && v.Reliability == nil {
		v.Calibration = calibrationViewOf(*c)
	}
	v.Older, v.Newest = versionsViewOf(p.Standings), newestViewOf(p.Change, p.Recent)
	for _, s := range p.Realised.Segments {
		v.Segments = append(v.Segments, lookSegmentViewOf(s, p.Realised.Overall))
	}
	return v
}

// decayed is what looks say of the champion against when it was judged.
func decayed(s seen) (measured, beyond bool) {
	if s.performance == nil {
		return false, false
	}
	return s.performance.Change.Differences != nil, s.performance.Change.Decayed
}

// Matured is how many rows have a final label.
func (v lookPerformanceView) Matured() string { return thousands(v.Realised.Overall.Rows) }

// Waiting is how many rows have none yet.
func (v lookPerformanceView) Waiting() string { return thousands(v.Realised.Overall.Immature) }

// RefusedShare is of the fresh rows.
func (v lookPerformanceView) RefusedShare() string { return percent(v.Refused, v.Fresh) }

// EstimateRows is how many rows the estimate is made of, and ReferenceRows how many taught it.
func (v lookPerformanceView) EstimateRows() string  { return thousands(v.Estimated.Rows) }
func (v lookPerformanceView) ReferenceRows() string { return thousands(v.Estimated.Reference) }

// ChangeWords say whether the champion does worse.
func (v lookPerformanceView) ChangeWords() string {
	switch {
	case v.Change.Differences == nil && v.Change.Note != "" && v.Change.Note != v.Realised.Overall.Note:
		return "Not compared with when it was judged: " + v.Change.Note + "."
	case v.Change.Differences == nil:
		return ""
	case v.Change.Decayed:
		return fmt.Sprintf("Worse than when it was judged, beyond chance and tolerance (p %s), %s.", probability(v.Change.P), v.Since)
	default:
		return fmt.Sprintf("Not worse than when it was judged, beyond chance and tolerance (p %s).", probability(v.Change.P))
	}
}

func metricViews(p monitor.Performance) []metricView {
	var views []metricView
	further := []evaluate.MetricName{
		{Name: "calibration", Title: "positive labels above what scores promise"}, {Name: "brier_excess", Title: "Brier above what scores promise"},
		{Name: "positive_rate", Title: "positive labels"},
	}
	for _, metric := range slices.Concat(evaluate.Metrics, further) {
		v := metricView{Name: metric.Title, Judged: "–", Realised: "–", Change: "–", Estimated: "–"}
		any := false
		for _, of := range []struct {
			metrics map[string]evaluate.Metric
			to      *string
		}{{metricsOf(p.Judged), &v.Judged}, {metricsOf(p.Realised.Overall), &v.Realised}, {p.Estimated.Metrics, &v.Estimated}} {
			if m, measured := of.metrics[metric.Name]; measured {
				*of.to, any = fmt.Sprintf("%s (%s)", decimals(m.Estimate), between(m, decimals)), true
			}
		}
		if d, measured := p.Change.Differences[metric.Name]; measured {
			v.Change, v.ChangeRange, any = signed(d.Estimate), between(metricOf(d), signed), true
			if metric.Name == p.Change.By && p.Change.Since == "" {
				v.Class = "worse"
			}
		}
		if any {
			views = append(views, v)
		}
	}
	return views
}

// metricsOf are those of a group, with the share of positive labels as the estimate has it.
func metricsOf(g performance.Group) map[string]evaluate.Metric {
	all := maps.Clone(g.Metrics)
	if g.Calibration != nil {
		all["positive_rate"] = g.Calibration.Observed
	}
	return all
}

func calibrationViewOf(c performance.Calibration) *calibrationView {
	v := &calibrationView{
		Predicted: share(c.MeanPredicted), Observed: share(c.Observed.Estimate), Range: between(c.Observed, share), Intercept: "–", Slope: "–",
		Error: decimals(c.ExpectedError), Z: signed(c.Z), P: probability(c.P), Note: c.Note,
	}
	if c.Intercept != nil {
		v.Intercept, v.InterceptRange = signed(c.Intercept.Estimate), between(*c.Intercept, signed)
	}
	if c.Slope != nil {
		v.Slope, v.SlopeRange = decimals(c.Slope.Estimate), between(*c.Slope, decimals)
	}
	return v
}

func lookSegmentViewOf(s performance.SegmentGroup, overall performance.Group) lookSegmentView {
	v := lookSegmentView{Column: s.Column}
	var aucs []evaluate.Metric
	for _, g := range s.Groups {
		if auc, measured := g.Metrics["auc"]; measured {
			aucs = append(aucs, auc)
		}
	}
	if all, measured := overall.Metrics["auc"]; measured && len(aucs) > 0 {
		scale := newForest(append(aucs, all), 0.5, decimals, all.Estimate)
		scale.band = &all
		v.Scale = &scale
	}
	for _, g := range s.Groups {
		shown := lookGroupView{Name: groupName(g.Name, g.Merged), Rows: thousands(g.Rows), AUC: "–", Brier: "–", Predicted: "–", Observed: "–", Note: g.Note}
		if auc, measured := g.Metrics["auc"]; measured {
			shown.AUC, shown.Range, shown.Brier = decimals(auc.Estimate), between(auc, decimals), decimals(g.Metrics["brier"].Estimate)
			if v.Scale != nil {
				shown.Plot = v.Scale.row(auc, "calm")
			}
		}
		if g.Calibration != nil {
			shown.Predicted, shown.Observed = share(g.Calibration.MeanPredicted), share(g.Calibration.Observed.Estimate)
		}
		v.Groups = append(v.Groups, shown)
	}
	return v
}
