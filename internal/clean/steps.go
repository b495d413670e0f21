package clean

import (
	"maps"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// step makes another text of a text; an empty one is missing, for the reason.
type step struct {
	apply  func(text string) (string, Fault)
	reason string
}

// newStep compiles the steps that look at texts alone.
func newStep(s *pipeline.CleanStep) (step, error) {
	switch {
	case s.Trim != nil:
		return plain(strings.TrimSpace), nil
	case s.Case != nil && s.Case.To == "lower":
		return plain(strings.ToLower), nil
	case s.Case != nil && s.Case.To == "upper":
		return plain(strings.ToUpper), nil
	case s.Map != nil:
		return newMap(s.Map.Values), nil
	case s.Missing != nil:
		return newCodes(s.Missing), nil
	}
	return step{}, fault.New(fault.Invalid, "no step that cleans values")
}

// plain is a step that takes every text.
func plain(change func(string) string) step {
	return step{apply: func(text string) (string, Fault) { return change(text), None }}
}

// newMap replaces the texts that it lists. They are written in the composed form, as the text that they are held against.
func newMap(spec map[string]string) step {
	values := make(map[string]string, len(spec))
	for _, from := range slices.Sorted(maps.Keys(spec)) {
		values[composed(from)] = composed(spec[from])
	}
	return plain(func(text string) string {
		if to, ok := values[text]; ok {
			return to
		}
		return text
	})
}

// newCodes makes codes missing: a text that is one of them, or a number that is one of those that are numbers.
func newCodes(spec *pipeline.Codes) step {
	texts := make([]string, len(spec.Codes))
	var numbers []digits
	for i, code := range spec.Codes {
		texts[i] = composed(code)
		if d, ok := scan(code); ok && d.exact {
			numbers = append(numbers, d.reduced())
		}
	}
	is := func(text string) bool {
		if slices.Contains(texts, text) {
			return true
		}
		if len(numbers) == 0 {
			return false
		}
		d, ok := scan(text)
		return ok && d.exact && slices.Contains(numbers, d.reduced())
	}
	return step{reason: spec.Reason, apply: func(text string) (string, Fault) {
		if is(text) {
			return "", None
		}
		return text, None
	}}
}
