package request

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/pipeline"
)

// longestList is how many values a text lists.
const longestList = 20

// Wanted describes what a field takes.
func (f *Field) Wanted() string {
	text := f.Values()
	amount := f.amount()
	switch {
	case amount != "":
		text += ", or an amount such as " + amount
	case f.Type == pipeline.Category && len(f.Clean) > 0:
		text += ", after cleaning"
	case f.Type != pipeline.Category && f.TakesTexts():
		text += ", or a text that is one after cleaning"
	}
	if f.Nullable {
		text += ", or null"
	}
	return text
}

// Values describes the clean values of a field.
func (f *Field) Values() string {
	switch {
	case f.Type == pipeline.Category && len(f.Domain) == 0:
		return fmt.Sprintf("a text of 1 to %d bytes", MaxTextBytes)
	case f.Type == pipeline.Category && len(f.Domain) <= longestList:
		return "one of " + strings.Join(f.Domain, ", ")
	case f.Type == pipeline.Category:
		return "one of the values in /openapi.json"
	case f.Type == pipeline.Boolean:
		return "true or false"
	}
	text := "a number"
	switch f.Type {
	case pipeline.Integer:
		text = "a whole number"
	case pipeline.Decimal:
		text = fmt.Sprintf("a number of at most %d decimal places,", pipeline.DecimalPlaces)
	}
	switch {
	case f.Min != nil && f.Max != nil:
		text += fmt.Sprintf(" from %v to %v", *f.Min, *f.Max)
	case f.Min != nil:
		text += fmt.Sprintf(" of at least %v", *f.Min)
	case f.Max != nil:
		text += fmt.Sprintf(" of at most %v", *f.Max)
	}
	return strings.TrimSuffix(text, ",")
}

// TakesTexts says that a JSON text may be sent: of a category always, of others where a step of cleaning makes something of texts.
func (f *Field) TakesTexts() bool {
	return f.Type == pipeline.Category || slices.ContainsFunc(f.Clean, func(s pipeline.CleanStep) bool {
		switch {
		case s.Clip != nil:
			return false
		case s.Missing != nil:
			return f.Type == pipeline.Boolean || slices.ContainsFunc(s.Missing.Codes, func(code string) bool { return !clean.IsNumber(code) })
		}
		return true
	})
}

// amount is an example of the field's amounts; empty where it takes none.
func (f *Field) amount() string {
	for _, s := range f.Clean {
		if s.Amount != nil {
			thousands, decimal := s.Amount.Separators()
			return s.Amount.Currency + "1" + thousands + "234" + decimal + "50"
		}
	}
	return ""
}

// Cleaning says what becomes of a value that is sent, step by step.
func (f *Field) Cleaning() (steps []string) {
	for _, s := range f.Clean {
		switch {
		case s.Trim != nil:
			steps = append(steps, "white space around it is removed")
		case s.Case != nil:
			steps = append(steps, "it is made "+s.Case.To+" case")
		case s.Map != nil:
			var pairs []string
			for _, from := range slices.Sorted(maps.Keys(s.Map.Values)) {
				pairs = append(pairs, fmt.Sprintf("%q becomes %q", from, s.Map.Values[from]))
			}
			steps = append(steps, some(pairs))
		case s.Missing != nil:
			steps = append(steps, fmt.Sprintf("%s means that it is missing (%s)", some(s.Missing.Codes), s.Missing.Reason))
		case s.Amount != nil:
			steps = append(steps, "it may be an amount such as "+f.amount())
		case s.Clip != nil && s.Clip.Min != nil && s.Clip.Max != nil:
			steps = append(steps, fmt.Sprintf("below %v it is %v, above %v it is %v", *s.Clip.Min, *s.Clip.Min, *s.Clip.Max, *s.Clip.Max))
		case s.Clip != nil && s.Clip.Min != nil:
			steps = append(steps, fmt.Sprintf("below %v it is %v", *s.Clip.Min, *s.Clip.Min))
		case s.Clip != nil:
			steps = append(steps, fmt.Sprintf("above %v it is %v", *s.Clip.Max, *s.Clip.Max))
		}
	}
	return steps
}

// some lists values, the first of very many.
func some(values []string) string {
	if len(values) > longestList {
		return strings.Join(values[:longestList], ", ") + " and so on"
	}
	return strings.Join(values, ", ")
}
