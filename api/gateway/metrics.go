package gateway

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
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
	labels := []string{"pipeline", "track", "model_version", "synthetic"}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "loanops_gateway_requests_total", Help: "Requests by HTTP status; 502 when the predictor could not be reached.",
		}, append(labels, "code")),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "loanops_gateway_request_duration_seconds", Help: "Time from the request to the answer.",
			Buckets: []float64{0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10},
		}, labels),
		scores: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "loanops_gateway_score", Help: "Probabilities of single decisions.", Buckets: scoreBounds(),
		}, labels),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "loanops_gateway_decisions_total", Help: "Single decisions by verdict.",
		}, append(labels, "verdict")),
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
