package leak

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

const (
	// minRepeats is how often a value repeats at least to be looked at: at maxHonestShare fewer are pure more often than once in 1000.
	minRepeats = 66
	// maxHonestShare is the largest share of one label that an honest value may have, whatever the base rate.
	maxHonestShare = 0.9
	// maxHonestOdds is how many times an honest value's odds of a label may be those of its surroundings: a flag of a bad credit history has 25.
	maxHonestOdds = 25
	// maxHonestSpike is the same for a number between others, which is as a rule what its neighbours are: flags and codes are categories, or lie at an end.
	maxHonestSpike = 10
	// maxExceptions is how many rows of the other label a value may have and still come always with one: one, by an error of typing, where its
	// surroundings have a hundred.
	maxExceptions = 0.01
	// minClassShare is the least share of a class that pure values must hold. Less changes no model.
	minClassShare = 0.01
	// purityError is how often values at the limit of honesty are taken for a leak.
	purityError = 0.01
)

// purity is what the values of a column that come always with one label have in common.
type purity struct {
	values, rows int
	share        float64    // of the rows have their value's label
	accepted     float64    // the share of an honest value's rows, on average over the rows
	held         [2]float64 // of the negative and of the positive class
}

// pure finds the levels that come always with one label, and reports whether they are more than honest values explain.
//
// An honest value may be strong, as a code of a bad history is, and in a low base rate or in the tail of a strong feature most values have one
// label. So the limit of what is honest for a value with n rows is a share
//
//	q = max(0.9, r o / (1 + r o)),  o = s / (1-s)
//
// of its label, where s is the largest share of that label among all rows, among the n rows of the values just below and among the n rows just
// above it (of categories among all rows; k of n counts as (k+1)/(n+2)), and r is 25, or 10 for a number with n rows on both sides. A value with n rows of which k
// have its label, all but at most one for every hundred that its surroundings have, n - k <= n (1-s) / 100, weighs
//
//	w = -ln P(Binomial(n, q) >= k)
//
// and the column has too much when the sum over its V repeated values of max(0, w - ln V) is above ln(1/0.01): the union bound over all subsets
// of values, so at the limit of honesty in one column of 100 at most, and far less often inside it.
func pure(values []tally, ordered bool, all tally) (purity, bool) {
	rows, positives := all.total()
	repeated := 0
	for _, t := range values {
		if n, _ := t.total(); n >= minRepeats {
			repeated++
		}
	}
	var found purity
	var kept [2]int
	weight := 0.
	for v, t := range values {
		n, k := t.total()
		if n < minRepeats {
			continue
		}
		label, base := 1, float64(positives)/float64(rows)
		if 2*k < n {
			label, base, k = 0, 1-base, n-k
		}
		surroundings, times := base, float64(maxHonestOdds)
		if ordered {
			below, under := beside(values, v, -1, label)
			above, over := beside(values, v, 1, label)
			surroundings = max(base, below, above)
			if min(under, over) >= n {
				times = maxHonestSpike
			}
		}
		if float64(n-k) > maxExceptions*float64(n)*(1-surroundings) {
			continue
		}
		q := math.Max(maxHonestShare, timesOdds(surroundings, times))
		if surplus := surprise(k, n, q) - math.Log(float64(repeated)); surplus > 0 {
			weight += surplus
			found.values++
			found.rows += n
			found.share += float64(k)
			found.accepted += float64(q * float64(n))
			kept[label] += k
		}
	}
	if weight <= math.Log(1/purityError) {
		return purity{}, false
	}
	found.share /= float64(found.rows)
	found.accepted /= float64(found.rows)
	for label, of := range [2]int{rows - positives, positives} {
		found.held[label] = float64(kept[label]) / float64(max(of, 1))
	}
	return found, math.Max(found.held[0], found.held[1]) >= minClassShare
}

// beside is the share of a label among the rows of the values to one side of value v, as many rows as v has where there are so many, and how many
// they are. No rows explain nothing.
func beside(values []tally, v, step, label int) (share float64, n int) {
	wanted, _ := values[v].total()
	k := 0
	for i := v + step; i >= 0 && i < len(values) && n < wanted; i += step {
		rows, positives := values[i].total()
		n, k = n+rows, k+positives
	}
	if n == 0 {
		return 0, 0
	}
	if label == 0 {
		k = n - k
	}
	return float64(k+1) / float64(n+2), n
}

// timesOdds is the share whose odds are so many times those of share p.
func timesOdds(p, times float64) float64 {
	return times * p / (1 - p + float64(times*p))
}

// surprise is -ln P(X >= k) of a binomial X with n trials of probability q.
func surprise(k, n int, q float64) float64 {
	switch {
	case q >= 1:
		return 0
	case k == n:
		return -float64(n) * math.Log(q)
	default:
		return -math.Log(mathext.RegIncBeta(float64(k), float64(n-k+1), q))
	}
}

// pureValues vetoes a column whose repeated values come always with one label, as where missing values were replaced by their class's mean.
func pureValues(column string, l levels) []Veto {
	found, leaks := pure(l.values, l.ordered, l.all())
	if !leaks {
		return nil
	}
	return []Veto{{
		Column: column, Rule: PureValues, Effect: found.share, Bound: found.accepted, Count: found.rows,
		Message: fmt.Sprintf("column %q: %d values in %d rows come always, or as good as always, with one label (%.2f %% of these rows; they hold %.1f %% of the positive and %.1f %% of "+
			"the negative rows); values so frequent may have up to %.2f %%: look for values that were filled in per class or after the outcome, and take the column from its source",
			column, found.values, found.rows, 100*found.share, 100*found.held[1], 100*found.held[0], 100*found.accepted),
	}}
}
