package report

import (
	"html/template"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
)

// newestView is the champion's newest months, each number of them by itself, beside when it was judged: what began lately is averaged away in the whole.
type newestView struct {
	Months []monthsView
	AUCs   forest
	Better versionsView // the older versions on the rows since which it decayed
}

type monthsView struct {
	Since, Vintages, Rows         string
	AUC                           template.HTML
	AUCText, AUCRange             string
	Calibration, CalibrationRange string
	Decides                       bool // it decayed, and here the evidence is strongest
}

func newestViewOf(c performance.Change, since []performance.Standing) *newestView {
	var aucs []evaluate.Metric
	for _, r := range c.Recent {
		aucs = append(aucs, metricOf(r.Differences["auc"]))
	}
	if len(aucs) == 0 {
		return nil
	}
	v := &newestView{AUCs: newForest(aucs, 0.5, signed, 0), Better: versionsViewOf(since)}
	for i, r := range c.Recent {
		calibration := metricOf(r.Differences["calibration"])
		shown := monthsView{
			Since: r.Since, Vintages: thousands(r.Vintages), Rows: thousands(r.Rows), AUCText: signed(aucs[i].Estimate), AUCRange: between(aucs[i], signed),
			Calibration: signed(calibration.Estimate), CalibrationRange: between(calibration, signed), Decides: c.Decayed && r.Since == c.Since,
		}
		class := "calm"
		if shown.Decides {
			class = "worse"
		}
		shown.AUC = v.AUCs.row(aucs[i], class)
		v.Months = append(v.Months, shown)
	}
	return v
}
