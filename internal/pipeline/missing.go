package pipeline

import "math"

// MissingMaxFor is the missing_max that is suggested where a share (0 to 1) of the values is missing: a fifth to spare, in whole percents up to ten
// and in steps of five above, at most 1. So validation hears of what becomes more, and not of chance.
func MissingMaxFor(share float64) float64 {
	step := 1.0
	if share*120 > 10 {
		step = 5
	}
	return math.Min(1, math.Ceil(share*120/step)*step/100)
}
