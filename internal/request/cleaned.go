package request

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/pipeline"
)

// recleaned says how cleaning that changed may make a good request a bad one; empty where it cannot. Steps must stay as they were, in their
// order; what was added must leave good requests good, whatever is cleaned after it:
//
//   - numbers and booleans that took no texts: trim, case, and amounts with a point, none of which changes a JSON number or boolean;
//   - a map, or further texts in one: each text that was good must become one that is;
//   - missing, or further codes in it: missing must be allowed, or the codes refused before;
//   - a clip that moves no number across the bounds.
func recleaned(was, is *Field) string {
	if len(was.Clean) == 0 && len(was.Domain) > 0 && len(is.Clean) > 0 {
		return refused(was.Domain, is)
	}
	i := 0
	for j := range is.Clean {
		step := &is.Clean[j]
		switch {
		case i < len(was.Clean) && same(&was.Clean[i], step):
			i++
		case i < len(was.Clean) && within(&was.Clean[i], step) && spares(was, i+1, is, j, &was.Clean[i]):
			i++
		case !spares(was, i, is, j, &pipeline.CleanStep{}):
			return "is cleaned otherwise: what was good may not be any more"
		}
	}
	if i < len(was.Clean) {
		return "is cleaned otherwise: what was good may not be any more"
	}
	return ""
}

// CleanedOtherwise names the fields, in their order, that the spec's steps clean otherwise than the contract's own: in rows that were cleaned by the
// spec they do not hold what a request under the contract would come to.
func (c *Contract) CleanedOtherwise(spec pipeline.Spec) (names []string) {
	for i := range c.Fields {
		f := &c.Fields[i]
		if !slices.EqualFunc(f.Clean, cleaningOf(spec.Clean, f.Name), func(a, b pipeline.CleanStep) bool { return same(&a, &b) }) {
			names = append(names, f.Name)
		}
	}
	return names
}

// refused says which of the texts that were good are not any more.
func refused(texts []string, is *Field) string {
	reader, err := NewReader(*is)
	if err != nil {
		return err.Error()
	}
	return takenNoMore(slices.DeleteFunc(slices.Clone(texts), func(text string) bool {
		raw, err := json.Marshal(text)
		_, complaint := reader.Read(raw)
		return err == nil && complaint.Rule == ""
	}))
}

// same compares two steps; why a code means missing is for people.
func same(a, b *pipeline.CleanStep) bool {
	if a.Missing != nil && b.Missing != nil {
		return slices.Equal(a.Missing.Codes, b.Missing.Codes)
	}
	return reflect.DeepEqual(a, b)
}

// within says that a map or the codes of was are all in is.
func within(was, is *pipeline.CleanStep) bool {
	switch {
	case was.Map != nil && is.Map != nil:
		for from, to := range was.Map.Values {
			if now, ok := is.Map.Values[from]; !ok || now != to {
				return false
			}
		}
		return true
	case was.Missing != nil && is.Missing != nil:
		return len(further(was.Missing, is.Missing.Codes)) == len(is.Missing.Codes)-len(was.Missing.Codes)
	}
	return false
}

// further are the codes that the step did not have.
func further(was *pipeline.Codes, codes []string) []string {
	if was == nil {
		return codes
	}
	return slices.DeleteFunc(slices.Clone(codes), func(code string) bool { return slices.Contains(was.Codes, code) })
}

// spares says that step j of is, beyond what the same step did before (known), leaves good requests good. rest is where was goes on after it.
func spares(was *Field, rest int, is *Field, j int, known *pipeline.CleanStep) bool {
	added := &is.Clean[j]
	switch {
	case added.Trim != nil, added.Case != nil:
		return !was.TakesTexts()
	case added.Amount != nil:
		_, point := added.Amount.Separators()
		return !was.TakesTexts() && point == "."
	case added.Map != nil:
		for from, to := range added.Map.Values {
			if known.Map != nil && known.Map.Values[from] == to {
				continue
			}
			if was.takes(rest, from) && !is.takes(j+1, to) {
				return false
			}
		}
		return true
	case added.Missing != nil:
		return is.Nullable || is.Type.Quantity() && !slices.ContainsFunc(was.Clean[rest:], func(s pipeline.CleanStep) bool { return s.Map != nil }) &&
			!slices.ContainsFunc(further(known.Missing, added.Missing.Codes), func(code string) bool { return was.takes(rest, code) })
	case added.Clip != nil:
		low, high := added.Clip.Min, added.Clip.Max
		return (low == nil || is.Max == nil || *low <= *is.Max) && (high == nil || is.Min == nil || *high >= *is.Min)
	}
	return false
}

// takes says that a text which has come to step i of cleaning ends as a value that is good.
func (f *Field) takes(i int, text string) bool {
	if text == "" {
		return f.Nullable
	}
	cleaner, err := clean.New(f.Clean[i:], f.Name, f.Type)
	if err != nil {
		return false // no bundle holds such steps
	}
	v, fault := cleaner.Clean(text)
	return fault == clean.None && f.Admits(valueOf(v))
}

// takenNoMore lists values that are not good any more.
func takenNoMore(values []string) string {
	switch {
	case len(values) == 0:
		return ""
	case len(values) > 5:
		return fmt.Sprintf("does not take %d values any more: %q and others", len(values), values[:5])
	}
	return fmt.Sprintf("does not take %q any more", values)
}
