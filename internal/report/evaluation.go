package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
)

// EvaluationHTML renders what a model did on its test set. The same evaluation gives the same bytes.
func EvaluationHTML(e evaluate.Evaluation, m *model.Model) ([]byte, error) {
	view := evaluationView{Name: m.Name, Rows: e.Rows, Positive: e.Positive, Share: percent(e.Positive, e.Rows)}
	for _, of := range []struct{ name, title string }{
		{"auc", "AUC"}, {"ks", "Kolmogorov-Smirnov"}, {"brier", "Brier score"}, {"log_loss", "log loss"}, {"accuracy", "accuracy"},
	} {
		metric := e.Metrics[of.name]
		view.Metrics = append(view.Metrics, []string{of.title, figure(metric.Estimate), figure(metric.Lower), figure(metric.Upper)})
	}
	view.Coefficients = coefficients(m)
	var err error
	if view.ROC, err = rocPlot(e); err != nil {
		return nil, err
	}
	if view.Calibration, err = calibrationPlot(e); err != nil {
		return nil, err
	}
	if view.Scores, err = scorePlot(e); err != nil {
		return nil, err
	}
	return render("evaluation.html", "Evaluation of "+m.Name, view)
}

type evaluationView struct {
	Name                     string
	Rows, Positive           int
	Share                    string
	Metrics, Coefficients    [][]string
	ROC, Calibration, Scores template.HTML
}

func figure(x float64) string { return fmt.Sprintf("%.4f", x) }

// coefficients lists encoded columns, strongest first; numbers are per standard deviation.
func coefficients(m *model.Model) [][]string {
	type row struct {
		text  string
		value float64
	}
	var rows []row
	for i, f := range m.Signature() {
		from, to := m.Encoder.Span(i)
		for k := from; k < to; k++ {
			label := f.Name
			switch {
			case f.Type == pipeline.Category && k-from < len(f.Levels):
				label += " = " + f.Levels[k-from]
			case f.Nullable && k == to-1:
				label += " missing"
			}
			rows = append(rows, row{label, m.Coefficients[k]})
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(math.Abs(b.value), math.Abs(a.value)) })
	out := make([][]string, len(rows))
	for i, r := range rows {
		out[i] = []string{r.text, fmt.Sprintf("%+.4f", r.value)}
	}
	return out
}
