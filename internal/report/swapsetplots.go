package report

import (
	"fmt"
	"html/template"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/swapset"
)

// shades are the classes of a cell's rows, by their lower bounds.
var shades = []struct {
	from int
	fill color.RGBA
}{
	{swapset.MinCell, color.RGBA{R: 205, G: 222, B: 240, A: 255}},
	{30, color.RGBA{R: 139, G: 178, B: 217, A: 255}},
	{100, color.RGBA{R: 66, G: 124, B: 184, A: 255}},
	{300, color.RGBA{R: 15, G: 58, B: 104, A: 255}},
}

type keyView struct{ Colour, Text string }

// gridKey explains the shades.
func gridKey() []keyView {
	key := make([]keyView, len(shades))
	for i, shade := range shades {
		key[i] = keyView{fmt.Sprintf("#%02x%02x%02x", shade.fill.R, shade.fill.G, shade.fill.B), fmt.Sprintf("from %d rows", shade.from)}
	}
	return key
}

// gridPlot is the rows by both scores, which mean the same, with both cutoffs: what lies between them and off the diagonal changes its verdict.
func gridPlot(champion, challenger Contender, grid []swapset.Cell) (template.HTML, error) {
	p, err := unit("champion's score", "challenger's score")
	if err != nil {
		return "", err
	}
	squares := make([][]plotter.XYer, len(shades))
	top := 0
	for _, cell := range grid {
		class := 0
		for class+1 < len(shades) && cell.Rows >= shades[class+1].from {
			class++
		}
		squares[class] = append(squares[class], square(cell.Champion, cell.Challenger))
		top = max(top, cell.Champion+1, cell.Challenger+1)
	}
	for class, shade := range shades {
		if len(squares[class]) == 0 {
			continue
		}
		polygon, err := plotter.NewPolygon(squares[class]...)
		if err != nil {
			return "", fmt.Errorf("plot: %w", err)
		}
		polygon.Color, polygon.Width = shade.fill, 0
		p.Add(polygon)
	}
	before, after := champion.Policy.Cutoff, challenger.Policy.Cutoff
	end := math.Min(1, math.Max(float64(top)/swapset.GridCells, math.Max(before, after)+0.1))
	p.X.Max, p.Y.Max = end, end
	for _, cutoff := range []plotter.XYs{{{X: before, Y: 0}, {X: before, Y: end}}, {{X: 0, Y: after}, {X: end, Y: after}}} {
		l, err := line(cutoff, amber, vg.Points(1.5))
		if err != nil {
			return "", err
		}
		l.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
		p.Add(l)
	}
	below, above := "swapped in", "swapped out"
	if challenger.Meaning == pipeline.MeaningApproval {
		below, above = above, below
	}
	labels, err := plotter.NewLabels(plotter.XYLabels{
		XYs:    plotter.XYs{{X: end, Y: 0.02 * end}, {X: 0.02 * end, Y: end}},
		Labels: []string{below, above},
	})
	if err != nil {
		return "", fmt.Errorf("plot: %w", err)
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].Font = p.X.Label.TextStyle.Font
	}
	labels.TextStyle[0].XAlign, labels.TextStyle[1].YAlign = -1, -1
	p.Add(labels)
	return svg(p, 380, 360, fmt.Sprintf("rows by the champion's and the challenger's score, with cutoffs %s and %s", number(before), number(after)))
}

func square(x, y int) plotter.XYs {
	at := func(cell int) float64 { return float64(cell) / swapset.GridCells }
	return plotter.XYs{{X: at(x), Y: at(y)}, {X: at(x + 1), Y: at(y)}, {X: at(x + 1), Y: at(y + 1)}, {X: at(x), Y: at(y + 1)}}
}

// swapPlot has a bar to the right for the share that is swapped in and one to the left for the share that is swapped out.
func swapPlot(segment swapset.Segment) (template.HTML, error) {
	n := len(segment.Values)
	in, out, names := make([]float64, n), make([]float64, n), make([]string, n)
	for i, v := range segment.Values {
		// Bars grow from the bottom; the order is the table's.
		at := n - 1 - i
		in[at], out[at], names[at] = 100*v.SwappedIn.Rows.Estimate, -100*v.SwappedOut.Rows.Estimate, shorten(segmentName(v))
	}
	p := newPlot("% of the segment's rows: swapped out to the left, swapped in to the right", "")
	most := 1.0
	for i := range in {
		most = max(most, 1.1*in[i], -1.1*out[i])
	}
	for _, of := range []struct {
		values []float64
		fill   color.Color
	}{{in, blue}, {out, amber}} {
		chart, err := bars(of.values, of.fill, 0, vg.Points(9))
		if err != nil {
			return "", err
		}
		chart.Horizontal = true
		p.Add(chart)
	}
	p.X.Min, p.X.Max = -most, most
	p.X.Tick.Marker = plot.TickerFunc(func(low, high float64) []plot.Tick {
		ticks := readableTicks(low, high)
		for i := range ticks {
			if !ticks[i].IsMinor() {
				ticks[i].Label = number(math.Abs(ticks[i].Value))
			}
		}
		return ticks
	})
	p.NominalY(names...)
	return svg(p, 520, vg.Length(50+16*n), "shares swapped in and out by "+segment.Column)
}
