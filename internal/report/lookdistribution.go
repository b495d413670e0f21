package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
)

// comparable are the bins in which either side has rows.
func comparable(d monitor.Distribution) (bins []int, most float64) {
	for i := range d.Labels {
		if d.Reference[i] > 0 || d.Fresh[i] > 0 {
			bins = append(bins, i)
			most = max(most, d.Reference[i], d.Fresh[i])
		}
	}
	return bins, most
}

// smallShares are the reference as an area and the fresh rows as a line on it.
func smallShares(r drift.Result, d monitor.Distribution) template.HTML {
	const width, height = 104.0, 28.0
	bins, most := comparable(d)
	if len(bins) == 0 || r.Window.Rows == 0 {
		return ""
	}
	drawn := newDrawing("small", "Shares of "+featureName(r.Name)+": the reference as an area, fresh rows as a line", width, height)
	step := width / float64(len(bins))
	var area, line strings.Builder
	for i, bin := range bins {
		x := float64(i) * step
		box(&area, x, height-(height-2)*d.Reference[bin]/most, step-0.8, (height-2)*d.Reference[bin]/most)
		y := height - 0.8 - (height-2.8)*d.Fresh[bin]/most
		fmt.Fprintf(&line, "M%s %sh%s", at(x), at(y), at(step-0.8))
	}
	drawn.path("ref", area.String())
	drawn.path("now", line.String())
	return drawn.done()
}

// largeShares has for each bin a bar of the reference and one of the fresh rows, and what the bin adds to the PSI.
func largeShares(r drift.Result, d monitor.Distribution) template.HTML {
	const width, left, right, step, top = 540.0, 150.0, 150.0, 24.0, 20.0
	bins, most := comparable(d)
	if len(bins) == 0 {
		return ""
	}
	drawn := newDrawing("plot", "Shares of "+featureName(r.Name)+" by value: reference and fresh rows", width, top+step*float64(len(bins)))
	drawn.text("e", left-8, 11, "value")
	drawn.text("e", width-60, 11, "share")
	drawn.text("e", width, 11, "of the PSI")
	inner, labels := width-left-right, binLabels(r, d.Labels)
	var before, now strings.Builder
	for i, bin := range bins {
		y := top + step*float64(i)
		was, is := d.Reference[bin], d.Fresh[bin]
		box(&before, left, y+2, max(inner*was/most, 0.5), 8)
		box(&now, left, y+11, max(inner*is/most, 0.5), 8)
		drawn.text("e ink", left-8, y+14, shorten(labels[bin]))
		drawn.text("e", width-60, y+14, fmt.Sprintf("%.1f → %.1f %%", 100*was, 100*is))
		part := partOfPSI(was, is, float64(r.Reference.Rows), float64(r.Window.Rows))
		class := "e"
		if part >= drift.Moderate/2 {
			class = "e ink h"
		}
		drawn.text(class, width, y+14, decimals(part))
	}
	drawn.path("ref", before.String())
	drawn.path("now", now.String())
	return drawn.done()
}

// partOfPSI is what a bin adds, an empty one being half a row as in package drift.
func partOfPSI(was, is, rowsBefore, rowsNow float64) float64 {
	if rowsBefore == 0 || rowsNow == 0 {
		return 0
	}
	p, q := max(was, 0.5/rowsBefore), max(is, 0.5/rowsNow)
	return (q - p) * math.Log(q/p)
}

// binLabels write the bounds of bins of numbers as people write numbers. The least and the largest number of the reference are not among them: each is
// one applicant's.
func binLabels(r drift.Result, labels []string) []string {
	if r.Category || len(labels) < 4 {
		return labels
	}
	shown := []string{"below the reference's"}
	within := labels[1 : len(labels)-2]
	for i, label := range within {
		last := i == len(within)-1
		switch {
		case last && i == 0:
			shown = append(shown, "as the reference's")
		case last:
			shown = append(shown, "above "+bound(within[i-1]))
		default:
			shown = append(shown, "up to "+bound(label))
		}
	}
	return append(shown, "above the reference's", "missing")
}

// bound is the number of "to 1.2e+04", for people.
func bound(label string) string {
	text := strings.TrimPrefix(label, "to ")
	if x, err := strconv.ParseFloat(text, 64); err == nil {
		return minus(brief(x))
	}
	return text
}
