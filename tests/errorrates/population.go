package main

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/canary"
)

// applicants is how many a population is made of.
const applicants = 100_000

// side is what one of two models says of an applicant.
type side struct {
	bucket   int
	approved bool
}

// decided is with the score in the middle of the bucket.
func (s side) decided() canary.Decided {
	return canary.Decided{Score: (float64(s.bucket) + 0.5) / canary.ScoreBuckets, Approved: s.approved}
}

// cell is applicants of whom champion and challenger say the same.
type cell struct{ stable, canary side }

// population is the joint distribution of what both sides decide.
type population struct {
	cells  []cell
	counts []int // of applicants, summing to applicants
	all    []int // the cell of every applicant
}

// sides are how both models decide an applicant whose true log-odds of default are known.
type sides struct {
	// mean of the applicants' log-odds.
	mean float64
	// The challenger's log-odds are slope times the champion's, plus noise of that deviation.
	slope, noise float64
	// cutoffs above which each declines.
	stableCutoff, canaryCutoff float64
	// moreApprovals turns that share of all applicants from decline to approve, fewerApprovals the reverse.
	moreApprovals, fewerApprovals float64
	// swapped: the challenger answers one minus its score.
	swapped bool
}

// populate draws the applicants, always the same ones.
func populate(s sides) *population {
	rng := rand.New(rand.NewPCG(seed, 1))
	logistic := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	declined := 0
	drawn := make([]cell, applicants)
	for i := range drawn {
		x := s.mean + deviationLogOdds*rng.NormFloat64()
		stable, score := logistic(x), logistic(s.slope*x+s.noise*rng.NormFloat64())
		if s.swapped {
			score = 1 - score
		}
		drawn[i] = cell{side{canary.Bucket(stable), stable < s.stableCutoff}, side{canary.Bucket(score), score < s.canaryCutoff}}
		if !drawn[i].canary.approved {
			declined++
		}
	}
	// Of those that the challenger declines or approves, the part that makes the wanted share of all.
	more, fewer := s.moreApprovals*applicants/float64(declined), s.fewerApprovals*applicants/float64(applicants-declined)
	p := &population{}
	index := map[cell]int{}
	for _, c := range drawn {
		turn := more
		if c.canary.approved {
			turn = fewer
		}
		if rng.Float64() < turn {
			c.canary.approved = !c.canary.approved
		}
		i, known := index[c]
		if !known {
			i = len(p.cells)
			index[c] = i
			p.cells, p.counts = append(p.cells, c), append(p.counts, 0)
		}
		p.counts[i]++
		p.all = append(p.all, i)
	}
	return p
}

// draw calls yield with how many of n applicants fall into each cell.
func (p *population) draw(rng *rand.Rand, n int64, yield func(cell, int64)) {
	if n < 8*int64(len(p.cells)) { // then one by one is faster
		for range n {
			yield(p.cells[p.all[rng.IntN(applicants)]], 1)
		}
		return
	}
	left := applicants
	for i, c := range p.cells {
		count := binomial(rng, n, float64(p.counts[i])/float64(left))
		if count > 0 {
			yield(c, count)
		}
		n -= count
		left -= p.counts[i]
	}
}

// predict is the prediction that so many rows of the population give.
func (p *population) predict(rng *rand.Rand, rows int) *canary.Prediction {
	prediction := &canary.Prediction{}
	for range rows {
		c := p.cells[p.all[rng.IntN(applicants)]]
		prediction.Add(c.stable.decided(), c.canary.decided())
	}
	return prediction
}

func binomial(rng *rand.Rand, n int64, p float64) int64 {
	if n == 0 || p <= 0 {
		return 0
	}
	if p >= 1 {
		return n
	}
	return int64(distuv.Binomial{N: float64(n), P: p, Src: rng}.Rand())
}

func poisson(rng *rand.Rand, mean float64) int64 {
	if mean <= 0 {
		return 0
	}
	return int64(distuv.Poisson{Lambda: mean, Src: rng}.Rand())
}

// median of the values, NaN of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	slices.Sort(values)
	return values[len(values)/2]
}
