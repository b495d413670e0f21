// Package request is the contract of requests: what a lender may send to have an application decided. It is the schema that the spec declares,
// never what a training window happened to hold and never which fields a model chose.
package request

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// MaxTextBytes bounds a text: a category without a domain, an identifier.
const MaxTextBytes = 100

// Contract says what an application holds.
type Contract struct {
	Fields []Field `json:"fields"`
	// Identifiers are names that may come along and are not looked at: the pipeline's entity and time columns.
	Identifiers []string `json:"identifiers,omitempty"`
}

// Field is one declared field and what is allowed in it.
type Field struct {
	Name     string              `json:"name"`
	Type     pipeline.ColumnType `json:"type"`
	Nullable bool                `json:"nullable"` // it may be null or left out
	Min      *float64            `json:"min,omitempty"`
	Max      *float64            `json:"max,omitempty"`
	// Domain are the values of a category; without any it takes every text of 1 to MaxTextBytes bytes.
	Domain []string `json:"domain,omitempty"`
	Unit   string   `json:"unit,omitempty"`
}

// Of is the contract that a spec declares. Columns that it ignores or protects are outside.
func Of(spec pipeline.Spec) Contract {
	c := Contract{Fields: make([]Field, len(spec.Columns))}
	for i, column := range spec.Columns {
		c.Fields[i] = Field{
			Name: column.Name, Type: column.Type, Nullable: column.MissingMax > 0, Min: column.Min, Max: column.Max,
			Domain: slices.Clone(column.Domain), Unit: column.Unit,
		}
	}
	for _, name := range []string{spec.Entity, spec.Time} {
		if name != "" {
			c.Identifiers = append(c.Identifiers, name)
		}
	}
	return c
}

// Index is the place of a field in Fields, or -1.
func (c *Contract) Index(name string) int {
	return slices.IndexFunc(c.Fields, func(f Field) bool { return f.Name == name })
}

// Read reads a field's JSON value; the complaint, empty when there is none, says what would be right and never repeats the value.
func (f *Field) Read(raw json.RawMessage) (value transform.Value, complaint string) {
	if string(raw) == "null" {
		if f.Nullable {
			return transform.Value{Missing: true}, ""
		}
		return transform.Value{}, fmt.Sprintf("is null; %s is wanted", f.Wanted())
	}
	if f.Type == pipeline.Category {
		var text string
		if raw[0] != '"' || json.Unmarshal(raw, &text) != nil || !f.admitsText(text) {
			return transform.Value{}, f.Wanted() + " is wanted"
		}
		return transform.Value{Text: text}, ""
	}
	var number json.Number
	if raw[0] == '"' || json.Unmarshal(raw, &number) != nil {
		return transform.Value{}, f.Wanted() + " is wanted"
	}
	x, err := strconv.ParseFloat(number.String(), 64)
	if math.Abs(x) > maxNumber {
		return transform.Value{}, fmt.Sprintf("is too large; %s, of at most %v either way, is wanted", f.Wanted(), maxNumber)
	}
	if err != nil || !f.admitsNumber(x) {
		return transform.Value{}, f.Wanted() + " is wanted"
	}
	return transform.Value{Number: x}, ""
}

// Admits reports whether a value is good in a request.
func (f *Field) Admits(v transform.Value) bool {
	switch {
	case v.Missing:
		return f.Nullable
	case f.Type == pipeline.Category:
		return f.admitsText(v.Text)
	}
	return f.admitsNumber(v.Number)
}

func (f *Field) admitsText(text string) bool {
	if len(f.Domain) == 0 {
		return text != "" && len(text) <= MaxTextBytes
	}
	return slices.Contains(f.Domain, text)
}

// maxNumber bounds every number, so that no model's arithmetic ends in an infinity.
const maxNumber = 1e100

// admitsNumber admits no NaN either.
func (f *Field) admitsNumber(x float64) bool {
	return math.Abs(x) <= maxNumber && (f.Min == nil || x >= *f.Min) && (f.Max == nil || x <= *f.Max)
}

// longestDomain is how many values a complaint lists.
const longestDomain = 20

// Wanted describes what a field takes.
func (f *Field) Wanted() string {
	var text string
	switch {
	case f.Type == pipeline.Category && len(f.Domain) == 0:
		text = fmt.Sprintf("a text of 1 to %d bytes", MaxTextBytes)
	case f.Type == pipeline.Category && len(f.Domain) <= longestDomain:
		text = "one of " + strings.Join(f.Domain, ", ")
	case f.Type == pipeline.Category:
		text = "one of the values in /openapi.json"
	case f.Min != nil && f.Max != nil:
		text = fmt.Sprintf("a number from %v to %v", *f.Min, *f.Max)
	case f.Min != nil:
		text = fmt.Sprintf("a number of at least %v", *f.Min)
	case f.Max != nil:
		text = fmt.Sprintf("a number of at most %v", *f.Max)
	default:
		text = "a number"
	}
	if f.Nullable {
		text += ", or null"
	}
	return text
}

// ReadIdentifier looks no further than at an identifier's kind and size.
func ReadIdentifier(raw json.RawMessage) (complaint string) {
	var number json.Number
	var text string
	switch {
	case string(raw) == "null":
		return ""
	case raw[0] == '"' && json.Unmarshal(raw, &text) == nil && len(text) <= MaxTextBytes:
		return ""
	case raw[0] != '"' && len(raw) <= MaxTextBytes && json.Unmarshal(raw, &number) == nil:
		return ""
	}
	return fmt.Sprintf("a text of at most %d bytes, a number or null is wanted", MaxTextBytes)
}
