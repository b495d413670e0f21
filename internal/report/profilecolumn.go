package report

import (
	"fmt"
	"html/template"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/profile"
)

// columnView is a row of the table of columns and what unfolds below it.
type columnView struct {
	profile.Column
	At                              int // its place in the data
	Kind, Share, Different, IV, PSI string
	MissingWidth, IVWidth           string // percent of the space
	SortMissing, SortIV, SortPSI    string
	Spark, Distribution, Course     template.HTML
	Marks                           []markView
	Facts                           [][2]string
	Bins                            []binView
	Chance                          string
}

// binView is a row of the table of weights of evidence.
type binView struct {
	Name, Rows, Share, Rate, WOE, IV string
	Width, RateWidth                 string
	Left, Right                      string // of the bar of the WOE, either side of 0
	Missing                          bool
}

func newColumnView(p profile.Profile, at int, marks []markView) columnView {
	c := p.Columns[at]
	v := columnView{
		Column: c, At: at, Kind: c.Type.String(), Different: thousands(c.Distinct), Marks: marks, Share: percent(c.Missing, p.Rows), IV: "–", PSI: "–",
		SortIV: "-1", SortPSI: "-1", SortMissing: fmt.Sprint(c.Missing), MissingWidth: width(float64(c.Missing), float64(p.Rows)), Facts: facts(c, p.Rows),
	}
	if c.ByLabel != nil {
		v.IV, v.SortIV, v.Chance = fmt.Sprintf("%.3f", c.ByLabel.IV), fmt.Sprintf("%.6f", c.ByLabel.IV), fmt.Sprintf("%.3f", c.ByLabel.Chance)
		v.IVWidth = width(min(c.ByLabel.IV, 1), 1)
		v.Bins = binViews(c, p.Rows)
	}
	if c.Stability != nil {
		if c.Stability.PSI != nil {
			v.PSI, v.SortPSI = fmt.Sprintf("%.3f", *c.Stability.PSI), fmt.Sprintf("%.6f", *c.Stability.PSI)
		}
		v.Course = course(c, p.Periods)
	}
	switch {
	case c.Numbers != nil:
		v.Spark, v.Distribution = spark(c.Numbers.Histogram.Bars), histogram(c)
	case len(c.Top) > 0:
		shown := textBars(c, p.Rows)
		v.Spark, v.Distribution = spark(shown.bars), levels(c, shown)
	}
	return v
}

// facts are the figures of a column.
func facts(c profile.Column, rows int) [][2]string {
	out := [][2]string{{"distinct", thousands(c.Distinct)}, {"missing", thousands(c.Missing) + " (" + percent(c.Missing, rows) + ")"}}
	n := c.Numbers
	if n == nil {
		if !c.Numeric && len(c.Top) == 0 && c.Distinct > 0 {
			out = append(out, [2]string{"values", "too many or too rare to show"})
		}
		return out
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"min", n.Min}, {"1 %", n.Q01}, {"5 %", n.Q05}, {"25 %", n.Q25}, {"median", n.Median}, {"75 %", n.Q75}, {"95 %", n.Q95}, {"99 %", n.Q99}, {"max", n.Max}} {
		out = append(out, [2]string{f.name, valueOf(c, f.value)})
	}
	if c.Type != dataset.Date && c.Type != dataset.Timestamp {
		out = append(out, [2]string{"mean", short(n.Mean)}, [2]string{"standard deviation", short(n.SD)}, [2]string{"skewness", fmt.Sprintf("%.2f", n.Skewness)},
			[2]string{"zeros", thousands(n.Zeros)}, [2]string{"negative", thousands(n.Negatives)})
	}
	for _, code := range n.Codes {
		out = append(out, [2]string{"code " + valueOf(c, code.Value), thousands(code.Rows) + " rows"})
	}
	return out
}

func binViews(c profile.Column, rows int) []binView {
	most, largest, highest := 0.0, 1e-9, 1e-9
	for _, b := range c.ByLabel.Bins {
		most, largest = max(most, float64(b.Rows)), max(largest, b.WOE, -b.WOE)
		if b.Rate != nil {
			highest = max(highest, *b.Rate)
		}
	}
	var out []binView
	for _, b := range c.ByLabel.Bins {
		v := binView{
			Name: binName(c, b), Rows: thousands(b.Rows), Share: percent(b.Rows, rows), Rate: "–", WOE: fmt.Sprintf("%+.3f", b.WOE), IV: fmt.Sprintf("%.4f", b.IV),
			Width: width(float64(b.Rows), most), RateWidth: "0", Left: width(max(-b.WOE, 0), 2*largest), Right: width(max(b.WOE, 0), 2*largest),
			Missing: b.Kind == profile.BinMissing,
		}
		if b.Rate != nil {
			v.Rate, v.RateWidth = fmt.Sprintf("%.1f %%", 100**b.Rate), width(*b.Rate, highest)
		}
		out = append(out, v)
	}
	return out
}

func binName(c profile.Column, b profile.Bin) string {
	switch {
	case b.Kind == profile.BinText:
		return shorten(b.Text)
	case b.From == nil:
		return string(b.Kind)
	case *b.From == *b.To:
		return valueOf(c, *b.From)
	}
	return valueOf(c, *b.From) + " – " + valueOf(c, *b.To)
}
