package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/pipeline"
)

// By hand: 1.2 times the share, up to the next whole percent, above ten up to the next five.
func TestMissingMaxFor(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]float64{0: 0, 0.0001: 0.01, 0.05: 0.06, 0.08: 0.1, 0.09: 0.15, 0.1: 0.15, 0.6: 0.75, 0.9: 1, 1: 1} {
		require.InDelta(t, want, pipeline.MissingMaxFor(share), 1e-12, share)
	}
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		most := pipeline.MissingMaxFor(share)
		require.GreaterOrEqual(t, most, min(1.19*share, 1))
		require.LessOrEqual(t, most, min(1.2*share+0.05, 1)+1e-12)
	})
}
