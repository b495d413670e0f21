package leak

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/statistics"
)

// area is an AUC: the probability that a positive row is above a negative one, ties counting half. Without a class it is 0.5.
type area struct {
	auc                  float64
	positives, negatives int
}

// ascending is the AUC of levels in their order.
//
//	A = sum over levels v of positives(v) * (negatives below v + negatives(v)/2) / (m n)
//
// with m positive and n negative rows: the statistic of Mann & Whitney 1947, doi 10.1214/aoms/1177730491.
func ascending(ordered []tally) area {
	var below, twice int // twice the sum: a whole number, so that no order of adding matters
	a := area{auc: 0.5}
	for _, t := range ordered {
		positives, negatives := t.classes()
		twice += positives * (2*below + negatives)
		below += negatives
		a.positives += positives
	}
	a.negatives = below
	if a.positives > 0 && a.negatives > 0 {
		a.auc = float64(twice) / 2 / float64(a.positives) / float64(a.negatives)
	}
	return a
}

// either is the AUC of levels in their order or against it, whichever is larger.
func either(ordered []tally) area {
	a := ascending(ordered)
	a.auc = math.Max(a.auc, 1-a.auc)
	return a
}

// crossFitted is the AUC of the share of positives among the rows of the other folds that are in the same bin. It sees a middle range that is
// always bad, which no order shows, and many categories without learning their own labels: of values that come once it knows nothing, and is 0.5.
// The share is drawn to the base rate as by ten rows of it (an m-estimate: Micci-Barreca 2001, doi 10.1145/507533.507538).
func crossFitted(bins []tally) area {
	const prior = 10
	var all tally
	for _, t := range bins {
		all = all.with(t)
	}
	rows, positives := all.total()
	type cell struct {
		score float64
		count tally
	}
	var cells []cell
	for _, t := range bins {
		n, p := t.total()
		for fold := range folds {
			if t.rows[fold] == 0 {
				continue
			}
			// Quotients of whole numbers: equal shares are equal floats, whichever label is the positive one.
			others, bad := n-int(t.rows[fold]), p-int(t.positives[fold])
			c := cell{score: float64(bad*rows+prior*positives) / float64(rows*(others+prior))}
			c.count.rows[fold], c.count.positives[fold] = t.rows[fold], t.positives[fold]
			cells = append(cells, c)
		}
	}
	slices.SortStableFunc(cells, func(a, b cell) int { return cmp.Compare(a.score, b.score) })
	var ordered []tally
	for i, c := range cells {
		if i == 0 || c.score != cells[i-1].score {
			ordered = append(ordered, tally{})
		}
		last := &ordered[len(ordered)-1]
		*last = last.with(c.count)
	}
	return ascending(ordered)
}

// beyond reports whether the AUC is beyond a bound with confidence: an AUC whose true value is the bound is found there once in forty.
//
//	A - b > 1.96 * sqrt(V(b))
//	V(b) = (b(1-b) + (m-1)(Q1-b²) + (n-1)(Q2-b²)) / (m n),  Q1 = b/(2-b),  Q2 = 2b²/(1+b)
//
// V is the variance of Hanley & McNeil 1982, doi 10.1148/radiology.143.1.7063747, at the bound, as a score interval has it (Newcombe 2006, doi
// 10.1002/sim.2324): at an AUC of 1 the variance that is estimated there would be none, however few the rows. The larger of V with m and n
// and with the two exchanged counts, so that it does not matter which label is the positive one.
func (a area) beyond(bound float64) bool {
	if a.positives == 0 || a.negatives == 0 {
		return false
	}
	m, n := float64(a.positives), float64(a.negatives)
	squared := float64(bound * bound)
	q1, q2 := bound/(2-bound)-squared, 2*squared/(1+bound)-squared
	cross := math.Max(float64((m-1)*q1)+float64((n-1)*q2), float64((n-1)*q1)+float64((m-1)*q2))
	variance := (float64(bound*(1-bound)) + cross) / (m * n)
	return a.auc-bound > statistics.Normal975*math.Sqrt(variance)
}

// single vetoes a feature that predicts too well alone: by its order among the rows that hold a value, or by what its bins, and its being
// missing, predict out of sample.
func single(column string, l levels, bound float64) []Veto {
	strongest := area{auc: 0.5}
	how := ""
	consider := func(a area, text string) {
		if a.beyond(bound) && a.auc > strongest.auc {
			strongest, how = a, text
		}
	}
	if l.ordered {
		consider(either(l.values), "its order")
	}
	consider(crossFitted(l.bins()), "its values, out of sample")
	if how == "" {
		return nil
	}
	return []Veto{{
		Column: column, Rule: AUC, Effect: strongest.auc, Bound: bound, Count: strongest.positives + strongest.negatives,
		Message: fmt.Sprintf("column %q alone has an AUC of %.3f (%s), beyond the %.2f that is accepted of one feature (%d positive and %d negative rows): "+
			"find out whether it is recorded after the outcome, and take it out of the features", column, strongest.auc, how, bound, strongest.positives, strongest.negatives),
	}}
}
