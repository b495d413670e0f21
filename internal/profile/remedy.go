package profile

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// leaveOut moves features to ignore.
func leaveOut(columns []*Column) string {
	return "# take these out of columns\nignore: [" + names(columns) + "]\n"
}

// accept states the share that may be missing.
func accept(columns []*Column, rows int) string {
	text := "# in the entries of these columns\ncolumns:\n"
	for _, c := range columns {
		most := pipeline.MissingMaxFor(float64(c.Missing) / float64(rows))
		text += fmt.Sprintf("  - {name: %s, type: %s, missing_max: %s}\n", quoted(c.Name), specType(c), figure(most))
	}
	return text
}

// missingCode makes a code missing, and lets as many values be.
func missingCode(columns []*Column, value float64, rows int) string {
	text := fmt.Sprintf("clean:\n  - missing: {columns: [%s], codes: [%q], reason: \"say what %s means\"}\n", names(columns), figure(value), figure(value))
	text += "# in the entries of these columns\ncolumns:\n"
	for _, c := range columns {
		missing := c.Missing
		for _, code := range c.Numbers.Codes {
			missing += code.Rows // any other one is told as well
		}
		text += fmt.Sprintf("  - {name: %s, type: %s, missing_max: %s}\n", quoted(c.Name), specType(c), figure(pipeline.MissingMaxFor(float64(missing)/float64(rows))))
	}
	return text
}

// clip moves the tails of numbers to the percentiles, on the sides that have one.
func clip(columns []*Column) string {
	text := "# after the other steps of these columns, before those that look at the table\nclean:\n"
	steps := 0
	for _, c := range columns {
		n, bounds := c.Numbers, []string{}
		if c.Type == dataset.Boolean || c.Type == dataset.Date || c.Type == dataset.Timestamp {
			continue
		}
		width := n.Q99 - n.Q01
		if n.Q01-n.Min > width && len(n.Codes) == 0 {
			bounds = append(bounds, "min: "+bound(c, n.Q01, math.Floor))
		}
		if n.Max-n.Q99 > width || len(bounds) == 0 {
			bounds = append(bounds, "max: "+bound(c, n.Q99, math.Ceil))
		}
		text += fmt.Sprintf("  - clip: {columns: [%s], %s}\n", quoted(c.Name), strings.Join(bounds, ", "))
		steps++
	}
	if steps == 0 {
		return ""
	}
	return text
}

// bound is a value that the column's type can have.
func bound(c *Column, x float64, round func(float64) float64) string {
	switch c.Type {
	case dataset.Integer:
		x = round(x)
	case dataset.Decimal:
		x = round(x*100) / 100
	}
	return figure(x)
}

// specType is the type of a feature as a spec says it.
func specType(c *Column) string {
	if c.Type == dataset.Text {
		return "category"
	}
	return c.Type.String()
}

func names(columns []*Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = quoted(c.Name)
	}
	return strings.Join(list, ", ")
}

// quoted is a name as YAML, whatever is in it: Go's escapes are among those of YAML's double-quoted texts.
func quoted(name string) string { return strconv.Quote(name) }

// figure writes a number with all of its digits and no exponent where that is short.
func figure(x float64) string {
	if size := math.Abs(x); size != 0 && (size >= 1e15 || size < 1e-6) {
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}
