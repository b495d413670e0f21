package report

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/performance"
)

// reliabilityView is one reliability diagram with its figures.
type reliabilityView struct {
	Title, Rows, Note string
	Plot              template.HTML
	Figures           *calibrationView
	Bins              []reliabilityRow
}

// reliabilityRow is a bin in the table behind the plot.
type reliabilityRow struct{ Predicted, Observed, Range, Rows string }

// reliabilityViews are the matured rows and those by which the champion was judged, on the same scale. None: neither is measured.
func reliabilityViews(of monitor.Reliability) (views []reliabilityView) {
	if of.Judged.Bins == nil && of.Realised.Bins == nil {
		return nil
	}
	most := max(reach(of.Judged.Bins), reach(of.Realised.Bins))
	for _, side := range []struct {
		title string
		of    performance.Reliability
	}{{"On outcomes since", of.Realised}, {"When it was judged, on the test part", of.Judged}} {
		v := reliabilityView{Title: side.title, Rows: thousands(side.of.Rows), Note: side.of.Note}
		if side.of.Bins != nil {
			v.Plot = drawReliability(side.title, side.of, most)
		}
		if side.of.Calibration != nil {
			v.Figures = calibrationViewOf(*side.of.Calibration)
		}
		for _, b := range side.of.Bins {
			v.Bins = append(v.Bins, reliabilityRow{share(b.Predicted), share(b.Observed.Estimate), between(b.Observed, share), thousands(b.Rows)})
		}
		views = append(views, v)
	}
	return views
}

// reach is how far a scale must go to show the bins: a round figure.
func reach(bins []performance.ReliabilityBin) float64 {
	most := 0.0
	for _, b := range bins {
		most = max(most, b.Predicted, min(b.Observed.Upper, b.Observed.Estimate+0.1))
	}
	return min(1, math.Ceil(20*most)/20)
}

const (
	reliabilityWidth, reliabilityHeight = 480.0, 470.0
	reliabilityLeft, reliabilityRight   = 56.0, 464.0
	reliabilityTop, reliabilityBottom   = 22.0, 362.0 // of the shares
	reliabilityRows, reliabilityFoot    = 380.0, 428.0
)

// drawReliability shows the observed share against the mean score of each bin, with intervals, and below it how many rows have which scores.
func drawReliability(title string, of performance.Reliability, most float64) template.HTML {
	d := newDescribedDrawing("plot reliability", "Reliability diagram: "+strings.ToLower(title[:1])+title[1:], reliabilityWords(of), reliabilityWidth, reliabilityHeight)
	x := func(p float64) float64 {
		return reliabilityLeft + (reliabilityRight-reliabilityLeft)*min(p, most)/most
	}
	y := func(p float64) float64 {
		return reliabilityBottom - (reliabilityBottom-reliabilityTop)*min(p, most)/most
	}
	d.text("s ink h", reliabilityLeft, 12, "observed share of positive labels")
	for _, value := range spaced(ticks(0, most), 6) {
		text := fmt.Sprintf("%.3g %%", 100*value)
		d.line("grid", reliabilityLeft, y(value), reliabilityRight, y(value))
		d.line("grid", x(value), reliabilityTop, x(value), reliabilityFoot)
		d.text("e", reliabilityLeft-6, y(value)+4, text)
		d.text("m", x(value), reliabilityFoot+14, text)
	}
	d.text("e ink h", reliabilityRight, reliabilityFoot+30, "predicted: the score")
	d.line("diagonal", x(0), y(0), x(most), y(most))
	d.reliabilityScores(of.Scores, most, x)
	var joined strings.Builder
	for i, b := range of.Bins {
		fmt.Fprintf(&joined, "%s%s %s", []string{"M", "L"}[min(i, 1)], at(x(b.Predicted)), at(y(b.Observed.Estimate)))
	}
	d.path("joined", joined.String())
	for _, b := range of.Bins {
		class := "calm"
		if apart(b) {
			class = "apart"
		}
		fmt.Fprintf(d, `<path class="ci %s" d="M%s %sV%s"/><circle class="dot %[1]s" cx="%[2]s" cy="%[5]s" r="4.2"/>`, class, at(x(b.Predicted)), at(y(b.Observed.Lower)), at(y(b.Observed.Upper)), at(y(b.Observed.Estimate)))
	}
	for _, b := range of.Bins {
		title := fmt.Sprintf("predicted %s, observed %s (%s), %s", share(b.Predicted), share(b.Observed.Estimate), between(b.Observed, share), counted(b.Rows, "row", "rows"))
		fmt.Fprintf(d, `<path class="bin-hit" d="M%s %sV%s"><title>%s</title></path>`, at(x(b.Predicted)), at(min(y(b.Observed.Upper), y(b.Observed.Estimate)-6)), at(max(y(b.Observed.Lower), y(b.Observed.Estimate)+6)), html.EscapeString(title))
	}
	return d.done()
}

// apart says that a bin's interval does not hold what was predicted.
func apart(b performance.ReliabilityBin) bool {
	return b.Predicted < b.Observed.Lower || b.Predicted > b.Observed.Upper
}

// reliabilityScores is the histogram of the scores. Bars are a multiple of the bins' width; those of fewer than dataset.LeastNamed rows are drawn alike,
// and say no more.
func (d *drawing) reliabilityScores(scores []int, reaching float64, x func(float64) float64) {
	const shown = 25
	width := max(1, int(math.Ceil(reaching*float64(len(scores))/shown)))
	var bars []int
	most := 1
	for from := 0; from < len(scores) && float64(from) < reaching*float64(len(scores)); from += width {
		rows := 0
		for _, n := range scores[from:min(from+width, len(scores))] {
			rows += n
		}
		bars = append(bars, rows)
		most = max(most, rows)
	}
	d.text("e", reliabilityLeft-6, reliabilityRows+8, brief(float64(most)))
	d.text("e", reliabilityLeft-6, reliabilityFoot, "rows")
	for i, rows := range bars {
		if rows == 0 {
			continue
		}
		from, to := float64(i*width)/float64(len(scores)), float64((i+1)*width)/float64(len(scores))
		text := counted(rows, "row", "rows")
		if rows < dataset.LeastNamed {
			rows, text = dataset.LeastNamed, fmt.Sprintf("fewer than %d rows", dataset.LeastNamed)
		}
		high := max(1, (reliabilityFoot-reliabilityRows)*min(1, float64(rows)/float64(most)))
		d.rect("matured", x(from)+0.5, reliabilityFoot-high, x(min(to, reaching))-x(from)-1, high, fmt.Sprintf("scores from %s to %s: %s", share(from), share(min(to, 1)), text))
	}
}

// reliabilityWords say where scores and outcomes are apart.
func reliabilityWords(of performance.Reliability) string {
	var above, below int
	for _, b := range of.Bins {
		switch {
		case b.Predicted < b.Observed.Lower:
			above++
		case b.Predicted > b.Observed.Upper:
			below++
		}
	}
	return fmt.Sprintf("%s by score: in %d more labels are positive than predicted, in %d fewer, beyond the 95 %% interval of each.", counted(len(of.Bins), "group of rows", "groups of rows"), above, below)
}
