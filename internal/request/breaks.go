package request

import (
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/pipeline"
)

// Break is why a request that was good may not be any more.
type Break struct{ Field, Text string }

// String is one sentence.
func (b Break) String() string { return fmt.Sprintf("field %q %s", b.Field, b.Text) }

// Words are breaks as sentences.
func Words(breaks []Break) (words []string) {
	for _, b := range breaks {
		words = append(words, b.String())
	}
	return words
}

const gone = "is gone: a request with it would be refused"

// Breaks lists, in the order of before's fields, why a request that is good under before may not be under after; none means that
// every good request stays good. What after admits beyond before is no break.
func Breaks(before, after Contract) (breaks []Break) {
	for i := range before.Fields {
		was := &before.Fields[i]
		at := after.Index(was.Name)
		switch {
		case at >= 0:
			breaks = append(breaks, narrowed(was, &after.Fields[at])...)
		case !slices.Contains(after.Identifiers, was.Name):
			breaks = append(breaks, Break{was.Name, gone})
		}
	}
	for _, name := range before.Identifiers {
		if !slices.Contains(after.Identifiers, name) && after.Index(name) < 0 {
			breaks = append(breaks, Break{name, gone})
		}
	}
	for i := range after.Fields {
		f := &after.Fields[i]
		switch {
		case before.Index(f.Name) >= 0:
		case slices.Contains(before.Identifiers, f.Name):
			breaks = append(breaks, Break{f.Name, fmt.Sprintf("was not looked at; %s is wanted now", f.Wanted())})
		case !f.Nullable:
			breaks = append(breaks, Break{f.Name, "is new and required"})
		}
	}
	return append(breaks, refusals(before, after)...)
}

// narrowed says what one field admitted and does not any more.
func narrowed(was, is *Field) (breaks []Break) {
	note := func(format string, args ...any) {
		breaks = append(breaks, Break{was.Name, fmt.Sprintf(format, args...)})
	}
	if was.Nullable && !is.Nullable {
		note("may not be missing any more")
	}
	if was.Type != is.Type {
		note("was %s and is %s", was.Type.Noun(), is.Type.Noun())
		return breaks
	}
	if text := recleaned(was, is); text != "" {
		note("%s", text)
	}
	if was.Type == pipeline.Category {
		if len(was.Clean) == 0 && len(was.Domain) > 0 && len(is.Clean) > 0 {
			return breaks // each value has been looked at
		}
		if text := goneFrom(was.Domain, is.Domain); text != "" {
			note("%s", text)
		}
		return breaks
	}
	if is.Min != nil && (was.Min == nil || *is.Min > *was.Min) {
		note("takes numbers from %v, and took smaller ones", *is.Min)
	}
	if is.Max != nil && (was.Max == nil || *is.Max < *was.Max) {
		note("takes numbers up to %v, and took larger ones", *is.Max)
	}
	return breaks
}

// goneFrom says which values of a domain are admitted no more.
func goneFrom(was, is []string) string {
	switch {
	case len(is) == 0:
		return tooLong(was)
	case len(was) == 0:
		return "took any text, and has a domain now"
	}
	return takenNoMore(slices.DeleteFunc(slices.Clone(was), func(value string) bool { return slices.Contains(is, value) }))
}

// tooLong: an open category takes every text but an empty or a very long one.
func tooLong(was []string) string {
	for _, value := range was {
		if value == "" || len(value) > MaxTextBytes {
			return fmt.Sprintf("does not take texts that are empty or longer than %d bytes any more", MaxTextBytes)
		}
	}
	return ""
}
