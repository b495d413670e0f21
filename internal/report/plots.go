package report

import (
	"bytes"
	"fmt"
	"html"
	"html/template"
	"image/color"
	"math"
	"regexp"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/loanops/loanops/internal/evaluate"
)

var (
	blue  = color.RGBA{R: 31, G: 98, B: 160, A: 255}
	amber = color.RGBA{R: 200, G: 120, B: 20, A: 255}
	grey  = color.RGBA{R: 170, G: 170, B: 170, A: 255}
)

// newPlot has light axes and a faint grid.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = x, y
	// Texts are placed by their width, which only fonts of equal advance have alike in every browser.
	text := font.Font{Typeface: "Liberation", Variant: "Mono", Size: vg.Points(8)}
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font, axis.Tick.Label.Font = text, text
		axis.Color, axis.Tick.Color = grey, grey
		axis.Tick.Marker = plot.TickerFunc(readableTicks)
	}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{Y: 235}, color.Gray{Y: 245}
	p.Add(grid)
	p.Legend.TextStyle.Font = text
	p.Legend.Padding = vg.Points(3)
	p.Legend.Top = true
	return p
}

// readableTicks are gonum's with labels as people write numbers.
func readableTicks(low, high float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(low, high)
	for i := range ticks {
		if !ticks[i].IsMinor() {
			ticks[i].Label = number(ticks[i].Value)
		}
	}
	return ticks
}

// number writes four significant digits, and large numbers in full.
func number(x float64) string {
	if size := math.Abs(x); size >= 1000 && size < 1e12 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.4g", x)
}

var size = regexp.MustCompile(`<svg width="[^"]*" height="[^"]*"`)

// svg renders the plot as an inline image with a text for those who do not see it.
func svg(p *plot.Plot, width, height vg.Length, alternative string) (template.HTML, error) {
	canvas := vgsvg.NewWith(vgsvg.UseWH(width, height))
	// The last label of an axis reaches beyond its end.
	p.Draw(draw.Crop(draw.New(canvas), 0, -vg.Points(14), 0, -vg.Points(5)))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return "", fmt.Errorf("plot: %w", err)
	}
	_, image, _ := strings.Cut(out.String(), "<svg")
	image = size.ReplaceAllString("<svg"+image, fmt.Sprintf(`<svg role="img" aria-label="%s" style="max-width:100%%;height:auto" width="%.0f" height="%.0f"`,
		html.EscapeString(alternative), width.Points()*4/3, height.Points()*4/3))
	return template.HTML(image), nil //nolint:gosec // made here; its texts are escaped by vgsvg
}

func bars(values []float64, fill color.Color, offset, width vg.Length) (*plotter.BarChart, error) {
	chart, err := plotter.NewBarChart(plotter.Values(values), width)
	if err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	chart.Color, chart.Offset, chart.LineStyle.Width = fill, offset, 0
	return chart, nil
}

func shorten(text string) string {
	runes := []rune(text)
	if len(runes) > 22 {
		return string(runes[:21]) + "…"
	}
	return text
}

func line(points plotter.XYs, stroke color.Color, width vg.Length) (*plotter.Line, error) {
	l, err := plotter.NewLine(points)
	if err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	l.Color, l.Width = stroke, width
	return l, nil
}

// unit is a plot of shares against shares with the diagonal.
func unit(x, y string) (*plot.Plot, error) {
	p := newPlot(x, y)
	diagonal, err := line(plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}}, grey, vg.Points(1))
	if err != nil {
		return nil, err
	}
	p.Add(diagonal)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	return p, nil
}

func rocPlot(e evaluate.Evaluation) (template.HTML, error) {
	p, err := unit("false positive rate", "true positive rate")
	if err != nil {
		return "", err
	}
	points := make(plotter.XYs, len(e.ROC))
	for i, point := range e.ROC {
		points[i] = plotter.XY{X: point.X, Y: point.Y}
	}
	curve, err := line(points, blue, vg.Points(1.8))
	if err != nil {
		return "", err
	}
	p.Add(curve)
	return svg(p, 300, 260, fmt.Sprintf("ROC curve with an area of %.4f", e.Metrics["auc"].Estimate))
}

func calibrationPlot(e evaluate.Evaluation) (template.HTML, error) {
	p, err := unit("mean score", "observed share")
	if err != nil {
		return "", err
	}
	points, most := make(plotter.XYs, len(e.Calibration)), 0.05
	for i, bin := range e.Calibration {
		points[i] = plotter.XY{X: bin.Score, Y: bin.Observed}
		most = max(most, bin.Score, bin.Observed)
	}
	p.X.Max, p.Y.Max = min(1, most*1.1), min(1, most*1.1)
	curve, err := line(points, amber, vg.Points(1.5))
	if err != nil {
		return "", err
	}
	dots, err := plotter.NewScatter(points)
	if err != nil {
		return "", fmt.Errorf("plot: %w", err)
	}
	dots.Color, dots.Radius = amber, vg.Points(2.5)
	p.Add(curve, dots)
	return svg(p, 300, 260, "calibration: observed share against mean score in groups of equally many rows")
}

func scorePlot(e evaluate.Evaluation) (template.HTML, error) {
	p := newPlot("score", "share of the class")
	for i, class := range []struct {
		name   string
		counts [20]int
		total  int
		fill   color.Color
	}{{"label 0", e.Negatives, e.Rows - e.Positive, blue}, {"label 1", e.Positives, e.Positive, amber}} {
		values := make([]float64, len(class.counts))
		for k, count := range class.counts {
			values[k] = float64(count) / float64(max(class.total, 1))
		}
		chart, err := bars(values, class.fill, vg.Points(float64(i)*5-2.5), vg.Points(5))
		if err != nil {
			return "", err
		}
		p.Add(chart)
		p.Legend.Add(class.name, chart)
	}
	p.X.Tick.Marker = plot.ConstantTicks{{Value: -0.5, Label: "0"}, {Value: 9.5, Label: "0.5"}, {Value: 19.5, Label: "1"}}
	return svg(p, 380, 260, "distribution of the scores by class")
}
