package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
)

// findingView is a row of the table of findings.
type findingView struct {
	monitor.Finding
	Link                                 string // of the section that shows it; empty: none does
	Name, Says, Measured, Held, P, Rests string
}

// kinds are those of findings, the gravest first.
var kinds = []monitor.Kind{monitor.OfPerformance, monitor.OfPredictions, monitor.OfData, monitor.OfSchema, monitor.OfSkew, monitor.OfRequests, monitor.OfNewData}

// findings are the findings, the worst first: what changed its meaning, then by kind, then by how far each is beyond what it was held against.
func (v lookView) findings(found []monitor.Finding) []findingView {
	found = slices.Clone(found)
	slices.SortStableFunc(found, func(a, b monitor.Finding) int {
		return cmp.Or(
			boolOrder(a.Meaning, b.Meaning),
			cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
			cmp.Compare(farBeyond(b), farBeyond(a)),
			strings.Compare(a.Feature, b.Feature),
			strings.Compare(a.Segment, b.Segment),
		)
	})
	views := make([]findingView, len(found))
	for i, f := range found {
		shown := findingView{Finding: f, Link: v.linkOf(f), Name: featureName(f.Feature), Says: statisticName(f.Statistic), Measured: decimals(f.Value), Held: "–", P: "–", Rests: thousands(int(f.Rows))}
		switch {
		case f.Feature == "" && f.Kind == monitor.OfPerformance:
			shown.Name = "the model"
		case f.Feature == "":
			shown.Name = "whole rows"
		}
		if f.Limit != 0 {
			shown.Held = decimals(f.Limit)
		}
		if f.P != nil {
			shown.P = probability(*f.P)
		}
		views[i] = shown
	}
	return views
}

// boolOrder has what is so first.
func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// farBeyond is how many times its limit a finding is, or its size where it has none.
func farBeyond(f monitor.Finding) float64 {
	if f.Limit == 0 {
		return math.Abs(f.Value)
	}
	return math.Abs(f.Value / f.Limit)
}

func (v lookView) linkOf(f monitor.Finding) string {
	switch {
	case (f.Statistic == monitor.AUCDifference || f.Statistic == monitor.BrierDifference) && v.Performance != nil:
		return "#versions"
	case f.Statistic == monitor.RefusedByChampion, f.Kind == monitor.OfPerformance:
		return "#performance"
	case f.Segment != "" && v.Segments != nil:
		return "#segments"
	}
	if v.Drift != nil {
		if place, measured := v.Drift.places[f.Feature]; measured {
			return fmt.Sprintf("#f%d", place)
		}
	}
	return ""
}

// statisticNames are for people. Those that are not among them are called by their words.
var statisticNames = map[monitor.Statistic]string{
	monitor.Statistic(drift.PSI): "PSI", monitor.Statistic(drift.KS): "KS", monitor.Statistic(drift.ChiSquared): "chi-squared",
	monitor.Statistic(drift.JensenShannon): "Jensen-Shannon", monitor.Statistic(drift.Wasserstein): "Wasserstein", monitor.Statistic(drift.Missingness): "missing",
	monitor.AUCChange: "change of AUC", monitor.BrierExcess: "Brier above promise",
	monitor.AUCDifference: "AUC of an older version", monitor.BrierDifference: "Brier score of an older version", monitor.RefusedByChampion: "refused by the champion",
}

func statisticName(s monitor.Statistic) string {
	if name, known := statisticNames[s]; known {
		return name
	}
	return strings.ReplaceAll(string(s), "_", " ")
}
