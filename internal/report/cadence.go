package report

import (
	"fmt"
	"html/template"
	"math"

	"github.com/loanops/loanops/internal/performance"
)

// Cadence is the performance of models against their age, and how often a pipeline should be trained by that.
type Cadence struct {
	Pipeline  string              `json:"pipeline"`
	KnownAt   string              `json:"known_at"`  // the day on which the outcomes were known
	Tolerance float64             `json:"tolerance"` // how much AUC may be lost
	Rows      int                 `json:"rows"`      // measured, with an outcome that is final
	Of        int64               `json:"of"`        // rows of the source
	Months    int                 `json:"months"`    // the length of a vintage
	Models    []AgedModel         `json:"models"`
	Notes     []string            `json:"notes"` // what was left out
	Fit       performance.Cadence `json:"fit"`
}

// AgedModel is a model whose age was told.
type AgedModel struct {
	Name     string `json:"name"`
	Trained  string `json:"trained"`            // the last day of the rows that it was fitted to
	Backtest bool   `json:"backtest"`           // trained for the measurement, not registered
	Champion bool   `json:"champion,omitempty"` // it serves, or did
	Rows     int    `json:"rows,omitempty"`     // of a backtest's training
	Vintages int    `json:"vintages"`           // on which it was measured
}

// Count counts the vintages of each model.
func (c *Cadence) Count() {
	for i := range c.Models {
		c.Models[i].Vintages = 0
		for _, p := range c.Fit.Points {
			if p.Model == c.Models[i].Name {
				c.Models[i].Vintages++
			}
		}
	}
}

// CadenceHTML renders it. The same measurements give the same bytes. No row is on the page.
func CadenceHTML(c Cadence) ([]byte, error) {
	v := cadenceView{Cadence: c, Banner: cadenceBanner(c), Plot: agePlot(c)}
	if loss := c.Fit.LossPerMonth; loss != nil {
		v.Tiles = []tile{
			{"train every", periodWords(c), "so that at most " + decimals(c.Tolerance) + " of AUC is lost"},
			{"lost per month of waiting", lost(loss.Estimate), between(*loss, lost)},
			{"AUC of a new model", decimals(c.Fit.AtZero.Estimate), between(*c.Fit.AtZero, decimals)},
			{"p of no decay", fmt.Sprintf("%.2g", c.Fit.P), "one-sided"},
			{"models", thousands(len(c.Models)), thousands(len(c.Fit.Points)) + " vintages of them"},
		}
		for _, w := range c.Fit.Waiting {
			v.Waiting = append(v.Waiting, waitingView{thousands(int(w.Days)), lost(w.Estimate), between(w.Metric, lost), w.Upper > c.Tolerance})
		}
	}
	return render("cadence.html", "How often to train "+c.Pipeline, v)
}

type cadenceView struct {
	Cadence
	Banner  bannerView
	Tiles   []tile
	Plot    template.HTML
	Waiting []waitingView
}

// Vintage is how long one is.
func (v cadenceView) Vintage() string {
	switch v.Months {
	case 3:
		return "quarter"
	case 12:
		return "year"
	}
	return "month"
}

// lost is a small difference of AUC.
func lost(x float64) string { return minus(fmt.Sprintf("%+.4f", x)) }

// waitingView is what a wait costs; Beyond says that it may be more than is tolerated.
type waitingView struct {
	Days, Loss, Interval string
	Beyond               bool
}

func periodWords(c Cadence) string {
	days := thousands(int(c.Fit.RecommendedDays)) + " days"
	if c.Fit.AtLeast {
		return "at least " + days
	}
	return days
}

func cadenceBanner(c Cadence) bannerView {
	fit := c.Fit
	switch {
	case fit.LossPerMonth == nil:
		return bannerView{Class: "ask", Sign: "?", Word: "not enough data", Done: fit.Note}
	case fit.AtLeast:
		return bannerView{Class: "calm", Sign: "✓", Word: "every " + thousands(int(fit.RecommendedDays)) + " days, or less often", Done: fit.Note}
	case fit.LossPerMonth.Lower <= 0:
		return bannerView{Class: "warn", Sign: "~", Word: "every " + thousands(int(fit.RecommendedDays)) + " days", Done: fit.Note}
	}
	return bannerView{Class: "act", Sign: "↻", Word: "every " + thousands(int(fit.RecommendedDays)) + " days", Done: fit.Note}
}

const (
	ageWidth, ageHeight           = 1080.0, 380.0
	ageLeft, ageRight             = 56.0, 110.0
	ageTop, ageBottom, tinyMargin = 26.0, 330.0, 0.005
)

// agePlot is AUC by age: each model's vintages joined, the fitted line with its band, what is tolerated and the period that follows.
func agePlot(c Cadence) template.HTML {
	if len(c.Fit.Points) == 0 {
		return ""
	}
	low, high, oldest := math.Inf(1), math.Inf(-1), 1.0
	for _, p := range c.Fit.Points {
		low, high, oldest = min(low, p.Lower), max(high, p.Upper), max(oldest, p.AgeDays)
	}
	low, high = max(0, low-tinyMargin), min(1, high+tinyMargin)
	d := newDrawing("plot wide", "AUC by age of the model", ageWidth, ageHeight)
	x := func(age float64) float64 { return ageLeft + (ageWidth-ageLeft-ageRight)*age/oldest }
	y := func(auc float64) float64 {
		return ageTop + (ageBottom-ageTop)*(high-min(max(auc, low), high))/(high-low)
	}
	d.text("s ink h", ageLeft, 12, "AUC")
	for _, value := range spaced(ticks(low, high), 7) {
		d.line("grid", ageLeft, y(value), ageWidth-ageRight, y(value))
		d.text("e", ageLeft-6, y(value)+3.5, decimals(value))
	}
	for _, days := range spaced(ticks(0, oldest), 10) {
		d.text("m", x(days), ageBottom+18, thousands(int(days)))
	}
	d.text("m ink", (ageLeft+ageWidth-ageRight)/2, ageHeight-8, "days since the last day of the training rows")
	ageLine(d, c, x, y)
	last := map[string]performance.CurvePoint{}
	for _, p := range c.Fit.Points { // by age
		if before, seen := last[p.Model]; seen && p.Model != "" {
			d.line("curve", x(before.AgeDays), y(before.Estimate), x(p.AgeDays), y(p.Estimate))
		}
		last[p.Model] = p
	}
	of := map[string]AgedModel{}
	for _, m := range c.Models {
		of[m.Name] = m
	}
	for _, p := range c.Fit.Points {
		class := "pale"
		switch m := of[p.Model]; {
		case m.Champion:
			class = "good"
		case !m.Backtest:
			class = "seen"
		}
		fmt.Fprintf(d, `<path class="ci %s" d="M%s %sV%s"/><circle class="dot %[1]s" cx="%[2]s" cy="%[5]s" r="3.4"><title>%[6]s</title></circle>`,
			class, at(x(p.AgeDays)), at(y(p.Lower)), at(y(p.Upper)), at(y(p.Estimate)),
			template.HTMLEscapeString(fmt.Sprintf("%s on %s, %.0f days old: AUC %s (%s), %s rows", p.Model, p.Vintage, p.AgeDays, decimals(p.Estimate), between(p.Metric, decimals), thousands(p.Rows))))
	}
	return d.done()
}

// ageLine is the line with its band, the border of what is tolerated, and where the period ends.
func ageLine(d *drawing, c Cadence, x, y func(float64) float64) {
	if len(c.Fit.Line) == 0 {
		return
	}
	var line, upper, lower string
	for i, p := range c.Fit.Line {
		command := "L"
		if i == 0 {
			command = "M"
		}
		line += command + at(x(p.AgeDays)) + " " + at(y(p.Estimate))
		upper += command + at(x(p.AgeDays)) + " " + at(y(p.Upper))
		lower = "L" + at(x(p.AgeDays)) + " " + at(y(p.Lower)) + lower
	}
	d.path("band", upper+lower+"z")
	d.path("fitted", line)
	tolerated := c.Fit.AtZero.Estimate - c.Tolerance
	d.line("border", ageLeft, y(tolerated), ageWidth-ageRight, y(tolerated))
	d.text("s", ageWidth-ageRight+6, y(tolerated)+3.5, decimals(c.Tolerance)+" lost")
	end := x(c.Fit.RecommendedDays)
	d.line("change", end, ageTop-6, end, ageBottom)
	d.text("s ink", min(end+5, ageWidth-ageRight-150), ageTop-8, "train by "+thousands(int(c.Fit.RecommendedDays))+" days")
}
