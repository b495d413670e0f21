package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
)

// heatMap is the lower half of a square of figures from -1 to 1. Each name stands where its row meets its column, and is that of both.
func heatMap(title string, names []string, values [][]*float64) template.HTML {
	n := float64(len(names))
	cell := min(40, max(14, 700/n))
	const room = 190.0
	d := newDrawing("map", fmt.Sprintf("%s: a map of %d columns", title, len(names)), n*cell+room, n*cell+4)
	figures := cell >= 30
	for i, row := range values {
		y := float64(i) * cell
		for j, value := range row {
			if value == nil {
				continue
			}
			class := "up"
			if *value < 0 {
				class = "down"
			}
			fmt.Fprintf(d, `<rect class="%s" x="%s" y="%s" width="%s" height="%[4]s" fill-opacity="%s"><title>%s, %s: %.2f</title></rect>`, class, at(float64(j)*cell), at(y), at(cell-1),
				fmt.Sprintf("%.2g", math.Abs(*value)), html.EscapeString(names[i]), html.EscapeString(names[j]), *value)
			if figures {
				d.text("m f", (float64(j)+0.5)*cell, y+cell/2+3.5, fmt.Sprintf("%.2f", *value+0))
			}
		}
		d.rect("self", float64(i)*cell, y, cell-1, cell-1, "")
		d.text("s", float64(i+1)*cell+4, y+cell/2+4, shorten(names[i]))
	}
	return d.done()
}
