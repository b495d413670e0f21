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

// Rival is another version on the rows that it and the model take.
type Rival struct {
	Name        string // champion or previous
	Version     int
	Rows        int64
	Differences map[string]evaluate.Difference // the model's metrics minus its; nil where they are not comparable
	Note        string
}

// EvaluationHTML renders what a model did on its test set, and how it stands beside others. The same evaluation gives the same bytes.
func EvaluationHTML(e evaluate.Evaluation, m *model.Model, rivals []Rival) ([]byte, error) {
	return evaluationPage("Evaluation of "+m.Name, e, m, evaluationView{Rivals: rivalViews(rivals)})
}

// OnDataHTML renders what a version did on new data: of which rows, which of them do not count, and why.
func OnDataHTML(on evaluate.OnData, m *model.Model) ([]byte, error) {
	facts := [][]string{{"rows from", on.Source}, {"labels known on", on.KnownAt}, {"version's digest", on.Digest}, {"data's digest", on.Dataset}}
	for _, words := range on.LeftOut.Words() {
		facts = append(facts, []string{"left out", words})
	}
	return evaluationPage(fmt.Sprintf("Evaluation of %s version %d on new data", on.Model, on.Version), on.Evaluation, m, evaluationView{Facts: facts})
}

func evaluationPage(title string, e evaluate.Evaluation, m *model.Model, view evaluationView) ([]byte, error) {
	view.Rows, view.Positive, view.Share = e.Rows, e.Positive, percent(e.Positive, e.Rows)
	for _, of := range evaluate.Metrics {
		metric := e.Metrics[of.Name]
		view.Metrics = append(view.Metrics, []string{of.Title, figure(metric.Estimate), figure(metric.Lower), figure(metric.Upper)})
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
	return render("evaluation.html", title, view)
}

type evaluationView struct {
	Rivals                   []rivalView
	Facts                    [][]string // of new data
	Rows, Positive           int
	Share                    string
	Metrics, Coefficients    [][]string
	ROC, Calibration, Scores template.HTML
}

// rivalView is a rival as a sentence and a table.
type rivalView struct {
	Name, Says string
	Rows       [][]string
}

func rivalViews(rivals []Rival) (views []rivalView) {
	for _, r := range rivals {
		view := rivalView{Name: fmt.Sprintf("%s, version %d", r.Name, r.Version), Says: r.Note}
		if r.Differences != nil {
			_, view.Says = evaluate.BeyondNoise(r.Differences)
			view.Says = fmt.Sprintf("On %s rows: %s", thousands(int(r.Rows)), view.Says)
			for _, metric := range evaluate.Metrics {
				d := r.Differences[metric.Name]
				view.Rows = append(view.Rows, []string{metric.Title, fmt.Sprintf("%+.4f", d.Estimate), fmt.Sprintf("%+.4f", d.Lower), fmt.Sprintf("%+.4f", d.Upper), fmt.Sprintf("%.2g", d.P)})
			}
		}
		views = append(views, view)
	}
	return views
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
