package canary

import (
	"math/bits"

	"github.com/loanops/loanops/internal/pipeline"
)

// falseAborts is the probability with which a challenger within every limit is ever aborted by a failed check: the budget of a whole canary.
const falseAborts = 0.01

// testsPerLook is the most tests that one look at one class takes: refused, failed, unended, slow singles, slow batches, flips to approve and to
// decline with too many or too few of each, scores. outageTests are those of outages beside it.
const (
	testsPerLook = 10
	outageTests  = 2
)

// firstLook is the number of requests at which a failure is looked for first, an eighth of the need; each further look is at twice as many, so that
// their number is known.
func firstLook(need int64) int64 { return max(1, (need+7)/8) }

// looksAt returns how many looks are due by so many requests of the challenger.
func looksAt(requests, need int64) int { return bits.Len64(uint64(requests / firstLook(need))) }

// level is what one test may spend at a look: its budget is split over the looks by a spending function (Lan and DeMets 1983, doi 10.1093/biomet/70.3.659), k/(k+1) by the k-th, which ends for no number of looks.
// A window that passes several looks at once is one look that spends for all.
func level(cfg pipeline.Canary, before, looks int) float64 {
	spent := func(k int) float64 { return float64(k) / float64(k+1) }
	return budget(cfg) * (spent(looks) - spent(before))
}

// budget is what one test may spend in a phase or step: that of a canary is split evenly over them, classes and tests (Bonferroni).
func budget(cfg pipeline.Canary) float64 {
	places := len(cfg.Steps)
	if cfg.Mirror {
		places++
	}
	if cfg.BakeSeconds > 0 {
		places++
	}
	const classes = 2
	return falseAborts / float64(places*classes*(testsPerLook+outageTests))
}
