package dataset

import (
	"math"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Label returns 1, 0 or NaN for every row: positive, negative, and not known, or not mature on the day on which the data were known (zero:
// whatever is known counts). Any other value of the label column is a fault.Invalid.
func Label(spec pipeline.Spec, t Table, knownAt time.Time) ([]float64, error) {
	column := t.Column(spec.Label.Column)
	if column == nil {
		return nil, fault.New(fault.Invalid, "the label column %q is missing", spec.Label.Column)
	}
	if column.Kind != Text {
		return nil, fault.New(fault.Invalid, "the label column %q is not text", spec.Label.Column)
	}
	mature := matured(spec, t, knownAt)
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
// day, so a young row does not train even when it has a label. How old a row is does not depend on any other row: one wrong date would
// make all of them mature.
func matured(spec pipeline.Spec, t Table, knownAt time.Time) func(row int) bool {
	dates := t.Column(spec.Time)
	if dates == nil || knownAt.IsZero() {
		return func(int) bool { return true }
	}
	limit := Day(knownAt) - float64(spec.Label.MaturesAfterDays)
	return func(row int) bool { return dates.Day(row) <= limit } // NaN is not
}
