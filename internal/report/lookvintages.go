package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/performance"
)

// vintages is a plot over time: something with an interval for each vintage above, and how many rows each has below.
type vintages struct {
	*drawing
	groups    []performance.Group
	low, high float64
}

const (
	vintageWidth, vintageHeight = 1080.0, 300.0
	vintageLeft, vintageRight   = 56.0, 96.0
	vintageTop, vintageBottom   = 26.0, 236.0 // of the values
	vintageRows, vintageFoot    = 250.0, 280.0
)

func newVintages(title string, groups []performance.Group, shown []evaluate.Metric) vintages {
	v := vintages{newDrawing("plot wide", title, vintageWidth, vintageHeight), groups, math.Inf(1), math.Inf(-1)}
	for _, m := range shown {
		v.low, v.high = min(v.low, m.Lower), max(v.high, m.Upper)
	}
	room := 0.08 * (v.high - v.low)
	if room == 0 {
		room = 0.01
	}
	v.low, v.high = max(0, v.low-room), min(1, v.high+room)
	return v
}

func (v vintages) step() float64 {
	return (vintageWidth - vintageLeft - vintageRight) / float64(len(v.groups))
}

func (v vintages) x(i int) float64 { return vintageLeft + v.step()*(float64(i)+0.5) }

func (v vintages) y(value float64) float64 {
	return vintageTop + (vintageBottom-vintageTop)*(v.high-min(max(value, v.low), v.high))/(v.high-v.low)
}

// axes are the grid, the numbers of rows, and the names of the vintages.
func (v vintages) axes(name string, write func(float64) string) {
	v.text("s ink h", vintageLeft, 12, name)
	for _, value := range spaced(ticks(v.low, v.high), 6) {
		v.line("grid", vintageLeft, v.y(value), vintageWidth-vintageRight, v.y(value))
		v.text("e", vintageLeft-6, v.y(value)+3.5, write(value))
	}
	most := 1
	for _, g := range v.groups {
		most = max(most, g.Rows+g.Immature)
	}
	wide := min(v.step()*0.7, 34)
	var matured, waiting strings.Builder
	for i, g := range v.groups {
		high, all := (vintageFoot-vintageRows)*float64(g.Rows)/float64(most), (vintageFoot-vintageRows)*float64(g.Rows+g.Immature)/float64(most)
		box(&waiting, v.x(i)-wide/2, vintageFoot-all, wide, all-high)
		box(&matured, v.x(i)-wide/2, vintageFoot-high, wide, high)
	}
	v.path("waiting", waiting.String())
	v.path("matured", matured.String())
	v.text("e", vintageLeft-6, vintageRows+8, brief(float64(most)))
	v.text("e", vintageLeft-6, vintageFoot, "rows")
	every := int(math.Ceil(54 / v.step()))
	for i := 0; i < len(v.groups); i += every {
		v.text("m", v.x(i), vintageHeight-6, v.groups[i].Name)
	}
}

// titles say what a vintage is, wherever one points at it.
func (v vintages) titles(says func(performance.Group) string) {
	for i, g := range v.groups {
		title := fmt.Sprintf("%s: %s with a label, %s without", g.Name, thousands(g.Rows), thousands(g.Immature))
		if g.Note != "" {
			title += "; " + g.Note
		} else {
			title += "; " + says(g)
		}
		v.rect("hit", v.x(i)-v.step()/2, vintageTop, v.step(), vintageFoot-vintageTop, title)
	}
}

// interval is a point with its interval.
func (v vintages) interval(class string, i int, m evaluate.Metric) {
	x := at(v.x(i))
	fmt.Fprintf(v, `<path class="ci %s" d="M%s %sV%s"/><circle class="dot %s" cx="%s" cy="%s" r="3.6"/>`, class, x, at(v.y(m.Lower)), at(v.y(m.Upper)), class, x, at(v.y(m.Estimate)))
}

// unmeasured is a small cross where a vintage has too few rows.
func (v vintages) unmeasured(i int) {
	fmt.Fprintf(v, `<path class="few" d="M%s %sl6 6m0 -6l-6 6"/>`, at(v.x(i)-3), at(vintageBottom-9))
}

// promisePlot is the mean score of each vintage and the share of positive labels that came of it; nothing where no vintage is measured.
func promisePlot(groups []performance.Group) template.HTML {
	var shown []evaluate.Metric
	for _, g := range groups {
		if g.Calibration != nil {
			predicted := g.Calibration.MeanPredicted
			shown = append(shown, g.Calibration.Observed, evaluate.Metric{Estimate: predicted, Lower: predicted, Upper: predicted})
		}
	}
	if len(shown) == 0 {
		return ""
	}
	v := newVintages("predicted and observed share of positive labels by vintage", groups, shown)
	v.axes("share of positive labels", func(x float64) string { return fmt.Sprintf("%.3g %%", 100*x) })
	half := min(v.step()*0.35, 16)
	var predicted strings.Builder
	for i, g := range groups {
		if g.Calibration == nil {
			v.unmeasured(i)
			continue
		}
		v.interval("seen", i, g.Calibration.Observed)
		fmt.Fprintf(&predicted, "M%s %sh%s", at(v.x(i)-half), at(v.y(g.Calibration.MeanPredicted)), at(2*half))
	}
	v.path("promised", predicted.String())
	v.titles(func(g performance.Group) string {
		return fmt.Sprintf("predicted %s, observed %s (%s)", share(g.Calibration.MeanPredicted), share(g.Calibration.Observed.Estimate), between(g.Calibration.Observed, share))
	})
	return v.done()
}
