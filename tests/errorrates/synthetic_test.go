package main

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Synthetic requests promote no challenger that clients would have shown to be bad: where they ask every four seconds it is hardly ever missed, and a good
// one is never kept.
func TestSyntheticRequestsDoNotOutvoteClients(t *testing.T) {
	t.Parallel()
	cfg := shipped().Deploy.Canary
	const canaries = 60
	for i, test := range []struct {
		rate, refused float64
		most          int
	}{{0.25, 1, 2}, {0.25, 0.5, 3}, {0.5, 0.05, 3}, {2, 0.05, 2}} {
		promoted := promotedBeside(cfg, test.rate, test.refused, canaries, rand.New(rand.NewPCG(1, uint64(i))))
		require.LessOrEqual(t, promoted, test.most, "%g a second, %g refused", test.rate, test.refused)
	}
	require.Equal(t, canaries, promotedBeside(cfg, 0.25, 0, canaries, rand.New(rand.NewPCG(2, 0))))
	require.Equal(t, canaries, promotedBeside(cfg, 0, 0, canaries, rand.New(rand.NewPCG(2, 1))), "nobody asks")
}
