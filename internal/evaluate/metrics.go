package evaluate

import "slices"

// MetricName is a metric as programs and as people call it.
type MetricName struct {
	Name, Title string
	Falls       bool // it measures an error: less of it is better
}

// Metrics are those of Evaluate, Measure and Paired, in the order in which they are told.
var Metrics = []MetricName{
	{Name: "auc", Title: "AUC"},
	{Name: "ks", Title: "Kolmogorov-Smirnov"},
	{Name: "brier", Title: "Brier score", Falls: true},
	{Name: "log_loss", Title: "log loss", Falls: true},
	{Name: "accuracy", Title: "accuracy"},
}

// MetricOf is the metric of a name; false where there is none.
func MetricOf(name string) (metric MetricName, known bool) {
	i := slices.IndexFunc(Metrics, func(m MetricName) bool { return m.Name == name })
	if i < 0 {
		return MetricName{}, false
	}
	return Metrics[i], true
}

// Names are those of the metrics.
func Names() []string {
	names := make([]string, len(Metrics))
	for i, m := range Metrics {
		names[i] = m.Name
	}
	return names
}
