package gateway

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// metrics are what people, alerts and the canary analysis read.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
	scores    *prometheus.HistogramVec
	decisions *prometheus.CounterVec
}

func newMetrics() *metrics {
	labels := []string{contract.PipelineLabel, contract.SlotLabel, contract.VersionLabel, contract.PolicyLabel, contract.SyntheticLabel}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: contract.RequestsMetric, Help: "Requests by HTTP status; 502 when the predictor could not be reached.",
		}, append(labels, contract.CodeLabel)),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: contract.DurationMetric, Help: "Time from the request to the answer.",
			Buckets: []float64{0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10},
		}, labels),
		scores: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: contract.ScoreMetric, Help: "Probabilities of single decisions.", Buckets: scoreBounds(),
		}, labels),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: contract.DecisionsMetric, Help: "Single decisions by verdict.",
		}, append(labels, contract.VerdictLabel)),
	}
	m.registry.MustRegister(m.requests, m.durations, m.scores, m.decisions,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// scoreBounds are 0.02, 0.04 … 1, each rounded once, so that their texts are short and the same everywhere.
func scoreBounds() []float64 {
	bounds := make([]float64, 50)
	for i := range bounds {
		bounds[i] = float64(i+1) / 50
	}
	return bounds
}
