package report

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/loanops/loanops/internal/evaluate"
)

// trackView is the performance over the looks.
type trackView struct {
	Says     string
	Courses  []courseView
	Champion int
	Previous int
	Older    bool // champions that are neither of these are shown
	Months   []monthView
	Looks    []lookRow
}

// courseView is the course of one metric.
type courseView struct {
	Key, Name string
	Plot      template.HTML
}

// monthView is a version's month in the table behind the plot.
type monthView struct {
	Month, Version, Matured, Waiting string
	AUC, AUCRange, Brier, BrierRange string
	Note                             string
}

// lookRow is a look in the table behind the plot.
type lookRow struct{ AsOf, Verdict, Champion, Rows, AUC, AUCRange string }

func trackViewOf(t *track) *trackView {
	if t == nil {
		return nil
	}
	v := &trackView{Says: t.words(), Champion: t.champion, Previous: t.previous}
	for _, of := range []struct{ key, name string }{{"auc", "AUC"}, {"brier", "Brier score"}} {
		v.Courses = append(v.Courses, courseView{of.key, of.name, drawTrack(t, of.key, of.name, v.Says)})
	}
	for _, m := range t.vintages {
		v.Older = v.Older || t.role(m.version) == "older" && m.Metrics != nil
		row := monthView{Month: m.Name, Version: fmt.Sprint(m.version), Matured: thousands(m.Rows), Waiting: thousands(m.Immature), Note: m.Note}
		row.AUC, row.AUCRange = written(m.Metrics, "auc")
		row.Brier, row.BrierRange = written(m.Metrics, "brier")
		v.Months = append(v.Months, row)
	}
	for _, l := range t.looks {
		row := lookRow{AsOf: l.AsOf, Verdict: viewOfVerdict(l.Verdict).word, Champion: "–", Rows: thousands(int(l.Rows)), AUC: "–"}
		if l.Champion > 0 {
			row.Champion = fmt.Sprint(l.Champion)
		}
		if l.performance != nil {
			row.AUC, row.AUCRange = written(l.performance.Estimated.Metrics, "auc")
		}
		v.Looks = append(v.Looks, row)
	}
	return v
}

func written(metrics map[string]evaluate.Metric, key string) (estimate, interval string) {
	m, measured := metrics[key]
	if !measured {
		return "–", ""
	}
	return decimals(m.Estimate), between(m, decimals)
}

// words are the course in a sentence or two: what was promised, and the first and the last month of it that is known.
func (t *track) words() string {
	var says []string
	if n := len(t.reigns); n > 0 {
		if auc, known := t.reigns[n-1].judged.Metrics["auc"]; known {
			says = append(says, fmt.Sprintf("Version %d had an AUC of %s when it was judged.", t.champion, decimals(auc.Estimate)))
		}
	}
	var of []vintage
	for _, v := range t.vintages {
		if v.version == t.champion && v.Metrics != nil {
			of = append(of, v)
		}
	}
	switch n := len(of); n {
	case 0:
		says = append(says, "No month since has labels enough.")
	case 1:
		says = append(says, fmt.Sprintf("It has %s in %s, the only month since that has labels enough.", decimals(of[0].Metrics["auc"].Estimate), of[0].Name))
	default:
		first, last := of[0], of[n-1]
		says = append(says, fmt.Sprintf("Of the %d months since that have labels enough, it has %s in the first, %s, and %s in the last, %s.",
			n, decimals(first.Metrics["auc"].Estimate), first.Name, decimals(last.Metrics["auc"].Estimate), last.Name))
	}
	if n := len(t.outlooks); n > 0 {
		o := t.outlooks[n-1]
		if auc, known := o.estimated.Metrics["auc"]; known {
			says = append(says, fmt.Sprintf("Without labels, the look of %s estimated %s.", o.asOf, decimals(auc.Estimate)))
		}
	}
	return strings.Join(says, " ")
}
