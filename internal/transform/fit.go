package transform

import (
	"math"
	"slices"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Values are one field in all rows: Numbers of a numeric type, NaN where missing, or Texts, each missing where it is not Valid.
type Values struct {
	Numbers []float64
	Texts   []string
	Valid   []bool
}

// Fit learns a field's encoding from training rows only. A field is nullable when the spec accepts missing values. A category
// without a domain in the spec is open and has the values of training as levels, sorted. Sums run in row order, so that the same rows give
// the same bits.
func Fit(c pipeline.Column, v Values) (Field, Scale, error) {
	f := Field{Name: c.Name, Type: c.Type, Nullable: c.MissingMax > 0, Levels: slices.Clone(c.Domain)}
	if c.Type.Numeric() {
		scale, err := fitScale(c.Name, v.Numbers)
		return f, scale, err
	}
	if len(f.Levels) == 0 {
		f.Open, f.Levels = true, levels(v)
		if len(f.Levels) == 0 {
			return f, Scale{SD: 1}, fault.New(fault.Refused, "column %q has no values in training", c.Name)
		}
	}
	return f, Scale{SD: 1}, nil
}

// fitScale computes mean and standard deviation (that of the population, √(Σ(x-mean)²/n)) in two passes. Values whose sums leave the
// range of float64 are fault.Refused.
func fitScale(name string, values []float64) (Scale, error) {
	var sum, n float64
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range values {
		if x == x {
			sum += x
			low, high = min(low, x), max(high, x)
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
	for _, x := range values {
		if x == x {
			d := x - mean
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

func levels(v Values) []string {
	seen := map[string]bool{}
	for i, text := range v.Texts {
		if v.Valid[i] {
			seen[text] = true
		}
	}
	values := make([]string, 0, len(seen))
	for value := range seen {
		values = append(values, value)
	}
	slices.Sort(values)
	return values
}
