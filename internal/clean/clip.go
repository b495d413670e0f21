package clean

import (
	"strconv"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// clip moves numbers beyond a bound to the bound.
type clip struct{ low, high *Value }

func newClip(of pipeline.ColumnType, spec *pipeline.Clip) (clip, error) {
	low, okLow := boundOf(of, spec.Min)
	high, okHigh := boundOf(of, spec.Max)
	if !of.Quantity() || !okLow || !okHigh {
		return clip{}, fault.New(fault.Invalid, "a clip moves numbers to bounds that the column can have")
	}
	return clip{low, high}, nil
}

// boundOf is a bound as a value of the type; nil for none.
func boundOf(of pipeline.ColumnType, bound *float64) (*Value, bool) {
	if bound == nil {
		return nil, true
	}
	if !pipeline.Holds(of, *bound) {
		return nil, false
	}
	v, fault := quantity(strconv.FormatFloat(*bound, 'f', -1, 64), of)
	return &v, fault == None
}

// apply compares decimals and integers as what a model reads.
func (c clip) apply(v Value) Value {
	switch {
	case c.low != nil && v.Number < c.low.Number:
		return *c.low
	case c.high != nil && v.Number > c.high.Number:
		return *c.high
	}
	return v
}
