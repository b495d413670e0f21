package drift

import (
	"maps"
	"math"
	"slices"
)

// alone is the values of both samples by their number of rows, and how likely all rows of one are in the window.
type alone []rarity

type rarity struct {
	rows, values float64
	logit        float64 // of the probability
}

// urn are the values that the window may have alone, in the order of their rows.
func (s shared) urn() (a alone) {
	chance, t := 0.0, int64(0) // the logarithm of q(t)
	for _, rows := range slices.Sorted(maps.Keys(s.values)) {
		if rows > s.window {
			break
		}
		for ; t < rows; t++ {
			chance += math.Log(float64(s.window-t)) - math.Log(float64(s.all-t))
		}
		if chance < -700 { // so many rows are never in the window alone
			break
		}
		a = append(a, rarity{float64(rows), float64(s.values[rows]), chance - math.Log1p(-math.Exp(chance))})
	}
	return a
}

// mean is the expected number of rows where every value counts exp(tilt times its rows) as much as it does.
func (a alone) mean(tilt float64) (sum float64) {
	for _, r := range a {
		sum += float64(r.rows*r.values) / (1 + math.Exp(-r.logit-float64(tilt*r.rows)))
	}
	return sum
}

// above is Chernoff's bound of the probability of so many rows or more,
//
//	min over s of exp(sum over values of log(1 - q + q exp(s t)) - s rows),
//
// at the s at which so many are to be expected. 1 where no more than the expected number are there. Any s gives a bound, so that the last digits of s do not matter.
func (a alone) above(rows float64) float64 {
	if rows <= a.mean(0) {
		return 1
	}
	low, high := 0.0, 1.0
	for a.mean(high) < rows && high < 64 {
		high *= 2
	}
	for range 60 {
		if middle := (low + high) / 2; a.mean(middle) < rows {
			low = middle
		} else {
			high = middle
		}
	}
	log := -float64(low * rows)
	for _, r := range a {
		log += float64(r.values * (softplus(r.logit+float64(low*r.rows)) - softplus(r.logit)))
	}
	return math.Max(math.Min(1, math.Exp(log)), math.SmallestNonzeroFloat64)
}

// softplus is log(1 + exp(x)).
func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
