package predictor

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the predictor's own; those of whole requests are the gateway's.
type metrics struct {
	registry                     *prometheus.Registry
	preprocess, predict, explain prometheus.Observer
	features                     prometheus.Observer // within preprocess
	unanswered                   prometheus.Counter
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
	preprocess, predict, explain, features := stage("preprocess"), stage("predict"), stage("explain"), stage("features")
	m := &metrics{
		registry: prometheus.NewRegistry(), preprocess: preprocess, predict: predict, explain: explain, features: features,
		unanswered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "loanops_features_unanswered_total", Help: "Requests for which the feature store did not answer in time.", ConstLabels: labels,
		}),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "loanops_decisions_total", Help: "Decisions by verdict.", ConstLabels: labels}, []string{"verdict"}),
		scores: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "loanops_score", Help: "Distribution of the probabilities.", ConstLabels: labels, Buckets: prometheus.LinearBuckets(0.05, 0.05, 20),
		}),
	}
	m.registry.MustRegister(preprocess, predict, explain, features, m.unanswered, m.decisions, m.scores,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}
