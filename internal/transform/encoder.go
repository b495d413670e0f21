// Package transform turns an application's fields into the numbers that an estimator reads. One code path serves a
// training batch and a single request, so training and serving cannot disagree.
package transform

import (
	"math"
	"slices"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Value is one field of one application.
type Value struct {
	Number  float64 // a numeric type; 1 or 0 of a boolean
	Text    string  // Type category
	Missing bool
}

// Field is one field that the model reads.
type Field struct {
	Name     string              `json:"name"`
	Type     pipeline.ColumnType `json:"type"`
	Nullable bool                `json:"nullable"`
	// Levels are the values of a category that have a column of their own, in encoding order: its domain, or without one those of training.
	Levels []string `json:"levels,omitempty"`
	// Open is a category without a domain: any other text is encoded as none of the levels.
	Open bool `json:"open,omitempty"`
}

// Scale is how a number is standardised: (x - Mean) / SD; a missing number takes the mean, and an indicator says so.
type Scale struct {
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd"` // never 0: a constant column has 1
}

// Encoder maps a row in signature order to encoded columns:
//
//   - a number, integer, decimal or boolean: its standardised value, and when the field is nullable 1 if it is missing, else 0;
//   - a category: one column per level, 1 for the row's value, else 0, and when nullable one for missing. A value that is no level of an open
//     category is 0 in all of them: it moves the score as the penalised average of the levels does, by nothing.
type Encoder struct {
	Fields []Field `json:"fields"`
	Scales []Scale `json:"scales"` // one per field; a category's is not used
}

// Width is the number of encoded columns.
func (e *Encoder) Width() int {
	width := 0
	for i := range e.Fields {
		width += e.Fields[i].width()
	}
	return width
}

func (f *Field) width() int {
	width := 1
	if f.Type == pipeline.Category {
		width = len(f.Levels)
	}
	if f.Nullable {
		width++
	}
	return width
}

// Span returns the encoded columns [from, to) of each field.
func (e *Encoder) Span(field int) (from, to int) {
	for i := range field {
		from += e.Fields[i].width()
	}
	return from, from + e.Fields[field].width()
}

// Encode writes the row's encoded columns into out, which must hold Width values. A row of another length, a missing value
// in a field that is not nullable, a number that is not finite and an unknown value of a category with a domain are fault.Invalid naming the field,
// never the value.
func (e *Encoder) Encode(row []Value, out []float64) error {
	if len(row) != len(e.Fields) {
		return fault.New(fault.Invalid, "a row has %d fields, the model %d", len(row), len(e.Fields))
	}
	clear(out)
	at := 0
	for i := range e.Fields {
		f, v := &e.Fields[i], &row[i]
		width := f.width()
		switch {
		case v.Missing && !f.Nullable:
			return fault.New(fault.Invalid, "field %q is missing", f.Name)
		case v.Missing:
			out[at+width-1] = 1
		case f.Type == pipeline.Category:
			level := slices.Index(f.Levels, v.Text)
			if level < 0 && !f.Open {
				return fault.New(fault.Invalid, "field %q has a value that the model does not know", f.Name)
			}
			if level >= 0 {
				out[at+level] = 1
			}
		default:
			if math.IsNaN(v.Number) || math.IsInf(v.Number, 0) {
				return fault.New(fault.Invalid, "field %q is not a finite number", f.Name)
			}
			out[at] = (v.Number - e.Scales[i].Mean) / e.Scales[i].SD
		}
		at += width
	}
	return nil
}
