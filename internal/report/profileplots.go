package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"github.com/loanops/loanops/internal/profile"
)

// drawing is an SVG that is written by hand: a page of hundreds of columns has no room for more than paths and rectangles. Colours are the page's
// style sheet's, by class, so that they follow light and dark.
type drawing struct{ strings.Builder }

func newDrawing(class, title string, width, height float64) *drawing {
	d := &drawing{}
	fmt.Fprintf(d, `<svg class="%s" viewBox="0 0 %s %s" width="%[2]s" height="%[3]s" role="img" aria-label="%[4]s">`, class, at(width), at(height), html.EscapeString(title))
	return d
}

// newDescribedDrawing says what it shows at length to those who do not see it.
func newDescribedDrawing(class, title, says string, width, height float64) *drawing {
	d := newDrawing(class, title, width, height)
	fmt.Fprintf(d, "<desc>%s</desc>", html.EscapeString(says))
	return d
}

func (d *drawing) rect(class string, x, y, w, h float64, title string) {
	if h <= 0 || w <= 0 {
		return
	}
	fmt.Fprintf(d, `<rect class="%s" x="%s" y="%s" width="%s" height="%s"`, class, at(x), at(y), at(w), at(h))
	if title == "" {
		d.WriteString("/>")
		return
	}
	fmt.Fprintf(d, "><title>%s</title></rect>", html.EscapeString(title))
}

func (d *drawing) path(class, path string) {
	if path != "" {
		fmt.Fprintf(d, `<path class="%s" d="%s"/>`, class, path)
	}
}

// box adds a rectangle to a path.
func box(path *strings.Builder, x, y, w, h float64) {
	if h > 0 {
		fmt.Fprintf(path, "M%s %sh%sv%sh-%[3]sz", at(x), at(y), at(w), at(h))
	}
}

// text is placed by its start, middle or end.
func (d *drawing) text(anchor string, x, y float64, text string) {
	fmt.Fprintf(d, `<text class="%s" x="%s" y="%s">%s</text>`, anchor, at(x), at(y), html.EscapeString(text))
}

func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(d, `<path class="%s" d="M%s %sL%s %s"/>`, class, at(x1), at(y1), at(x2), at(y2))
}

func (d *drawing) done() template.HTML {
	d.WriteString("</svg>")
	return template.HTML(d.String()) //nolint:gosec // made here; its texts are escaped
}

// spark is the shape of a column in a few pixels: all rows, and the positive ones among them.
func spark(bars []profile.Bar) template.HTML {
	const width, height = 96.0, 22.0
	most := 1
	for _, b := range bars {
		most = max(most, b.Rows)
	}
	step := width / float64(max(len(bars), 1))
	step = min(step, 16)
	var all, positive strings.Builder
	for i, b := range bars {
		x, w := float64(i)*step, max(step-0.6, 0.8)
		if h := height * float64(b.Rows) / float64(most); b.Rows > 0 {
			fmt.Fprintf(&all, "M%s %sh%sV22h-%[3]sz", at(x), at(height-max(h, 0.7)), at(w))
		}
		if h := height * float64(b.Positive) / float64(most); b.Positive > 0 {
			fmt.Fprintf(&positive, "M%s %sh%sV22h-%[3]sz", at(x), at(height-h), at(w))
		}
	}
	return template.HTML(fmt.Sprintf(`<svg class="spark" viewBox="0 0 96 22" aria-hidden="true"><path class="neg" d="%s"/><path class="pos" d="%s"/></svg>`, all.String(), positive.String())) //nolint:gosec // figures alone
}

// frame of the plots of distributions.
const (
	plotWidth, plotHeight = 460.0, 210.0
	plotLeft, plotRight   = 44.0, 40.0
	plotTop, plotBottom   = 12.0, 34.0
)

// histogram shows the rows of each bin by label, and the positive rate as a line with the scale on the right.
func histogram(c profile.Column) template.HTML {
	h := c.Numbers.Histogram
	d := newDrawing("plot", fmt.Sprintf("Distribution of %s from %s to %s by label, median %s", c.Name, valueOf(c, c.Numbers.Min), valueOf(c, c.Numbers.Max), valueOf(c, c.Numbers.Median)), plotWidth, plotHeight)
	values := h.Bars[0].Value != nil
	low, high := h.From, h.To
	names := func(i int, b profile.Bar) string {
		if values {
			return valueOf(c, *b.Value)
		}
		step := (high - low) / float64(len(h.Bars))
		return valueOf(c, low+float64(i)*step) + " to " + valueOf(c, low+float64(i+1)*step)
	}
	d.stacked(h.Bars, names)
	inner := plotWidth - plotLeft - plotRight
	y := plotHeight - plotBottom + 14
	if values {
		every := (len(h.Bars) + 11) / 12
		for i, b := range h.Bars {
			if i%every == 0 {
				d.text("m", plotLeft+inner*(float64(i)+0.5)/float64(len(h.Bars)), y, tickOf(c, *b.Value))
			}
		}
	} else {
		for _, x := range ticks(low, high) {
			d.text("m", plotLeft+inner*(x-low)/(high-low), y, tickOf(c, x))
		}
	}
	if text := outside(c, h); text != "" {
		d.text("m", plotLeft+inner/2, y+14, text)
	}
	return d.done()
}

// outside says what a histogram leaves out.
func outside(c profile.Column, h profile.Histogram) string {
	var parts []string
	if h.Below > 0 {
		parts = append(parts, fmt.Sprintf("%s rows below, down to %s", thousands(h.Below), valueOf(c, c.Numbers.Min)))
	}
	if h.Above > 0 {
		parts = append(parts, fmt.Sprintf("%s rows above, up to %s", thousands(h.Above), valueOf(c, c.Numbers.Max)))
	}
	return strings.Join(parts, "; ")
}

// minRate is how many labelled rows a bin has whose positive rate is drawn.
const minRate = 20

// stacked draws bars by label and the positive rate.
func (d *drawing) stacked(bars []profile.Bar, name func(int, profile.Bar) string) {
	inner, height := plotWidth-plotLeft-plotRight, plotHeight-plotTop-plotBottom
	most, highest := 1, 0.0
	for _, b := range bars {
		most = max(most, b.Rows)
		if labelled := b.Positive + b.Negative; labelled >= minRate {
			highest = max(highest, float64(b.Positive)/float64(labelled))
		}
	}
	top := nice(float64(most))
	for i := range 3 {
		y := plotTop + height*float64(i)/2
		d.line("grid", plotLeft, y, plotLeft+inner, y)
		d.text("e", plotLeft-5, y+3.5, brief(top*float64(2-i)/2))
	}
	scale := min(nice(highest), 1)
	if highest > 0 {
		for i := range 3 {
			d.text("s rt", plotLeft+inner+5, plotTop+height*float64(i)/2+3.5, fmt.Sprintf("%.3g%%", 100*scale*float64(2-i)/2))
		}
	}
	step := inner / float64(len(bars))
	gap := min(step*0.12, 3)
	var line, dots strings.Builder
	var parts [3]strings.Builder
	for i, b := range bars {
		x, y := plotLeft+float64(i)*step+gap/2, plotTop+height
		labelled := b.Positive + b.Negative
		for k, rows := range []int{b.Positive, b.Negative, b.Rows - labelled} {
			h := height * float64(rows) / top
			y -= h
			box(&parts[k], x, y, step-gap, h)
		}
		if labelled >= minRate && scale > 0 {
			px, py := plotLeft+(float64(i)+0.5)*step, plotTop+height*(1-float64(b.Positive)/float64(labelled)/scale)
			command := "L"
			if line.Len() == 0 {
				command = "M"
			}
			fmt.Fprintf(&line, "%s%s %s", command, at(px), at(py))
			fmt.Fprintf(&dots, "M%s %sh0", at(px), at(py))
		}
	}
	for k, class := range []string{"pos", "neg", "unl"} {
		d.path(class, parts[k].String())
	}
	for i, b := range bars {
		title := fmt.Sprintf("%s: %s rows", name(i, b), thousands(b.Rows))
		if labelled := b.Positive + b.Negative; labelled > 0 {
			title += fmt.Sprintf(", %s positive of %s labelled", percent(b.Positive, labelled), thousands(labelled))
		}
		d.rect("hit", plotLeft+float64(i)*step, plotTop, step, height, title)
	}
	d.path("rate", line.String())
	d.path("dots", dots.String())
}

// ticks are four to nine round numbers of a range.
func ticks(low, high float64) (at []float64) {
	if !(high > low) || math.IsInf(high-low, 0) {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10(high-low)))
	for _, part := range []float64{1, 0.5, 0.2} {
		if (high-low)/(step*part) >= 4 {
			step *= part
			break
		}
	}
	for i := math.Ceil(low / step); i*step <= high && len(at) < 12; i++ {
		at = append(at, i*step)
	}
	return at
}

// nice is a round number at or above x.
func nice(x float64) float64 {
	if !(x > 0) {
		return 0
	}
	unit := 1.0
	for unit*10 <= x {
		unit *= 10
	}
	for unit > x {
		unit /= 10
	}
	for _, step := range []float64{1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10} {
		if unit*step >= x {
			return unit * step
		}
	}
	return unit * 10
}
