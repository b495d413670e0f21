package evaluate

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is measured has a name, and what has a name is measured and compared.
func TestEveryMetricIsMeasured(t *testing.T) {
	t.Parallel()
	y, p := []float64{0, 1, 0, 1, 1}, []float64{0.1, 0.4, 0.6, 0.9, 0.8}
	names := slices.Sorted(slices.Values(Names()))
	evaluated, err := Evaluate(y, p)
	require.NoError(t, err)
	require.Equal(t, names, slices.Sorted(maps.Keys(evaluated.Metrics)))
	measured, err := Measure(y, p)
	require.NoError(t, err)
	require.Equal(t, names, slices.Sorted(maps.Keys(measured)))
	paired, err := Paired(y, p, p)
	require.NoError(t, err)
	require.Equal(t, names, slices.Sorted(maps.Keys(paired)))
}

// Wanted from what each measures: squares and logarithms of errors fall where scores get better, the others rise.
func TestWhichWayIsBetter(t *testing.T) {
	t.Parallel()
	good, err := Evaluate([]float64{0, 1, 0, 1}, []float64{0.1, 0.9, 0.2, 0.8})
	require.NoError(t, err)
	bad, err := Evaluate([]float64{0, 1, 0, 1}, []float64{0.6, 0.3, 0.1, 0.4})
	require.NoError(t, err)
	for _, m := range Metrics {
		require.NotEmpty(t, m.Title)
		require.Equal(t, m.Falls, good.Metrics[m.Name].Estimate < bad.Metrics[m.Name].Estimate, m.Name)
	}
	_, known := MetricOf("gini")
	require.False(t, known)
}
