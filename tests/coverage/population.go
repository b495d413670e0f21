package main

import (
	"math"
	"math/rand/v2"
)

// applicants draws rows of three features and their labels. The log-odds of a positive label are linear in the features, and bent where bend is not 0.
type applicants struct {
	rng  *rand.Rand
	bend float64
	// shift moves the first two features, in their standard deviations; spread is the standard deviation of all of them.
	shift, spread float64
	// weaker is by how much the weights are smaller, riskier by how much the log-odds are higher: changes of concept.
	weaker, riskier float64
}

// weights of the log-odds, the intercept first. About 22 % of the labels are positive, and the best AUC is about 0.77.
var weights = [4]float64{-1.6, 0.9, 0.6, 0.4}

// drawn is rows and what is true of them.
type drawn struct {
	x [][3]float64
	y []float64
}

func (a applicants) draw(n int) drawn {
	d := drawn{make([][3]float64, n), make([]float64, n)}
	for i := range n {
		x := &d.x[i]
		for j := range x {
			x[j] = a.spread * a.rng.NormFloat64()
		}
		x[0] += a.shift
		x[1] += a.shift
		logOdds := weights[0] + (1-a.weaker)*linear(*x) + a.riskier + a.bend*(x[0]*x[0]-1+x[0]*x[1])
		if a.rng.Float64() < sigmoid(logOdds) {
			d.y[i] = 1
		}
	}
	return d
}

func linear(x [3]float64) float64 { return weights[1]*x[0] + weights[2]*x[1] + weights[3]*x[2] }

// model scores rows: its weights are near the true ones, and it is somewhat too sure of itself.
type model struct{ weights [4]float64 }

// sureness is how many times the log-odds are the true ones'.
const sureness = 1.1

// train is a model with the errors that some thousands of rows of training leave.
func train(rng *rand.Rand) model {
	var m model
	for j, w := range weights {
		m.weights[j] = sureness * (w + 0.05*rng.NormFloat64())
	}
	return m
}

func (m model) scores(d drawn) []float64 {
	p := make([]float64, len(d.x))
	for i, x := range d.x {
		p[i] = sigmoid(m.weights[0] + m.weights[1]*x[0] + m.weights[2]*x[1] + m.weights[3]*x[2])
	}
	return p
}

// noisy scores are those of a version that, beside the truth, has so much noise of its own in its log-odds; versions of the same noise are equally good.
// sure is how many times the log-odds are too large.
func noisy(rng *rand.Rand, d drawn, noise, sure float64) []float64 {
	p := make([]float64, len(d.x))
	for i, x := range d.x {
		p[i] = sigmoid(sure * (weights[0] + linear(x) + noise*rng.NormFloat64()))
	}
	return p
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// rounded to two digits has many ties.
func rounded(p []float64) []float64 {
	out := make([]float64, len(p))
	for i := range p {
		out[i] = math.Round(100*p[i]) / 100
	}
	return out
}
