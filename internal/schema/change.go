package schema

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/pipeline"
)

// Aspect is what of a column, or of the whole, is another.
type Aspect string

// The aspects.
const (
	Added       Aspect = "added"   // the column is new
	Removed     Aspect = "removed" // the column is gone
	Type        Aspect = "type"
	Unit        Aspect = "unit"
	Domain      Aspect = "domain"
	Range       Aspect = "range"
	MissingMax  Aspect = "missing_max"
	Known       Aspect = "known"
	Meaning     Aspect = "meaning" // of the label: its column, and what a high score says
	LabelValues Aspect = "values"  // of the label: which one is positive; what that does to verdicts a delivery predicts, and judges
	Maturity    Aspect = "maturity"
	Role        Aspect = "role" // which columns are entity, time, protected, ignored
	Cleaning    Aspect = "cleaning"
	Lookup      Aspect = "lookup" // what of the feature store a column is, or what it is computed by: all rows are looked up anew
)

// Change is one difference between two schemas.
type Change struct {
	Column string `json:"column"` // empty where it is not about one
	Aspect Aspect `json:"aspect"`
	// From and To are for people at a terminal; they may hold values of a domain.
	From string `json:"from"`
	To   string `json:"to"`
	// Breaking says that what was learned from old data may be wrong for new: a person accepts it, or nothing is trained.
	Breaking bool `json:"breaking"`
	// words is the change without values.
	words string
}

// Words tell the change without a value of the data: for the registry, histories and logs.
func (c Change) Words() string {
	if c.Column == "" {
		return c.words
	}
	return fmt.Sprintf("column %q: %s", c.Column, c.words)
}

// Words tell changes without values.
func Words(changes []Change) []string {
	words := make([]string, len(changes))
	for i, c := range changes {
		words[i] = c.Words()
	}
	return words
}

// Diff lists what changes from one schema to the next, in the order of the columns.
func Diff(from, to Schema) []Change {
	changes := whole(from, to)
	for _, c := range to.Columns {
		if i := from.index(c.Name); i >= 0 {
			changes = append(changes, column(from.Columns[i], c)...)
		} else {
			changes = append(changes, Change{Column: c.Name, Aspect: Added, To: string(c.Type), words: "added as " + c.Type.Noun()})
		}
	}
	for _, c := range from.Columns {
		if to.index(c.Name) < 0 {
			changes = append(changes, Change{Column: c.Name, Aspect: Removed, From: string(c.Type), words: "removed"})
		}
	}
	return changes
}

// whole compares what is not about one feature.
func whole(from, to Schema) (changes []Change) {
	if was, is := meaning(from.Label), meaning(to.Label); was != is {
		changes = append(changes, Change{Aspect: Meaning, From: was, To: is, words: "the label has another meaning", Breaking: true})
	}
	if was, is := labels(from.Label), labels(to.Label); was != is {
		changes = append(changes, Change{Aspect: LabelValues, From: was, To: is, words: "other values of the label are positive and negative"})
	}
	if was, is := from.Label.MaturesAfterDays, to.Label.MaturesAfterDays; was != is {
		changes = append(changes, Change{
			Aspect: Maturity, From: strconv.Itoa(was), To: strconv.Itoa(is), words: fmt.Sprintf("labels are final after %d days, no longer %d", is, was),
		})
	}
	if was, is := roles(from), roles(to); was != is {
		changes = append(changes, Change{Aspect: Role, From: was, To: is, words: "other columns are entity, time, protected or ignored"})
	}
	if !reflect.DeepEqual(from.Clean, to.Clean) || !reflect.DeepEqual(from.Types, to.Types) {
		changes = append(changes, Change{Aspect: Cleaning, words: "values are cleaned otherwise"})
	}
	if !reflect.DeepEqual(from.Store, to.Store) {
		changes = append(changes, Change{Aspect: Lookup, words: "features that are not known are answered for otherwise"})
	}
	if !reflect.DeepEqual(from.Inputs, to.Inputs) {
		changes = append(changes, Change{Aspect: Lookup, words: "columns are computed of other features"})
	}
	return changes
}

func meaning(l pipeline.Label) string {
	return fmt.Sprintf("%s (%s)", l.Column, l.Meaning)
}

func labels(l pipeline.Label) string {
	return fmt.Sprintf("%q is positive, %q negative", l.Positive, l.Negative)
}

func roles(s Schema) string {
	return fmt.Sprintf("entity %s, time %s, protected [%s], ignore [%s]", s.Entity, s.Time, strings.Join(s.Protected, " "), strings.Join(s.Ignore, " "))
}

// column compares what two schemas say of one feature.
func column(from, to pipeline.Column) (changes []Change) {
	differ := func(aspect Aspect, breaking bool, was, is, words string) {
		if was != is {
			changes = append(changes, Change{Column: to.Name, Aspect: aspect, From: was, To: is, Breaking: breaking, words: words})
		}
	}
	differ(Type, true, string(from.Type), string(to.Type), fmt.Sprintf("%s becomes %s", from.Type, to.Type))
	differ(Unit, true, from.Unit, to.Unit, fmt.Sprintf("its unit is %q, no longer %q", to.Unit, from.Unit))
	differ(Domain, false, domainText(from.Domain), domainText(to.Domain), domainWords(from.Domain, to.Domain))
	differ(Range, false, rangeText(from), rangeText(to), rangeWords(from, to))
	differ(MissingMax, false, number(from.MissingMax), number(to.MissingMax), fmt.Sprintf("missing_max is %v, no longer %v", to.MissingMax, from.MissingMax))
	differ(Known, false, from.Known, to.Known, "it is known at another time")
	differ(Lookup, false, lookup(from), lookup(to), fmt.Sprintf("it is %s, no longer %s", lookup(to), lookup(from)))
	return changes
}

// lookup says where the values of a column come from.
func lookup(c pipeline.Column) string {
	switch {
	case c.Expression != "":
		return "computed as " + c.Expression
	case c.Feature != "":
		keys := make([]string, 0, len(c.Keys))
		for _, key := range slices.Sorted(maps.Keys(c.Keys)) {
			keys = append(keys, key+" "+c.Keys[key])
		}
		text := fmt.Sprintf("%s by %s", c.Feature, strings.Join(keys, ", "))
		if c.Default != "" {
			text += ", by default " + c.Default
		}
		return text
	}
	return "of the source"
}

func domainText(values []string) string {
	if len(values) == 0 {
		return "any text"
	}
	return strings.Join(values, ", ")
}

func domainWords(from, to []string) string {
	if len(from) == 0 || len(to) == 0 {
		return fmt.Sprintf("its domain has %d categories, no longer %d (0 is any text)", len(to), len(from))
	}
	return strings.Join(slices.DeleteFunc([]string{
		count(beyond(to, from), "new"), count(beyond(from, to), "removed"),
	}, func(text string) bool { return text == "" }), ", ")
}

func count(n int, what string) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "1 " + what + " category"
	}
	return fmt.Sprintf("%d %s categories", n, what)
}

// beyond counts the values that are not among others.
func beyond(values, others []string) (n int) {
	for _, value := range values {
		if !slices.Contains(others, value) {
			n++
		}
	}
	return n
}

// Admitted tells which values a column may hold, for people at a terminal.
func Admitted(c pipeline.Column) string {
	if c.Type == pipeline.Category {
		return domainText(c.Domain)
	}
	return rangeText(c)
}

func rangeText(c pipeline.Column) string { return bound(c.Min, "any") + " to " + bound(c.Max, "any") }

func rangeWords(from, to pipeline.Column) string {
	if below(to.Min, from.Min) || below(from.Max, to.Max) {
		return "a wider range"
	}
	return "another range"
}

// below reports whether one bound is further down than another where there are both.
func below(a, b *float64) bool { return a != nil && b != nil && *a < *b }

func bound(x *float64, none string) string {
	if x == nil {
		return none
	}
	return number(*x)
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
