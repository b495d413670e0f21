package predictor

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the predictor's own; those of whole requests are the gateway's.
type metrics struct {
	registry                     *prometheus.Registry
	preprocess, predict, explain prometheus.Observer
	decisions                    *prometheus.CounterVec
	scores                       prometheus.Histogram
}

func newMetrics(name string) *metrics {
	labels := prometheus.Labels{"model_name": name}
	stage := func(stage string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "request_" + stage + "_seconds", Help: "Time of one decision spent to " + stage + ".", ConstLabels: labels,
			Buckets: prometheus.ExponentialBuckets(1e-6, 4, 10),
		})
	}
	preprocess, predict, explain := stage("preprocess"), stage("predict"), stage("explain")
	m := &metrics{
		registry: prometheus.NewRegistry(), preprocess: preprocess, predict: predict, explain: explain,
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "loanops_decisions_total", Help: "Decisions by verdict.", ConstLabels: labels}, []string{"verdict"}),
		scores: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "loanops_score", Help: "Distribution of the probabilities.", ConstLabels: labels, Buckets: prometheus.LinearBuckets(0.05, 0.05, 20),
		}),
	}
	m.registry.MustRegister(preprocess, predict, explain, m.decisions, m.scores,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}
