package activities

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// timings are the latencies of one kind of request in milliseconds, ascending, and how many failed.
type timings struct {
	millis []float64
	failed int
}

// at is the q-quantile: the smallest latency that a share of q does not exceed (nearest rank).
func (t timings) at(q float64) float64 {
	if len(t.millis) == 0 {
		return 0
	}
	return t.millis[max(0, int(math.Ceil(q*float64(len(t.millis))))-1)]
}

// slower is how many took longer than the limit.
func (t timings) slower(limit float64) int {
	return len(t.millis) - sort.Search(len(t.millis), func(i int) bool { return t.millis[i] > limit })
}

func (t timings) String() string {
	return fmt.Sprintf("p50 %.1f ms, p95 %.1f ms, p99 %.1f ms of %d, %d failed", t.at(0.5), t.at(0.95), t.at(0.99), len(t.millis), t.failed)
}

func (t timings) failures(what string, p99 float64) []string {
	var failures []string
	if t.failed > 0 {
		failures = append(failures, fmt.Sprintf("%s: %d of %d failed", what, t.failed, len(t.millis)))
	}
	if slow := t.slower(p99); tooSlow(slow, len(t.millis)) {
		failures = append(failures, fmt.Sprintf("%s: p99 is %.1f ms, the limit is %.1f ms; %d of %d took longer", what, t.at(0.99), p99, slow, len(t.millis)))
	}
	return failures
}

// A p99 at its limit means that this share of requests is slow; a model that has it is refused in at most one of a hundred tests.
const (
	slowShare     = 0.01
	refusedByLuck = 0.01
)

// tooSlow says that more of n requests were slow than a p99 at its limit explains (one-sided binomial test):
//
//	P(X >= slow) = I_0.01(slow, n - slow + 1) <= 0.01 where X ~ Binomial(n, 0.01)
//
// I is the regularised incomplete beta function. The p99 itself would not do: of 50 requests it is the slowest, so that one hiccup of the machine
// would decide.
func tooSlow(slow, n int) bool {
	return slow > 0 && mathext.RegIncBeta(float64(slow), float64(n-slow+1), slowShare) <= refusedByLuck
}
