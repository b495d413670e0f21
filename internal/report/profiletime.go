package report

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"github.com/loanops/loanops/internal/profile"
)

// timeline shows rows and positive rate by period; nothing with fewer than two.
func timeline(periods []profile.Period) template.HTML {
	if len(periods) < 2 {
		return ""
	}
	bars := make([]profile.Bar, len(periods))
	for i, p := range periods {
		bars[i] = profile.Bar{Rows: p.Rows, Negative: p.Labelled - p.Positive, Positive: p.Positive}
	}
	d := newDrawing("plot wide", fmt.Sprintf("Rows and positive rate by period from %s to %s", periods[0].Name, periods[len(periods)-1].Name), plotWidth, plotHeight)
	d.stacked(bars, func(i int, _ profile.Bar) string { return periods[i].Name })
	d.periodNames(periods, plotHeight-plotBottom+14)
	return d.done()
}

// periodNames writes as many names below an axis as there is room for.
func (d *drawing) periodNames(periods []profile.Period, y float64) {
	inner := plotWidth - plotLeft - plotRight
	every := (len(periods)*9 + 59) / 60
	for i := 0; i < len(periods); i += every {
		d.text("m", plotLeft+inner*(float64(i)+0.5)/float64(len(periods)), y, periods[i].Name)
	}
}

// course is the plot of a column over time: its mean or most frequent texts, its missing values where it has any, and its stability index, one
// below the other. Nothing with fewer than two periods.
func course(c profile.Column, periods []profile.Period) template.HTML {
	if len(periods) < 2 || len(c.Stability.Periods) != len(periods) {
		return ""
	}
	height := 2*panel + 16
	if c.Missing > 0 {
		height += panel
	}
	if len(c.Stability.Levels) > 0 {
		height += 16
	}
	d := newDrawing("plot", "Course of "+c.Name+" over time", plotWidth, height)
	p := panels{d, periods, panelTop}
	change := c.Stability.Periods
	if len(c.Stability.Levels) > 0 {
		p.levels(c.Stability)
	} else {
		p.line("Mean", "rate", func(i int) float64 {
			if mean := change[i].Mean; mean != nil {
				return *mean
			}
			return math.NaN()
		}, func(x float64) string { return tickOf(c, x) })
	}
	if c.Missing > 0 {
		p.line("Share missing", "miss", func(i int) float64 { return 100 * change[i].Missing }, func(x float64) string { return fmt.Sprintf("%.3g%%", x) })
	}
	p.index(change)
	d.periodNames(periods, height-4)
	step := (plotWidth - plotLeft - plotRight) / float64(len(periods))
	for i := range periods {
		d.rect("hit", plotLeft+float64(i)*step, panelTop, step, height-panelTop-16, told(c, periods[i], change[i]))
	}
	return d.done()
}

// told is what a period says of a column, in words.
func told(c profile.Column, p profile.Period, change profile.Change) string {
	text := fmt.Sprintf("%s: %s rows", p.Name, thousands(p.Rows))
	if change.Mean != nil {
		text += ", mean " + tickOf(c, *change.Mean)
	}
	for k, share := range change.Shares {
		text += fmt.Sprintf(", %s %.1f %%", shorten(c.Stability.Levels[k]), 100*share)
	}
	if c.Missing > 0 {
		text += fmt.Sprintf(", %.1f %% missing", 100*change.Missing)
	}
	return text + fmt.Sprintf(", stability index %.3f", change.PSI)
}

// panel is the height of one plot of several over time, with its title; panelTop is where the plot itself begins.
const panel, panelTop = 92.0, 18.0

// panels draws plots one below the other.
type panels struct {
	*drawing
	periods []profile.Period
	y       float64 // of the next plot's upper end
}

// place is the middle of a period.
func (p *panels) place(i int) float64 {
	return plotLeft + (plotWidth-plotLeft-plotRight)*(float64(i)+0.5)/float64(len(p.periods))
}

// begin writes a title and returns the ends of the plot.
func (p *panels) begin(title string) (top, bottom float64) {
	top, bottom = p.y, p.y+panel-panelTop-8
	p.text("s h", plotLeft, top-6, title)
	p.drawing.line("grid", plotLeft, bottom, plotWidth-plotRight, bottom)
	p.y += panel
	return top, bottom
}

// line of figures.
func (p *panels) line(title, class string, figure func(int) float64, name func(float64) string) {
	top, bottom := p.begin(title)
	low, high := math.Inf(1), math.Inf(-1)
	for i := range p.periods {
		if x := figure(i); x == x {
			low, high = min(low, x), max(high, x)
		}
	}
	if low > high {
		return
	}
	if low == high {
		around := math.Max(math.Abs(low)/2, 0.5)
		low, high = low-around, high+around
	}
	p.drawing.line("grid", plotLeft, top, plotWidth-plotRight, top)
	p.text("e", plotLeft-5, top+3.5, name(high))
	p.text("e", plotLeft-5, bottom+3.5, name(low))
	var line, dots strings.Builder
	for i := range p.periods {
		x := figure(i)
		if x != x {
			continue
		}
		px, py := p.place(i), top+(bottom-top)*(high-x)/(high-low)
		command := "L"
		if line.Len() == 0 {
			command = "M"
		}
		fmt.Fprintf(&line, "%s%s %s", command, at(px), at(py))
		fmt.Fprintf(&dots, "M%s %sh0", at(px), at(py))
	}
	fmt.Fprintf(p.drawing, `<path class="%s" d="%s"/><path class="dots %[1]s" d="%[3]s"/>`, class, line.String(), dots.String())
}

// levels are the shares of the most frequent texts, one upon the other, with their names below.
func (p *panels) levels(s *profile.Stability) {
	top, bottom := p.begin("Most frequent values")
	p.text("e", plotLeft-5, top+3.5, "100%")
	p.text("e", plotLeft-5, bottom+3.5, "0%")
	step := (plotWidth - plotLeft - plotRight) / float64(len(p.periods))
	below := make([]float64, len(p.periods))
	x := plotLeft
	for k, level := range s.Levels {
		var path strings.Builder
		for i, change := range s.Periods {
			h := (bottom - top) * change.Shares[k]
			below[i] += h
			box(&path, p.place(i)-step/2+0.5, bottom-below[i], step-1, h)
		}
		p.path(fmt.Sprintf("l%d", k), path.String())
		name := []rune(level)
		if len(name) > 14 {
			name = append(name[:13:13], '…')
		}
		p.rect(fmt.Sprintf("l%d", k), x, bottom+8, 8, 8, "")
		p.text("s", x+11, bottom+16, string(name))
		x += 22 + 6*float64(len(name))
	}
	p.y += 16
}

// index are bars of the stability index, with the usual bounds where they are in sight.
func (p *panels) index(changes []profile.Change) {
	top, bottom := p.begin(fmt.Sprintf("Stability index (grey: fewer than %d rows)", profile.MinPeriodRows))
	most := 0.12
	for _, change := range changes {
		most = max(most, change.PSI)
	}
	step := (plotWidth - plotLeft - plotRight) / float64(len(p.periods))
	for i, change := range changes {
		class := "calm"
		switch {
		case p.periods[i].Rows < profile.MinPeriodRows:
			class = "unl"
		case change.PSI > profile.UnstablePSI:
			class = "high"
		case change.PSI > profile.CalmPSI:
			class = "medium"
		}
		h := (bottom - top) * change.PSI / most
		p.rect(class, p.place(i)-step*0.35, bottom-h, step*0.7, h, "")
	}
	last := math.Inf(1)
	for _, bound := range []float64{profile.UnstablePSI, profile.CalmPSI} {
		y := bottom - (bottom-top)*bound/most
		if bound > most || math.Abs(y-last) < 9 {
			continue
		}
		last = y
		p.drawing.line("bound", plotLeft, y, plotWidth-plotRight, y)
		p.text("s", plotWidth-plotRight+5, y+3.5, fmt.Sprint(bound))
	}
	p.text("e", plotLeft-5, top+3.5, fmt.Sprintf("%.2g", most))
	p.text("e", plotLeft-5, bottom+3.5, "0")
}
