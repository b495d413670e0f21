package drift

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/statistics"
)

// MaxSeparated is how many rows of either sample Separate looks at.
const MaxSeparated = 20_000

// Separation is how well a classifier tells rows of the window from rows of the reference.
type Separation struct {
	// AUC is the probability that of a row of each, neither of which the classifier has learned from, that of the window has the higher score: 0.5 where
	// the rows are alike.
	AUC float64 `json:"auc"`
	// P is the p-value of no drift of any kind: that of Mann & Whitney 1947, doi 10.1214/aoms/1177730491, one-sided, of the rows held out.
	P float64 `json:"p"`
	// Lower is a 95 % lower confidence bound of the AUC.
	Lower float64 `json:"lower"`
	// Limit is the AUC of a drift that does not matter, Φ(√(PSI/2)) of Limits.PSI: what tells two normal distributions apart that have this PSI.
	Limit  float64 `json:"limit"`
	Beyond bool    `json:"beyond"`
	// Reference and Window are the rows held out.
	Reference int `json:"reference"`
	Window    int `json:"window"`
	// Features are those that the score leans on, the most important first. They mean something where P is small.
	Features []Lean `json:"features"`
	// Short is set where there were too few rows; then P is 1.
	Short *Shortage `json:"short,omitempty"`
}

// Lean is a feature's part of the variance of the score of the rows held out; a product of two features counts half for each.
type Lean struct {
	Feature string  `json:"feature"`
	Share   float64 `json:"share"`
}

// thinned is MaxSeparated of the rows where there are more.
func thinned(t dataset.Table) dataset.Table {
	if t.Rows() <= MaxSeparated {
		return t
	}
	return t.Select(dataset.Drawn(t.Rows(), MaxSeparated))
}

// Separate trains a classifier on half of the rows and measures it on the other half, so that its p-value holds whatever was learned (Lopez-Paz & Oquab
// 2017, https://arxiv.org/abs/1610.06545). It is a logistic regression on normal scores of the numbers, what is missing, frequent levels of categories,
// and squares and products of numbers: it finds what no feature shows alone, such as a correlation that has changed. Which rows are which half is decided
// by where they stand. Of more than MaxSeparated rows so many are looked at, see dataset.Drawn. A column that is absent or of the wrong kind is a fault.Invalid.
func Separate(features []Feature, reference, window dataset.Table, l Limits) (Separation, error) {
	reference, window = thinned(reference), thinned(window)
	s := Separation{AUC: 0.5, P: 1, Features: []Lean{}, Limit: distuv.UnitNormal.CDF(math.Sqrt(l.of(PSI) / 2))}
	if s.Short = shortage("rows", int64(reference.Rows()), int64(window.Rows()), 2*MinRows); s.Short != nil {
		return s, nil
	}
	d, err := newContrast(features, reference, window)
	if err != nil {
		return s, err
	}
	weights := d.design(d.train).fit()
	held := d.design(d.held)
	scores := held.scores(weights)
	s.measure(scores, held.reference)
	s.Beyond = s.Lower > s.Limit
	for i, share := range held.shares(weights, scores, len(features)) {
		if share > 0 {
			s.Features = append(s.Features, Lean{Feature: features[i].Name, Share: share})
		}
	}
	slices.SortStableFunc(s.Features, func(a, b Lean) int { return cmp.Compare(b.Share, a.Share) })
	return s, nil
}

// measure computes the AUC of scores, of which those of the reference come first.
func (s *Separation) measure(scores []float64, reference int) {
	ranks := statistics.MidRanks(scores)
	m, n := float64(reference), float64(len(scores)-reference)
	s.Reference, s.Window = reference, len(scores)-reference
	if m == 0 || n == 0 {
		return
	}
	above := -n * (n + 1) / 2
	for _, rank := range ranks[reference:] {
		above += rank
	}
	s.AUC = above / (m * n)
	ties := 0.0
	sorted := slices.Sorted(slices.Values(scores))
	for from := 0; from < len(sorted); {
		to := from
		for to < len(sorted) && sorted[to] == sorted[from] {
			to++
		}
		t := float64(to - from)
		ties += t * (t*t - 1)
		from = to
	}
	all := m + n
	variance := (all + 1 - ties/(all*(all-1))) / (12 * m * n)
	if variance > 0 {
		s.P = math.Max(distuv.UnitNormal.Survival((s.AUC-0.5)/math.Sqrt(variance)), math.SmallestNonzeroFloat64)
	}
	// The variance away from 0.5: Hanley & McNeil 1982, doi 10.1148/radiology.143.1.7063747, the smaller sample as the one that varies more.
	a := s.AUC
	q1, q2 := a/(2-a)-a*a, 2*a*a/(1+a)-a*a
	cross := math.Max(float64((m-1)*q1)+float64((n-1)*q2), float64((n-1)*q1)+float64((m-1)*q2))
	s.Lower = math.Max(0, a-normal95*math.Sqrt((float64(a*(1-a))+cross)/(m*n)))
}
