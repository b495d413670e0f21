package monitor

import (
	"math"
	"slices"
)

// units are by how much a number grows that is told in another unit: months in a year, weeks, days, cents, thousands, millions.
var units = []float64{12, 52, 365, 100, 1000, 1e6}

// Among so many values of either side a change of unit can be told from a change of applicants.
const minUnitRows = 100

// unitFactor says by which factor fresh values of a number are those of the reference told in another unit: 1/12 where an annual income has become a
// monthly one. found is false where they are not. The whole distribution must have moved by the factor: the quantiles from 10 to 90 % by within a
// quarter of each other, their middle by within a tenth of a known factor. Missing values are NaN.
func unitFactor(reference, fresh []float64) (factor float64, found bool) {
	was, is := magnitudes(reference), magnitudes(fresh)
	if len(was) < minUnitRows || len(is) < minUnitRows {
		return 0, false
	}
	var moved []float64
	for _, at := range []float64{0.1, 0.25, 0.5, 0.75, 0.9} {
		moved = append(moved, math.Log(quantile(is, at)/quantile(was, at)))
	}
	if slices.Max(moved)-slices.Min(moved) > math.Log(1.25) {
		return 0, false
	}
	slices.Sort(moved)
	for _, unit := range units {
		for _, by := range []float64{math.Log(unit), -math.Log(unit)} {
			if math.Abs(moved[len(moved)/2]-by) < math.Log(1.1) {
				return math.Exp(moved[len(moved)/2]), true
			}
		}
	}
	return 0, false
}

// magnitudes are the sizes of what is neither missing nor 0, in order: 0 is 0 in every unit.
func magnitudes(values []float64) []float64 {
	var sizes []float64
	for _, x := range values {
		if size := math.Abs(x); size > 0 && !math.IsInf(size, 0) {
			sizes = append(sizes, size)
		}
	}
	slices.Sort(sizes)
	return sizes
}

func quantile(sorted []float64, at float64) float64 { return sorted[int(at*float64(len(sorted)-1))] }
