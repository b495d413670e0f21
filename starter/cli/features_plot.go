package cli

import (
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/profile"
)

// eighths are a block's parts, from none to all of it: upwards and to the right.
var (
	upwards   = []rune(" ▁▂▃▄▅▆▇█")
	rightward = []rune(" ▏▎▍▌▋▊▉█")
)

// bin is one bar of a distribution in a terminal.
type bin struct {
	name string
	rows int
}

// binsOf are at most so many bars of a described column: of its histogram, neighbours taken together, with what lies outside of it; of texts the most frequent ones and the others.
func binsOf(c profile.Column, rows, most int) []bin {
	var bins []bin
	if c.Numbers == nil {
		others := rows - c.Missing
		for _, value := range c.Top[:min(len(c.Top), most)] {
			bins = append(bins, bin{clipped(value.Text, 24), value.Count})
			others -= value.Count
		}
		if others > 0 {
			bins = append(bins, bin{"other", others})
		}
		return bins
	}
	h := c.Numbers.Histogram
	if h.Below > 0 {
		bins = append(bins, bin{"below", h.Below})
	}
	together := max(1, (len(h.Bars)+most-1)/most)
	step := (h.To - h.From) / float64(max(len(h.Bars), 1))
	for i := 0; i < len(h.Bars); i += together {
		last := min(i+together, len(h.Bars)) - 1
		b := bin{name: written(c, h.From+float64(i)*step) + " to " + written(c, h.From+float64(last+1)*step)}
		if from, to := h.Bars[i].Value, h.Bars[last].Value; from != nil && to != nil {
			if b.name = written(c, *from); i < last {
				b.name += " to " + written(c, *to)
			}
		}
		for _, bar := range h.Bars[i : last+1] {
			b.rows += bar.Rows
		}
		bins = append(bins, b)
	}
	if h.Above > 0 {
		bins = append(bins, bin{"above", h.Above})
	}
	return bins
}

// sparked is the shape of a distribution in so many characters at most.
func sparked(c profile.Column, rows, most int) string {
	bins := binsOf(c, rows, most)
	highest := 1
	for _, b := range bins {
		highest = max(highest, b.rows)
	}
	var line strings.Builder
	for _, b := range bins {
		part := b.rows * 8 / highest
		if b.rows > 0 {
			part = max(part, 1) // what is there is seen
		}
		line.WriteRune(upwards[part])
	}
	return strings.TrimRight(line.String(), " ")
}

// barWidth is how wide the longest bar of a plot is, in characters.
const barWidth = 36

// plotted is a distribution as lines, one for each bar.
func plotted(c profile.Column, rows int) (lines []string) {
	bins := binsOf(c, rows, 12)
	highest, name := 1, 0
	for _, b := range bins {
		highest, name = max(highest, b.rows), max(name, len([]rune(b.name)))
	}
	for _, b := range bins {
		eighths := b.rows * barWidth * 8 / highest
		if b.rows > 0 {
			eighths = max(eighths, 1)
		}
		bar := strings.Repeat(string(rightward[8]), eighths/8)
		if eighths%8 > 0 {
			bar += string(rightward[eighths%8])
		}
		pad := strings.Repeat(" ", name-len([]rune(b.name)))
		lines = append(lines, strings.TrimRight(fmt.Sprintf("  %s%s  %s %s", pad, b.name, bar, profile.Written(dataset.Integer, float64(b.rows))), " "))
	}
	return lines
}

// written is a number as a value of the column.
func written(c profile.Column, x float64) string { return profile.Written(c.Type, x) }
