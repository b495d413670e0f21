package performance

import (
	"math"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/statistics"
)

// Calibration says whether scores are the probabilities that they claim to be.
type Calibration struct {
	MeanPredicted float64 `json:"mean_predicted"`
	// Observed is the share of positive labels with Wilson's interval.
	Observed evaluate.Metric `json:"observed"`
	// Intercept is how much higher the log-odds of a positive label are than the scores say, on average: 0 where calibrated. It is that of a
	// logistic regression on the scores' log-odds with a slope of 1.
	Intercept *evaluate.Metric `json:"intercept,omitempty"`
	// Slope is that of a logistic regression on the scores' log-odds: 1 where calibrated, below 1 where scores are too extreme.
	Slope *evaluate.Metric `json:"slope,omitempty"`
	// ExpectedError is the mean distance of scores and observed shares over the bins of a Reliability. Chance alone makes it larger than 0.
	ExpectedError float64 `json:"expected_calibration_error"`
	// Z is Spiegelhalter's: standard normal where calibrated, positive where the Brier score is worse than the scores promise. P is two-sided.
	Z float64 `json:"spiegelhalter_z"`
	P float64 `json:"p"`
	// Note says why intercept and slope are not measured, where they are not.
	Note string `json:"note,omitempty"`
}

// calibrated measures it on matured rows, of both classes. Scores of exactly 0 or 1 count as 1e-6 from it where log-odds are taken.
//
// Sources: intercept and slope as Van Calster et al. 2019, doi 10.1186/s12916-019-1466-7; z as Spiegelhalter 1986, doi 10.1002/sim.4780050506:
//
//	z = Σ (y - p)(1 - 2p) / sqrt(Σ (1 - 2p)² p (1 - p))
func calibrated(y, p []float64) Calibration {
	n := float64(len(y))
	positive := positives(y)
	lower, upper := statistics.Wilson(positive, len(y))
	c := Calibration{ExpectedError: expectedError(y, p), Observed: evaluate.Metric{Estimate: float64(positive) / n, Lower: lower, Upper: upper}}
	logOdds := make([]float64, len(p))
	var above, variance float64
	for i, score := range p {
		c.MeanPredicted += score / n
		logOdds[i] = logit(score)
		far := 1 - 2*score
		above += float64((y[i] - score) * far)
		variance += float64(float64(far*far) * float64(score*(1-score)))
	}
	spiegelhalter := evaluate.NewDifference(above, variance)
	c.P = spiegelhalter.P
	if variance > 0 {
		c.Z = above / math.Sqrt(variance)
	}
	intercept, found := design{y: y, columns: [][]float64{ones(len(y))}, offset: logOdds}.fit()
	if found {
		c.Intercept = intercept.weight(0)
	}
	slope, sloped := design{y: y, columns: [][]float64{ones(len(y)), logOdds}}.fit()
	if sloped {
		c.Slope = slope.weight(1)
	}
	if !found || !sloped {
		c.Note = "intercept and slope: the scores are all alike, or tell the classes apart without error"
	}
	return c
}

// weight is one weight and its 95 % interval.
func (l logistic) weight(j int) *evaluate.Metric {
	margin := statistics.Normal975 * math.Sqrt(l.covariance.At(j, j))
	return &evaluate.Metric{Estimate: l.weights[j], Lower: l.weights[j] - margin, Upper: l.weights[j] + margin}
}
