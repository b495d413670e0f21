package dataset

import (
	"math"
	"strconv"
)

// Outwards is the next number of two digits that is x or lies beyond it, below it (way -1) or above (1).
func Outwards(x, way float64) float64 {
	near := twoDigits(x)
	if (near-x)*way >= 0 {
		return near
	}
	return Past(x, way)
}

// Past is the next number of two digits that lies beyond x, below it (way -1) or above (1): a bound that includes an applicant's number and does
// not tell it.
func Past(x, way float64) float64 {
	if x == 0 {
		return way
	}
	near := twoDigits(x)
	if (near-x)*way > 0 {
		return near
	}
	return twoDigits(near + way*math.Pow(10, math.Floor(math.Log10(math.Abs(x)))-1))
}

// twoDigits is the nearest number of two digits.
func twoDigits(x float64) float64 {
	near, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'e', 1, 64), 64) // what was just written
	return near
}
