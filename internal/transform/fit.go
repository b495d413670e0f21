package transform

import (
	"math"
	"slices"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Rows gives values by row and field, in the order of the columns that Fit got.
type Rows interface {
	Len() int
	Value(row, field int) Value
}

// Fit learns an encoder from training rows only. A field is nullable when the spec accepts missing values. A category
// without a domain in the spec is open and has the values of training as levels, sorted. Sums run in row order, so that the same rows give
// the same bits.
func Fit(columns []pipeline.Column, rows Rows) (*Encoder, error) {
	e := &Encoder{Scales: make([]Scale, len(columns))}
	for i, c := range columns {
		f := Field{Name: c.Name, Type: c.Type, Nullable: c.MissingMax > 0, Levels: slices.Clone(c.Domain)}
		e.Scales[i] = Scale{SD: 1}
		if c.Type.Numeric() {
			scale, err := fitScale(c.Name, rows, i)
			if err != nil {
				return nil, err
			}
			e.Scales[i] = scale
		} else if len(f.Levels) == 0 {
			f.Open, f.Levels = true, levels(rows, i)
			if len(f.Levels) == 0 {
				return nil, fault.New(fault.Refused, "column %q has no values in training", c.Name)
			}
		}
		e.Fields = append(e.Fields, f)
	}
	return e, nil
}

// fitScale computes mean and standard deviation (that of the population, √(Σ(x-mean)²/n)) in two passes. Values whose sums leave the
// range of float64 are fault.Refused.
func fitScale(name string, rows Rows, field int) (Scale, error) {
	var sum, n float64
	low, high := math.Inf(1), math.Inf(-1)
	for row := range rows.Len() {
		if v := rows.Value(row, field); !v.Missing {
			sum += v.Number
			low, high = min(low, v.Number), max(high, v.Number)
			n++
		}
	}
	if n == 0 {
		return Scale{}, fault.New(fault.Refused, "column %q has no values in training", name)
	}
	if low == high {
		return Scale{Mean: low, SD: 1}, nil // the rounded mean may be another number, and then the deviation is not 0 but tiny
	}
	mean := sum / n
	var squares float64
	for row := range rows.Len() {
		if v := rows.Value(row, field); !v.Missing {
			d := v.Number - mean
			squares += float64(d * d)
		}
	}
	sd := math.Sqrt(squares / n)
	if math.IsNaN(sd) || math.IsInf(sd, 0) {
		return Scale{}, fault.New(fault.Refused, "column %q has values too large to be standardised; bound it by min and max", name)
	}
	if sd == 0 {
		sd = 1 // squares below the range of float64
	}
	return Scale{Mean: mean, SD: sd}, nil
}

func levels(rows Rows, field int) []string {
	seen := map[string]bool{}
	for row := range rows.Len() {
		if v := rows.Value(row, field); !v.Missing {
			seen[v.Text] = true
		}
	}
	values := make([]string, 0, len(seen))
	for value := range seen {
		values = append(values, value)
	}
	slices.Sort(values)
	return values
}
