package report

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
)

// comparable are the bins in which either side has rows.
func comparable(d monitor.Distribution) (bins []int, most float64) {
	for i := range d.Bins {
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
	inner, labels := width-left-right, binLabels(d.Bins)
	var before, now strings.Builder
	for i, bin := range bins {
		y := top + step*float64(i)
		was, is := d.Reference[bin], d.Fresh[bin]
		box(&before, left, y+2, max(inner*was/most, 0.5), 8)
		box(&now, left, y+11, max(inner*is/most, 0.5), 8)
		drawn.text("e ink", left-8, y+14, shorten(labels[bin]))
		drawn.text("e", width-60, y+14, fmt.Sprintf("%.1f → %.1f %%", 100*was, 100*is))
		part := drift.PartOfPSI(was, is, r.Reference.Rows, r.Window.Rows)
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

// binLabels are the bins in words, bounds of numbers as people write them.
func binLabels(bins []monitor.Bin) []string {
	labels := make([]string, len(bins))
	for i, b := range bins {
		switch first := i == 0 || bins[i-1].Kind != monitor.OfRange; {
		case b.Kind == monitor.OfLevel:
			labels[i] = b.Level
		case b.Kind == monitor.OfRange && b.UpTo != nil:
			labels[i] = "up to " + bound(*b.UpTo)
		case b.Kind == monitor.OfRange && first:
			labels[i] = "as the reference's"
		case b.Kind == monitor.OfRange:
			labels[i] = "above " + bound(*bins[i-1].UpTo)
		default:
			labels[i] = map[monitor.BinKind]string{monitor.OfOthers: "others", monitor.BelowAll: "below the reference's", monitor.AboveAll: "above the reference's", monitor.OfMissing: "missing"}[b.Kind]
		}
	}
	return labels
}

func bound(x float64) string { return minus(brief(x)) }
