package report

import (
	"fmt"
	"html/template"

	"github.com/loanops/loanops/internal/profile"
)

// shownBars are the texts of a column as bars.
type shownBars struct {
	names []string
	bars  []profile.Bar
}

// textBars are a column's bins by label, or without labels its most frequent texts and the others.
func textBars(c profile.Column, rows int) (s shownBars) {
	if c.ByLabel != nil {
		for _, b := range c.ByLabel.Bins {
			s.names = append(s.names, binName(c, b))
			s.bars = append(s.bars, profile.Bar{Rows: b.Rows, Negative: b.Labelled - b.Positive, Positive: b.Positive})
		}
		return s
	}
	others := rows - c.Missing
	for _, v := range c.Top {
		s.names, s.bars = append(s.names, shorten(v.Text)), append(s.bars, profile.Bar{Rows: v.Count})
		others -= v.Count
	}
	if others > 0 {
		s.names, s.bars = append(s.names, "other"), append(s.bars, profile.Bar{Rows: others})
	}
	return s
}

// levels are bars of texts, one below the other, with the positive rate as a dot on the scale of all rows.
func levels(c profile.Column, s shownBars) template.HTML {
	const left, right, step, top = 150.0, 76.0, 21.0, 6.0
	inner := plotWidth - left - right
	d := newDrawing("plot", "Most frequent values of "+c.Name+" by label", plotWidth, top*2+step*float64(len(s.bars)))
	most := 1
	for _, b := range s.bars {
		most = max(most, b.Rows)
	}
	for i, b := range s.bars {
		y, x := top+float64(i)*step, left
		labelled := b.Positive + b.Negative
		d.text("e", left-8, y+14, s.names[i])
		title := fmt.Sprintf("%s: %s rows", s.names[i], thousands(b.Rows))
		note := thousands(b.Rows)
		if labelled > 0 {
			title += fmt.Sprintf(", %s positive of %s labelled", percent(b.Positive, labelled), thousands(labelled))
			note = percent(b.Positive, labelled)
		}
		unlabelled := "unl"
		if c.ByLabel == nil { // there are no labels beside these
			unlabelled = "calm"
		}
		for _, part := range []struct {
			class string
			rows  int
		}{{"pos", b.Positive}, {"neg", b.Negative}, {unlabelled, b.Rows - labelled}} {
			w := inner * float64(part.rows) / float64(most)
			d.rect(part.class, x, y+3, w, step-6, "")
			x += w
		}
		d.text("s rt", x+6, y+14, note)
		d.rect("hit", 0, y, plotWidth, step, title)
	}
	return d.done()
}
