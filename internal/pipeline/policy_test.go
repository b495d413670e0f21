package pipeline_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
)

func TestValidCutoff(t *testing.T) {
	t.Parallel()
	for _, v := range []float64{math.SmallestNonzeroFloat64, 0.25, 0.5, math.Nextafter(1, 0)} {
		require.True(t, pipeline.ValidCutoff(v), "%v", v)
	}
	for _, v := range []float64{0, math.Copysign(0, -1), 1, -0.1, 1.5, math.NaN(), math.Inf(1), math.Inf(-1)} {
		require.False(t, pipeline.ValidCutoff(v), "%v", v)
	}
}
