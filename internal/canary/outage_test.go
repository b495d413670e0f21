package canary

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// failing is what callers saw in a while: n of the challenger's requests, of which x failed, and m of stable's, all well.
func failing(x, n, m int64) Traffic {
	canary := goodTrack(n)
	canary.Faults.Failed = x
	return Traffic{Stable: goodTrack(m), Canary: canary}
}

// A challenger that dies: after how many requests of clients it is found at a step's weight. Wanted: by hand from excess' formula, whose exponent for x
// of x beside m of m is x·ln(1/(p+0.01)) + m·ln(1/(1-p)) at its least, and a level of 0.01 / (6·2·12) / (168·3600/2), which is exp(-22.2).
func TestOutage(t *testing.T) {
	t.Parallel()
	for weight, want := range map[int64]int64{5: 6, 20: 9, 40: 15, 70: 27} {
		x := int64(1)
		for !Outage(spec(), failing(x, x, x*(100-weight)/weight)) {
			x++
		}
		require.InDelta(t, want, x, 1, "at %d %%", weight)
	}
	require.False(t, Outage(spec(), Traffic{}))
	require.False(t, Outage(spec(), failing(100, 100, 0)), "nobody knows how stable does")
	both := failing(100, 100, 100)
	both.Stable.Faults.Failed = 90
	require.False(t, Outage(spec(), both), "an outage of both")
	refused := failing(0, 100, 100)
	refused.Canary.Faults.Refused = 100
	require.False(t, Outage(spec(), refused), "a burst of rubbish is its client's")
	hanging := failing(0, 100, 100)
	hanging.Canary.Faults.Unended = 100
	require.True(t, Outage(spec(), hanging))
}

// However good all was before, the clients of a challenger that dies in a step are few; whoever else fails as well is no fault of it.
func TestAChallengerThatDiesInAStepIsFound(t *testing.T) {
	t.Parallel()
	status := Status{Phase: Progressing, Weight: 70, Step: 3, MirroredPairs: 300, ClientRate: 1}
	status, verdict, _ := Decide(spec(), nil, status, weighted(7200, goodTrack(62), goodTrack(145)))
	require.Equal(t, Hold, verdict)
	late := failing(30, 30, 13)
	seen := Observation{Seconds: 10, Clients: late, Lately: late}
	aborted, verdict, reasons := Decide(spec(), nil, status, seen)
	require.Equal(t, Fail, verdict)
	require.Equal(t, Aborted, aborted.Phase)
	require.Equal(t, &Ending{Check: Failed, Requests: 175}, aborted.Ended)
	require.Regexp(t, `^failed: 30 of 30 requests of the last minute or so failed on the challenger`, reasons[0])
	seen.Lately.Stable.Faults.Failed, seen.Clients.Stable.Faults.Failed = 12, 12
	_, verdict, _ = Decide(spec(), nil, status, seen)
	require.Equal(t, Hold, verdict)
	mirroring := Start(spec())
	_, verdict, _ = Decide(spec(), nil, mirroring, Observation{Seconds: 3, Lately: late})
	require.Equal(t, Hold, verdict, "no client meets it there")
}

// At the limit itself, looked at after every request for as long as 20,000 of them: never an outage.
func TestGoodOnesHaveNoOutage(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		var lately Traffic
		for range 20_000 {
			track, rate := &lately.Stable, 0.05
			if rng.Float64() < 0.4 {
				track, rate = &lately.Canary, 0.06
			}
			track.Requests++
			if rng.Float64() < rate {
				track.Faults.Failed++
			}
			require.False(t, Outage(spec(), lately))
			if lately.Canary.Requests == 20 {
				lately = Traffic{}
			}
		}
	}
}
