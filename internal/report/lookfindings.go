package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/monitor"
)

// findingView is a row of the table of findings.
type findingView struct {
	monitor.Finding
	Link                                 string // of the section that shows it; empty: none does
	Name, Says, Measured, Held, P, Rests string
}

// kinds are those of findings, the gravest first.
var kinds = []monitor.Kind{monitor.OfPerformance, monitor.OfPredictions, monitor.OfData, monitor.OfSchema, monitor.OfRequests, monitor.OfNewData}

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
	case strings.HasSuffix(f.Statistic, "_difference") && v.Performance != nil:
		return "#versions"
	case f.Statistic == "refused_by_champion", f.Kind == monitor.OfPerformance:
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

// statisticName is for people.
func statisticName(key string) string {
	names := map[string]string{
		"psi": "PSI", "ks": "KS", "chi_squared": "chi-squared", "jensen_shannon": "Jensen-Shannon", "wasserstein": "Wasserstein", "missingness": "missing",
		"auc": "AUC", "auc_change": "change of AUC", "auc_difference": "AUC of an older version", "brier_difference": "Brier score of an older version", "refused_by_champion": "refused by the champion",
		"brier": "Brier score", "log_loss": "log loss", "accuracy": "accuracy", "brier_excess": "Brier above promise",
	}
	if name, known := names[key]; known {
		return name
	}
	return strings.ReplaceAll(key, "_", " ")
}
