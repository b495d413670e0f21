package pipeline

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// suits checks that a step of values can clean the columns that it names, after the steps before it, which it adds itself to.
func (c *checker) suits(path, kind string, columns typed, step *CleanStep, before map[string][]string) {
	for i, name := range step.Columns() {
		at, earlier := fmt.Sprintf("%s.columns[%d]", path, i), before[name]
		of, known := columns.of(name)
		before[name] = append(earlier, kind)
		switch {
		case !known || !slices.Contains(columnTypes, of): // told already
		case kind != "clip" && slices.Contains(earlier, "clip"):
			c.wrongAt(at, "%s stands after a clip of %q; a clip looks at the number that the other steps have made, and comes last", kind, clip(name))
		case (kind == "date" || kind == "amount") && slices.Contains(earlier, kind):
			c.wrongAt(at, "a second %s of %q; one step reads it, a date with several formats", kind, clip(name))
		case kind == "date" && of != Day:
			c.wrongAt(at, "column %q is %s; a date step cleans a column of the type date, which types declares", clip(name), of.Noun())
		case (kind == "amount" || kind == "clip") && !of.Quantity():
			c.wrongAt(at, "column %q is %s; %s cleans a number, an integer or a decimal", clip(name), of.Noun(), Article(kind))
		case kind == "clip":
			c.clipped(path, of, step.Clip)
		}
	}
}

// clipped: a bound is a value of the column, or a number that is moved to it would be none.
func (c *checker) clipped(path string, of ColumnType, bounds *Clip) {
	for _, bound := range []struct {
		key   string
		value *float64
	}{{"min", bounds.Min}, {"max", bounds.Max}} {
		if bound.value != nil && !Holds(of, *bound.value) {
			c.wrongAt(path+"."+bound.key, "%s is %v, which %s cannot be", bound.key, *bound.value, of.Noun())
		}
	}
}

// Limits of the column types.
const (
	// MaxNumber bounds every number either way, so that no model's arithmetic ends in an infinity.
	MaxNumber = 1e100
	// DecimalPlaces is how many digits after the point a decimal has, of DecimalDigits in all.
	DecimalPlaces = 4
	DecimalDigits = 18
)

// Holds says that a column of a numeric type can have the value.
func Holds(of ColumnType, value float64) bool {
	switch of {
	case Integer:
		return value == math.Trunc(value) && math.Abs(value) < 1<<63
	case Boolean:
		return value == 0 || value == 1
	case Decimal:
		_, fraction, _ := strings.Cut(strconv.FormatFloat(value, 'f', -1, 64), ".")
		return len(fraction) <= DecimalPlaces && math.Abs(value) <= math.Pow10(DecimalDigits-DecimalPlaces)
	}
	return math.Abs(value) <= MaxNumber
}

// mapped: what a map makes of a text must stay as it is, for the platform sends clean rows as requests, which are cleaned again.
func (c *checker) mapped(path string, values map[string]string) {
	if len(values) == 0 {
		c.wrongAt(path, "values is missing; list texts and what they become")
	}
	for _, from := range slices.Sorted(maps.Keys(values)) {
		at, to := path+".values."+from, values[from]
		if from == "" {
			c.wrongAt(at, "an empty text is missing before anything is mapped; missing values have no text")
		}
		if next, ok := values[to]; ok && next != to {
			c.wrongAt(at, "%q becomes %q, which becomes %q itself; write what it ends as, for cleaning what is clean must change nothing", clip(from), clip(to), clip(next))
		}
		c.composed(at, "text", from)
		c.composed(at, "text", to)
	}
}

func (c *checker) dateFormats(path string, d *DateIn) {
	if len(d.Formats) == 0 {
		c.wrongAt(path, "formats is missing; list some such as M/D/YYYY")
	}
	for i, format := range d.Formats {
		if DateTokens(format) == nil {
			c.wrongAt(fmt.Sprintf("%s.formats[%d]", path, i), "format %q; one YYYY or YY, one MMM, MM or M and one DD or D are wanted, such as M/D/YYYY, with separators where M or D can have one digit or two", clip(format))
		}
	}
	if d.Pivot != 0 && (d.Pivot < MinYear || d.Pivot > 2100) {
		c.wrongAt(path+".pivot", "pivot is %d; the first year that YY can mean is wanted, such as 1970", d.Pivot)
	}
}
