// Package model is a trained model as one immutable file, the bundle, and the one way to score with it. Evaluation, batch
// prediction and the predictor call the same Score.
package model

import (
	"math"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// Model is a logistic regression on encoded fields. It is safe for concurrent use once built.
type Model struct {
	Name string
	// Contract is what a request may hold: at least the fields of the signature.
	Contract request.Contract
	Encoder  transform.Encoder
	// Intercept and Coefficients are on the log-odds scale, one coefficient per encoded column.
	Intercept    float64
	Coefficients []float64
	// Background is the mean of every encoded column over the training rows: the baseline of explanations.
	Background []float64
}

// Signature returns the fields that the model reads, in row order.
func (m *Model) Signature() []transform.Field { return m.Encoder.Fields }

// Score returns the probability of the positive label for a row in signature order, in (0, 1). A row that cannot be
// encoded is fault.Invalid. A result that is not a number is fault.Internal: it is never returned.
func (m *Model) Score(row []transform.Value) (float64, error) {
	logit, err := m.logit(row)
	if err != nil {
		return 0, err
	}
	p := 1 / (1 + math.Exp(-logit))
	if math.IsNaN(p) {
		return 0, fault.New(fault.Internal, "the model gave no number")
	}
	return p, nil
}

func (m *Model) logit(row []transform.Value) (float64, error) {
	var stack [128]float64
	encoded := stack[:]
	if width := len(m.Coefficients); width > len(stack) {
		encoded = make([]float64, width)
	}
	encoded = encoded[:len(m.Coefficients)]
	if err := m.Encoder.Encode(row, encoded); err != nil {
		return 0, err
	}
	logit := m.Intercept
	for i, value := range encoded {
		logit += float64(m.Coefficients[i] * value)
	}
	return logit, nil
}

// Contributions returns, per field of the signature, how much it moves the row's log-odds against the average of the training
// rows. They sum to the difference of the two log-odds exactly (up to rounding): the model is additive.
func (m *Model) Contributions(row []transform.Value) ([]float64, error) {
	encoded := make([]float64, len(m.Coefficients))
	if err := m.Encoder.Encode(row, encoded); err != nil {
		return nil, err
	}
	contributions := make([]float64, len(m.Encoder.Fields))
	for field := range contributions {
		from, to := m.Encoder.Span(field)
		for i := from; i < to; i++ {
			contributions[field] += float64(m.Coefficients[i] * (encoded[i] - m.Background[i]))
		}
	}
	return contributions, nil
}
