package dataset

import (
	"math"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Label returns 1, 0 or NaN for every row: positive, negative, and not known or not mature on asOf (zero: everything that
// is known counts, and maturity is measured from the youngest application). Any other value of the label column is a fault.Invalid.
func Label(spec pipeline.Spec, t Table, asOf time.Time) ([]float64, error) {
	column := t.Column(spec.Label.Column)
	if column == nil {
		return nil, fault.New(fault.Invalid, "the label column %q is missing", spec.Label.Column)
	}
	if column.Kind != Text {
		return nil, fault.New(fault.Invalid, "the label column %q is not text", spec.Label.Column)
	}
	mature := matured(spec, t, asOf)
	y := make([]float64, t.Rows())
	for i := range y {
		y[i] = math.NaN()
		if column.Missing(i) || !mature(i) {
			continue
		}
		switch column.Texts[i] {
		case spec.Label.Positive:
			y[i] = 1
		case spec.Label.Negative:
			y[i] = 0
		default:
			return nil, fault.New(fault.Invalid, "the label column %q holds a value other than %q and %q", spec.Label.Column, spec.Label.Positive, spec.Label.Negative)
		}
	}
	return y, nil
}

// matured says whether a row's outcome is final. A bad outcome of a young loan would be known before the good ones of its
// day, so a young row does not train even when it has a label.
func matured(spec pipeline.Spec, t Table, asOf time.Time) func(row int) bool {
	dates := t.Column(spec.Time)
	if dates == nil || (spec.Label.MaturesAfterDays == 0 && asOf.IsZero()) {
		return func(int) bool { return true }
	}
	last := math.Inf(-1)
	if asOf.IsZero() {
		for _, day := range dates.Floats {
			last = math.Max(last, day) // NaN gives NaN, and a comparison with it is false
		}
	} else {
		last = Day(asOf)
	}
	limit := last - float64(spec.Label.MaturesAfterDays)
	return func(row int) bool { return dates.Floats[row] <= limit }
}
