package report

import (
	"html/template"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
)

// versionsView is how older versions do beside the champion on some rows.
type versionsView struct {
	Rows        []standingView
	AUCs, Brier *forest // the scales; nil where none is compared
}

type standingView struct {
	performance.Standing
	Sure       string // p
	Rests      string // rows
	AUC, Brier template.HTML
	// The differences and their intervals.
	AUCText, AUCRange, BrierText, BrierRange string
}

func versionsViewOf(standings []performance.Standing) (v versionsView) {
	var aucs, briers []evaluate.Metric
	for _, s := range standings {
		if s.Differences != nil {
			aucs, briers = append(aucs, metricOf(s.Differences["auc"])), append(briers, metricOf(s.Differences["brier"]))
		}
	}
	if len(aucs) > 0 {
		auc, brier := newForest(aucs, 0.5, signed, 0), newForest(briers, 0.5, signed, 0)
		v.AUCs, v.Brier = &auc, &brier
	}
	for _, s := range standings {
		shown, class := standingView{Standing: s, Sure: probability(s.P), Rests: thousands(s.Rows)}, "calm"
		if s.Differences == nil {
			v.Rows = append(v.Rows, shown)
			continue
		}
		if s.Better {
			class = "good"
		}
		auc, brier := metricOf(s.Differences["auc"]), metricOf(s.Differences["brier"])
		shown.AUC, shown.Brier = v.AUCs.row(auc, class), v.Brier.row(brier, class)
		shown.AUCText, shown.AUCRange = signed(auc.Estimate), between(auc, signed)
		shown.BrierText, shown.BrierRange = signed(brier.Estimate), between(brier, signed)
		v.Rows = append(v.Rows, shown)
	}
	return v
}
