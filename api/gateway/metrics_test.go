package gateway

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/deploy/contract"
)

// The canary's analysis reads scores bucket by bucket: those of tracks and those of pairs are counted in its buckets.
func TestScoresAreCountedInTheCanarysBuckets(t *testing.T) {
	t.Parallel()
	m, r, answered := newMetrics(nil), request{kind: contract.KindSingle}, result{code: 200, score: 0.5, verdict: "approve"}
	m.decided(r.labels(&track{}), answered)
	m.pairs.end(r.pairLabels(&track{}, &track{}), answered, answered)
	families, err := m.registry.Gather()
	require.NoError(t, err)
	bounds := map[string][]float64{}
	for _, family := range families {
		for _, bucket := range family.GetMetric()[0].GetHistogram().GetBucket() {
			bounds[family.GetName()] = append(bounds[family.GetName()], bucket.GetUpperBound())
		}
	}
	require.Equal(t, canary.ScoreBounds(), bounds[contract.ScoreMetric])
	require.Equal(t, canary.ScoreBounds(), bounds[contract.PairScoreMetric])
}
