package performance

import (
	"math"
	"math/rand/v2"
)

var (
	labels = []float64{
		0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0,
		0, 0, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1,
	}
	scores = []float64{
		0.51, 0.5, 0.42, 0.13, 0.26, 0.31, 0.27, 0.85, 0.2, 0.44, 0.52, 0.68, 0.54, 0.15, 0.64, 0.8, 0.2, 0.36, 0.12, 0.14,
		0.22, 0.38, 0.22, 0.47, 0.46, 0.3, 0.13, 0.35, 0.61, 0.53, 0.13, 0.34, 0.22, 0.31, 0.71, 0.28, 0.33, 0.62, 0.56, 0.39,
	}
	few = Limits{Rows: 4, Class: 2}
)

// sample draws log-odds of a mean, labels of them, and the probabilities.
func sample(seed uint64, n int, mean float64) (y, logOdds, p []float64) {
	random := rand.New(rand.NewPCG(seed, 1))
	for range n {
		z := mean + random.NormFloat64()
		label := 0.0
		if random.Float64() < sigmoid(z) {
			label = 1
		}
		y, logOdds, p = append(y, label), append(logOdds, z), append(p, sigmoid(z))
	}
	return y, logOdds, p
}

// scored are scores of log-odds with noise, sure times as large.
func scored(seed uint64, logOdds []float64, noise, sure float64) []float64 {
	random := rand.New(rand.NewPCG(seed, 2))
	p := make([]float64, len(logOdds))
	for i, z := range logOdds {
		p[i] = sigmoid(sure * (z + noise*random.NormFloat64()))
	}
	return p
}

func unknown(n int) []float64 {
	y := make([]float64, n)
	for i := range y {
		y[i] = math.NaN()
	}
	return y
}
