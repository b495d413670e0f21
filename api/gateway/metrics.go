package gateway

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/loanops/loanops/api/bearer"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/contract"
)

// metrics are what people, alerts and the canary analysis read. No series is ever taken away, as that would look like a restart to whoever
// reads windows: a delivery leaves at most about 750 behind, 200 KB of text before compression, until the process ends.
type metrics struct {
	registry                   *prometheus.Registry
	started, requests, refused *prometheus.CounterVec
	durations, scores          *prometheus.HistogramVec
	decisions                  *prometheus.CounterVec
	complaints                 *complaints
	pairs                      *pairs
}

func newMetrics(institutions bearer.Callers[institution]) *metrics {
	labels := []string{
		contract.PipelineLabel, contract.SlotLabel, contract.VersionLabel, contract.PolicyLabel, contract.SyntheticLabel, contract.KindLabel,
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		started:  counter(contract.StartedMetric, "Requests sent to a track.", labels),
		requests: counter(contract.RequestsMetric,
			"Requests by HTTP status; 502 when the predictor could not be reached, 504 when it did not answer in time, 499 when the caller hung up before.",
			labels, contract.CodeLabel),
		refused:    counter(contract.RefusedMetric, "Requests that a track refused (4xx), the same bytes of clients once.", labels),
		durations:  histogram(contract.DurationMetric, "Time from the request to the answer.", durationBounds, labels),
		scores:     histogram(contract.ScoreMetric, "Probabilities of single decisions, each application of clients once.", canary.ScoreBounds(), labels),
		decisions:  counter(contract.DecisionsMetric, "Single decisions by verdict, each application of clients once.", labels, contract.VerdictLabel),
		complaints: newComplaints(),
		pairs:      newPairs(),
	}
	m.registry.MustRegister(m.started, m.requests, m.refused, m.durations, m.scores, m.decisions, m.complaints,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(m.pairs.collectors()...)
	clients := prometheus.NewGauge(prometheus.GaugeOpts{Name: contract.InstitutionsMetric, Help: "Institutions that have a key."})
	for _, i := range institutions {
		if i.Name != Synthetic {
			clients.Inc()
		}
	}
	m.registry.MustRegister(clients)
	return m
}

func counter(name, help string, labels []string, more ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append(labels[:len(labels):len(labels)], more...))
}

func histogram(name, help string, bounds []float64, labels []string, more ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: bounds}, append(labels[:len(labels):len(labels)], more...))
}

// labels are the values of a request to a track.
func (r *request) labels(t *track) []string {
	return []string{r.pipeline, t.slot, strconv.Itoa(t.ModelVersion), t.PolicyDigest, strconv.FormatBool(r.synthetic), r.kind}
}

// ended records how a request ended.
func (m *metrics) ended(labels []string, r result) {
	m.requests.WithLabelValues(append(labels, strconv.Itoa(r.code))...).Inc()
	if r.code != contract.CodeAbandoned {
		m.durations.WithLabelValues(labels...).Observe(r.took.Seconds())
	}
}

// decided records a single decision.
func (m *metrics) decided(labels []string, r result) {
	m.scores.WithLabelValues(labels...).Observe(r.score)
	m.decisions.WithLabelValues(append(labels, r.verdict)...).Inc()
}

// durationBounds are in seconds.
var durationBounds = []float64{0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.75, 1, 2, 5, 10}
