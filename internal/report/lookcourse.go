package report

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/loanops/loanops/internal/drift"
)

// sparkOfPSI is the PSI over the looks in a few pixels, with the border of the moderate band.
func sparkOfPSI(values []*drift.Statistic) template.HTML {
	const width, height = 104.0, 24.0
	if len(values) < 2 {
		return ""
	}
	top := topOfPSI(values)
	d := newDrawing("small", "PSI over the looks", width, height)
	y := func(psi float64) float64 { return height - 3 - (height-6)*psi/top }
	d.line("border", 0, y(drift.Moderate), width, y(drift.Moderate))
	x := func(i int) float64 { return 3 + (width-6)*float64(i)/float64(len(values)-1) }
	d.path("psi", pathOf(values, x, y))
	if last := values[len(values)-1]; last != nil {
		fmt.Fprintf(d, `<circle class="%s" cx="%s" cy="%s" r="2.6"/>`, bandOf(last.Value), at(x(len(values)-1)), at(y(last.Value)))
	}
	return d.done()
}

func topOfPSI(values []*drift.Statistic) float64 {
	top := 0.3
	for _, s := range values {
		if s != nil {
			top = max(top, s.Value)
		}
	}
	return top
}

// pathOf joins what was measured; a gap stays one, and a point alone is a dot.
func pathOf(values []*drift.Statistic, x func(int) float64, y func(float64) float64) string {
	var path strings.Builder
	drawing := false
	for i, s := range values {
		if s == nil {
			drawing = false
			continue
		}
		command := "M"
		if drawing {
			command = "L"
		}
		fmt.Fprintf(&path, "%s%s %s", command, at(x(i)), at(y(s.Value)))
		if !drawing && (i+1 == len(values) || values[i+1] == nil) {
			path.WriteString("h0")
		}
		drawing = true
	}
	return path.String()
}

// courseOfPSI is the same, large enough to be read: with its lower bounds, the bands, and where the champion changed.
func courseOfPSI(name string, values []*drift.Statistic, looks past) template.HTML {
	const width, height, left, right, top, bottom = 540.0, 170.0, 40.0, 64.0, 20.0, 22.0
	if len(values) < 2 {
		return ""
	}
	most := nice(topOfPSI(values))
	d := newDrawing("plot", fmt.Sprintf("PSI of %s over %d looks", name, len(values)), width, height)
	inner := width - left - right
	x := func(i int) float64 { return left + inner*(float64(i)+0.5)/float64(len(values)) }
	y := func(psi float64) float64 { return top + (height-top-bottom)*(1-psi/most) }
	d.text("e ink", left-6, 11, "PSI")
	for i := range 3 {
		value := most * float64(i) / 2
		d.line("grid", left, y(value), width-right, y(value))
		d.text("e", left-6, y(value)+3.5, number(value))
	}
	for _, border := range []struct {
		at   float64
		name string
	}{{drift.Moderate, "moderate"}, {drift.Major, "major"}} {
		d.line("border", left, y(border.at), width-right, y(border.at))
		if y(drift.Moderate)-y(drift.Major) > 10 || border.at == drift.Major {
			d.text("s", width-right+5, y(border.at)+3.5, border.name)
		}
	}
	for _, i := range looks.changes() {
		d.line("change", x(i)-inner/float64(2*len(values)), top, x(i)-inner/float64(2*len(values)), height-bottom)
	}
	lower := make([]*drift.Statistic, len(values))
	for i, s := range values {
		if s != nil {
			lower[i] = &drift.Statistic{Value: s.Lower}
		}
	}
	d.path("psi bound-line", pathOf(lower, x, y))
	d.path("psi", pathOf(values, x, y))
	d.WriteString(`<g class="hits">`)
	for i, s := range values {
		if s != nil {
			title := fmt.Sprintf("%s: %s, at least %s", looks[i].AsOf, decimals(s.Value), decimals(s.Lower))
			d.area("", x(i)-inner/float64(2*len(values)), top, inner/float64(len(values)), height-top-bottom, title)
		}
	}
	d.WriteString("</g>")
	every := (len(looks)*66 + int(inner) - 1) / int(inner)
	for i := len(looks) - 1; i >= 0; i -= every {
		d.text("m", x(i), height-6, looks[i].AsOf)
	}
	return d.done()
}
