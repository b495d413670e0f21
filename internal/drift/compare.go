package drift

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/parallel"
)

// The bands of the PSI that people know: below Moderate nothing to speak of, from Major on another population (Siddiqi 2006, Credit Risk Scorecards).
const (
	Moderate = 0.1
	Major    = 0.25
)

// Limits say what matters. The zero value is the defaults.
type Limits struct {
	// PSI is the largest one that does not matter. Defaults to Moderate. The limits of the other statistics are what they are where a normal
	// distribution has moved by so much that this is its PSI, by √PSI standard deviations: √PSI for Wasserstein, 2Φ(√PSI/2) - 1 for Kolmogorov-Smirnov
	// and, in nats, PSI/8 for Jensen-Shannon.
	PSI float64
}

// mostMissing is the largest difference between the shares of missing values that does not matter, and mostUnseen the largest share of rows with a value
// that the reference does not have, beyond what chance brings.
const mostMissing, mostUnseen = 0.05, 0.01

// of is the limit of a statistic, 0 for none.
func (l Limits) of(name Name) float64 {
	index := l.PSI
	if index == 0 {
		index = Moderate
	}
	switch name {
	case PSI:
		return index
	case JensenShannon:
		return index / 8
	case KS:
		return 2*distuv.UnitNormal.CDF(math.Sqrt(index)/2) - 1
	case Wasserstein:
		return math.Sqrt(index)
	case Missingness:
		return mostMissing
	default:
		return 0
	}
}

// Compare holds the counts of a window against those of the reference, in the order of the features. Too few rows are a result, see Result.Short. Counts
// that are not of these bins are a fault.Invalid. The same counts give the same results to the bit.
func Compare(b Bins, reference, window Counts, l Limits) ([]Result, error) {
	bins := emptyCounts(b)
	if !reference.fit(bins) || !window.fit(bins) {
		return nil, fault.New(fault.Invalid, "the counts are of other bins than the reference's: count the rows anew")
	}
	results := make([]Result, len(b.Features))
	_ = parallel.Each(len(results), func(i int) error { // none fails
		results[i] = compare(b.Features[i], reference.Features[i], window.Features[i], l)
		return nil
	})
	return results, nil
}

func compare(f FeatureBins, reference, window []int64, l Limits) Result {
	r := Result{Feature: f.Feature, Reference: f.side(reference), Window: f.side(window), Statistics: []Statistic{}, P: 1}
	if r.Short = shortage("rows", r.Reference.Rows, r.Window.Rows, MinRows); r.Short != nil {
		return r
	}
	c := cellsOf(f, reference, window)
	there := shortage("rows with a value", r.Reference.Rows-r.Reference.Missing, r.Window.Rows-r.Window.Missing, MinRows)
	if f.Numbers != nil {
		r.Short = there
	}
	n := newNull(c, f.Numbers != nil && there == nil)
	n.sample()
	for i, name := range n.names {
		s := Statistic{Name: name, Value: n.observed[i], P: n.p(i)}
		switch name {
		case PSI:
			s.Lower = n.quadraticLower(i, 1)
		case JensenShannon:
			s.Lower = n.quadraticLower(i, 8)
		case KS:
			s.Lower = n.lower(i, s.P)
		case Wasserstein:
			r.Distance = s.Value
			s.Value, s.Lower = finite(s.Value/f.Numbers.scale()), finite(n.lower(i, s.P)/f.Numbers.scale())
		}
		r.Statistics = append(r.Statistics, s)
	}
	if c.missing {
		r.Statistics = append(r.Statistics, missingness(r.Reference, r.Window))
	}
	var ps []float64
	for i := range r.Statistics {
		s := &r.Statistics[i]
		s.Limit = l.of(s.Name)
		s.Beyond = s.Limit > 0 && s.Lower > s.Limit
		if s.Name == ChiSquared || s.Name == KS || s.Name == Missingness {
			ps = append(ps, s.P)
		}
	}
	r.P = math.Min(1, slices.Min(ps)*float64(len(ps)))
	return r
}

// side is what there is of a feature.
func (f *FeatureBins) side(counts []int64) Side {
	s := Side{Rows: sum(counts), Missing: counts[len(counts)-1]}
	if f.Numbers == nil {
		s.Unlisted = sum(counts[len(f.Levels) : len(counts)-1])
	}
	return s
}

// scale is the reference's standard deviation, or, of a constant, its size.
func (n *NumberBins) scale() float64 {
	switch {
	case n.SD > 0:
		return n.SD
	case n.Max != 0:
		return math.Abs(n.Max)
	default:
		return 1
	}
}
