package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/evaluate"
)

// forest is a scale on which intervals stand one below the other.
type forest struct {
	low, high float64
	marks     []float64 // vertical lines, such as that of no difference
	band      *evaluate.Metric
	write     func(float64) string
}

const forestWidth, forestHeight, forestEdge = 240.0, 22.0, 22.0

// newForest is wide enough for the intervals and the marks. One that reaches more than furthest from its estimate is cut, and has an arrow there.
func newForest(of []evaluate.Metric, furthest float64, write func(float64) string, marks ...float64) forest {
	f := forest{low: math.Inf(1), high: math.Inf(-1), marks: marks, write: write}
	for _, m := range of {
		f.low, f.high = min(f.low, max(m.Lower, m.Estimate-furthest)), max(f.high, min(m.Upper, m.Estimate+furthest))
	}
	for _, x := range marks {
		f.low, f.high = min(f.low, x), max(f.high, x)
	}
	if !(f.high > f.low) {
		f.low, f.high = f.low-1, f.low+1
	}
	room := 0.05 * (f.high - f.low)
	f.low, f.high = f.low-room, f.high+room
	return f
}

func (f forest) x(value float64) float64 {
	return forestEdge + (forestWidth-2*forestEdge)*(min(max(value, f.low), f.high)-f.low)/(f.high-f.low)
}

func (f forest) background(d *drawing, height float64) {
	if f.band != nil {
		d.rect("band", f.x(f.band.Lower), 0, f.x(f.band.Upper)-f.x(f.band.Lower), height, "")
	}
	for _, x := range f.marks {
		d.line("border", f.x(x), 0, f.x(x), height)
	}
}

// row is one interval.
func (f forest) row(m evaluate.Metric, class string) template.HTML {
	text := fmt.Sprintf("%s, 95 %% interval %s", f.write(m.Estimate), between(m, f.write))
	d := newDrawing("forest", text, forestWidth, forestHeight)
	f.background(d, forestHeight)
	const y = forestHeight / 2
	d.line("ci "+class, f.x(m.Lower), y, f.x(m.Upper), y)
	if m.Lower < f.low {
		d.path("ci "+class, fmt.Sprintf("M%s %sl-4 4l4 4", at(f.x(f.low)+4), at(y-4)))
	}
	if m.Upper > f.high {
		d.path("ci "+class, fmt.Sprintf("M%s %sl4 4l-4 4", at(f.x(f.high)-4), at(y-4)))
	}
	fmt.Fprintf(d, `<rect class="dot %s" x="%s" y="%s" width="8" height="8" rx="1.5"><title>%s</title></rect>`, class, at(f.x(m.Estimate)-4), at(y-4), html.EscapeString(text))
	return d.done()
}

// Axis is the scale itself.
func (f forest) Axis() template.HTML {
	d := newDrawing("forest", "scale", forestWidth, 20)
	for _, x := range spaced(ticks(f.low, f.high), 4) {
		d.line("tick", f.x(x), 0, f.x(x), 4)
		d.text("m", f.x(x), 15, f.write(x))
	}
	return d.done()
}

// spaced are about so many of the ticks, evenly spaced, with 0 among them where it is a tick.
func spaced(all []float64, most int) []float64 {
	every := max(1, (len(all)+most-1)/most)
	var some []float64
	for i := max(0, slices.Index(all, 0)) % every; i < len(all); i += every {
		some = append(some, all[i])
	}
	return some
}

// metricOf is a difference as an estimate with its interval.
func metricOf(d evaluate.Difference) evaluate.Metric {
	return evaluate.Metric{Estimate: d.Estimate, Lower: d.Lower, Upper: d.Upper}
}
