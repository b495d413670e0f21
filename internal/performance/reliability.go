package performance

import (
	"math"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/statistics"
)

// Reliability holds what scores say against what came of it, as a reliability diagram shows it.
type Reliability struct {
	Rows int `json:"rows"` // matured
	// Bins are up to ten groups of about equally many rows by rising score. Rows of one score are in one group.
	Bins []ReliabilityBin `json:"bins,omitempty"`
	// Scores counts the rows by score, in a hundred bins of width 0.01. The last one has 1 in it.
	Scores []int `json:"scores,omitempty"`
	// Calibration is of all rows together; nil where there are not enough data, which Note then says.
	Calibration *Calibration `json:"calibration,omitempty"`
	Note        string       `json:"note,omitempty"`
}

// ReliabilityBin is a group of rows with similar scores.
type ReliabilityBin struct {
	Rows      int     `json:"rows"`
	Predicted float64 `json:"predicted"` // the mean score
	// Observed is the share of positive labels with Wilson's interval.
	Observed evaluate.Metric `json:"observed"`
}

// scoreBins is how many bins of equal width Reliability.Scores has.
const scoreBins = 100

// Relied measures it on the rows whose label has matured. Labels of nil are none. Invalid where the columns do not have the same rows, or hold what
// is no score or no label.
func Relied(labels, scores []float64, limits Limits) (Reliability, error) {
	if err := check(labels, scores); err != nil {
		return Reliability{}, err
	}
	y, p := known(labels, scores)
	r := Reliability{Rows: len(y), Note: limits.wanting(len(y), positives(y))}
	if r.Note != "" {
		return r, nil
	}
	c := calibrated(y, p)
	r.Calibration, r.Bins, r.Scores = &c, reliabilityBins(y, p), make([]int, scoreBins)
	for _, score := range p {
		r.Scores[min(int(score*scoreBins), scoreBins-1)]++
	}
	return r, nil
}

// reliabilityBins cut the rows by score where a tenth of them is full, and never between two of the same score: which of these came first would
// decide what is observed. A group of less than half a tenth is part of its neighbour.
func reliabilityBins(y, p []float64) []ReliabilityBin {
	const bins = 10
	order, least := byScore(p), max(1, len(p)/(2*bins))
	cuts := []int{0}
	for b := 1; b < bins; b++ {
		cut := b * len(p) / bins
		for cut > 0 && cut < len(p) && p[order[cut]] == p[order[cut-1]] {
			cut++
		}
		if cut-cuts[len(cuts)-1] >= least && len(p)-cut >= least {
			cuts = append(cuts, cut)
		}
	}
	cuts = append(cuts, len(p))
	found := make([]ReliabilityBin, len(cuts)-1)
	for b := range found {
		rows := order[cuts[b]:cuts[b+1]]
		positive := 0
		for _, i := range rows {
			found[b].Predicted += p[i] / float64(len(rows))
			positive += int(y[i])
		}
		lower, upper := statistics.Wilson(positive, len(rows))
		found[b].Rows = len(rows)
		found[b].Observed = evaluate.Metric{Estimate: float64(positive) / float64(len(rows)), Lower: lower, Upper: upper}
	}
	return found
}

// expectedError is the mean distance of the mean score and the observed share in the bins, by their rows.
func expectedError(y, p []float64) float64 {
	var e float64
	for _, bin := range reliabilityBins(y, p) {
		e += float64(float64(bin.Rows) * math.Abs(bin.Predicted-bin.Observed.Estimate))
	}
	return e / float64(len(p))
}
