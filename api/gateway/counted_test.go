package gateway

import (
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"
)

// counted is what the series of a metric that have these labels ("name=value") add up to; of a histogram, how many it has observed.
func counted(t testing.TB, g *Gateway, metric string, labels ...string) int {
	t.Helper()
	families, err := g.metrics.registry.Gather()
	require.NoError(t, err)
	total := 0.0
	for _, family := range families {
		for _, series := range family.GetMetric() {
			if family.GetName() == metric && labelled(series, labels) {
				total += series.GetCounter().GetValue() + float64(series.GetHistogram().GetSampleCount())
			}
		}
	}
	return int(total)
}

func labelled(series *dto.Metric, labels []string) bool {
	return !slices.ContainsFunc(labels, func(label string) bool {
		name, value, _ := strings.Cut(label, "=")
		return !slices.ContainsFunc(series.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == name && l.GetValue() == value })
	})
}

// eventually waits until so many are counted: a copy has its own time, and only its counters tell.
func eventually(t testing.TB, g *Gateway, want int, metric string, labels ...string) {
	t.Helper()
	require.Eventually(t, func() bool { return counted(t, g, metric, labels...) == want }, 10*time.Second, time.Millisecond,
		"%s %v is not %d", metric, labels, want)
}
