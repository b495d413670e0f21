package transform

import (
	"math"

	"github.com/loanops/loanops/internal/fault"
)

// Batch is a field's encoded columns in all rows, of which at most two are not 0 in a row: what Encode writes of the field, row by row.
type Batch struct {
	Width int
	// Numbers is the first column, of a numeric type; nil of a category.
	Numbers []float64
	// Ones is which of the columns is 1 in each row, -1 for none; nil where none ever is.
	Ones []int32
}

// EncodeBatch encodes a field in all rows, to the same bits as Encode and with its faults.
func EncodeBatch(f Field, s Scale, v Values) (Batch, error) {
	b := Batch{Width: f.width()}
	if f.Type.Numeric() {
		return b, b.numbers(f, s, v.Numbers)
	}
	return b, b.levels(f, v)
}

func (b *Batch) numbers(f Field, s Scale, values []float64) error {
	b.Numbers = make([]float64, len(values))
	if f.Nullable {
		b.Ones = make([]int32, len(values))
	}
	for i, x := range values {
		missing := x != x
		switch {
		case missing && !f.Nullable:
			return fault.New(fault.Invalid, "field %q is missing", f.Name)
		case math.IsInf(x, 0):
			return fault.New(fault.Invalid, "field %q is not a finite number", f.Name)
		case missing:
			b.Ones[i] = 1
			continue
		}
		b.Numbers[i] = (x - s.Mean) / s.SD
		if f.Nullable {
			b.Ones[i] = -1
		}
	}
	return nil
}

func (b *Batch) levels(f Field, v Values) error {
	index := make(map[string]int32, len(f.Levels))
	for i := len(f.Levels) - 1; i >= 0; i-- { // of a level that stands twice the first counts
		index[f.Levels[i]] = int32(i)
	}
	b.Ones = make([]int32, len(v.Texts))
	for i, text := range v.Texts {
		level, known := index[text]
		switch {
		case !v.Valid[i] && !f.Nullable:
			return fault.New(fault.Invalid, "field %q is missing", f.Name)
		case !v.Valid[i]:
			b.Ones[i] = int32(b.Width - 1)
		case known:
			b.Ones[i] = level
		case f.Open:
			b.Ones[i] = -1
		default:
			return fault.New(fault.Invalid, "field %q has a value that the model does not know", f.Name)
		}
	}
	return nil
}
