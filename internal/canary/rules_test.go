package canary

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
)

// A rate above its limit that chance explains holds a bake up for bakeGrace and is said then: it showed a fault, though none that is known to be one.
func TestABakeThatStaysAboveALimitEndsAndSaysSo(t *testing.T) {
	t.Parallel()
	status := Status{Phase: Promoting, Weight: 100, StableClients: goodTrack(10_000)}.Bake(spec())
	for window := 1; window <= 4; window++ {
		track := goodTrack(100)
		track.Faults.Failed = 2 // of a limit of 1 %
		next, verdict, reasons := Decide(spec(), nil, status, weighted(10, Track{}, track))
		require.Contains(t, reasons[1], "on the challenger (2.00 %)")
		if window < 4 { // 5 s and 30 s of grace
			require.Equal(t, Hold, verdict)
			status = next
			continue
		}
		require.Equal(t, Pass, verdict)
		require.Equal(t, Passed, next.Phase)
		require.Equal(t, "bake: 400 requests of clients; what is beyond a limit may be so by chance", reasons[0])
		require.Regexp(t, "^failed: 8 of 400 ", reasons[1])
		require.Regexp(t, "^failed: in the last window 2 of 100 ", reasons[2])
		require.Len(t, reasons, 3)
	}
}

// What the platform's own requests showed of the old champion is what theirs are held against.
func TestABakeHoldsSyntheticRequestsAgainstSyntheticOnes(t *testing.T) {
	t.Parallel()
	slow := goodTrack(1000)
	slow.Singles.Slow = 200
	last := Status{Phase: Progressing, Weight: 70, Step: 3}
	last.Synthetic.Traffic.Stable = slow
	bake := last.enter(Promoting).Bake(spec())
	_, verdict, _ := Decide(spec(), nil, bake, Observation{Seconds: 3, Synthetic: Traffic{Canary: slow}})
	require.Equal(t, Hold, verdict)
	_, verdict, _ = Decide(spec(), nil, bake, Observation{Seconds: 3, Clients: Traffic{Canary: slow}})
	require.Equal(t, Fail, verdict, "clients of the old one were not slow")
}

// Synthetic requests decide where clients are quiet: for four intervals, and for half of the time at least, so that one who asks seldom is waited for.
func TestClientsAreQuietForHalfOfTheTime(t *testing.T) {
	t.Parallel()
	synthetic := Observation{Seconds: 3, Synthetic: Traffic{Pairs: goodPairs(600)}}
	for silent, want := range map[float64]Verdict{6: Hold, 9: Hold, 17: Hold, 48: Hold, 49: Pass} { // 3 s more in all
		status := Start(spec())
		status.Seconds, status.Silent = 100, silent
		_, verdict, reasons := Decide(spec(), nil, status, synthetic)
		require.Equal(t, want, verdict, "silent for %g of 100 s: %v", silent, reasons)
	}
	status := Start(spec())
	status.Seconds, status.Silent = 6, 8
	_, verdict, _ := Decide(spec(), nil, status, synthetic)
	require.Equal(t, Hold, verdict, "11 s are not four intervals of 3 s")
	status.Silent = 9
	_, verdict, _ = Decide(spec(), nil, status, synthetic)
	require.Equal(t, Pass, verdict)
}

// A client whose requests all fail is one who asks.
func TestAClientThatIsRefusedIsNotQuiet(t *testing.T) {
	t.Parallel()
	unmirrored := spec()
	unmirrored.Mirror = false
	status := Start(unmirrored)
	status.Silent = 100
	refused := Track{Started: 1, Requests: 1, Faults: Faults{Refused: 1}}
	status, _, _ = Decide(unmirrored, nil, status, weighted(3, Track{}, refused))
	require.Zero(t, status.Silent)
	status, _, _ = Decide(unmirrored, nil, status, weighted(3, goodTrack(10), Track{}))
	require.Equal(t, 3., status.Silent, "stable's say nothing of the challenger")
}

// Of applicants with scores that no row of the prediction has anything may be true: whatever the challenger decides of them is no fault.
func TestWhatNoRowWasPredictedForIsNoFault(t *testing.T) {
	t.Parallel()
	const n = 1000
	var p Prediction
	for range n {
		p.Add(Decided{Score: 0.99, Approved: false}, Decided{Score: 0.99, Approved: false})
	}
	j := judge{cfg: spec(), prediction: &p, need: Needs(spec(), &p, Start(spec()))}
	flipped := goodTrack(n)
	flipped.Approved, flipped.Scores = 0, rising(n)
	for _, f := range j.tracks(goodTrack(n), flipped) {
		require.Greater(t, f.chance(), 0.5, "fewer approvals: %s", f)
	}
	for _, f := range j.tracks(flipped, goodTrack(n)) {
		require.Greater(t, f.chance(), 0.5, "more approvals: %s", f)
	}
	pairs := goodPairs(n)
	pairs.ToApprove, pairs.ToDecline, pairs.CanaryScores = 300, 300, rising(n)
	for _, f := range j.pairs(pairs) {
		require.Greater(t, f.chance(), 0.5, "pairs: %s", f)
	}
	var always Prediction // everybody would turn, and nobody does
	for range n {
		always.Add(Decided{Score: 0.99}, Decided{Score: 0.99, Approved: true})
	}
	j.prediction = &always
	for _, f := range j.pairs(goodPairs(n)) {
		require.Greater(t, f.chance(), 0.5, "none turned: %s", f)
	}
}

// Pairs that both sides refused say nothing: they neither meet a need nor are they something new, but what is under way may be.
func TestPairsThatBothRefusedSayNothing(t *testing.T) {
	t.Parallel()
	rubbish := goodPairs(93)
	rubbish.Started, rubbish.Ended = 277, 277
	_, verdict, reasons := Decide(spec(), nil, Start(spec()), mirrored(20, rubbish))
	require.Equal(t, Hold, verdict, "%v", reasons)
	status := Start(spec())
	status.Silent = 10
	silent := func(p Pairs) float64 {
		next, _, _ := Decide(spec(), nil, status, mirrored(3, p))
		return next.Silent
	}
	require.Equal(t, 13., silent(Pairs{Started: 50, Ended: 50}), "one who sends rubbish only")
	require.Zero(t, silent(Pairs{Started: 51, Ended: 50}), "one is under way")
	require.Zero(t, silent(Pairs{Started: 1, Ended: 1, Answered: 1}))
	require.Zero(t, silent(Pairs{Started: 1, Ended: 1, Mended: Faults{Failed: 1}}))
}

// A challenger that outgrew its plan is aborted at once, in every phase, whatever it answered and however many failed checks the spec allows.
func TestAChallengerThatIsKilledAtItsLimitIsAborted(t *testing.T) {
	t.Parallel()
	cfg := pipeline.Canary{Steps: []int{10, 50}, MaxFailedChecks: 5, Mirror: true}
	for _, phase := range []Phase{Mirroring, Progressing, Baking} {
		status, verdict, reasons := Decide(cfg, nil, Status{Phase: phase}, Observation{Seconds: 10, Killed: "killed at 128 MiB, the plan's limit"})
		require.Equal(t, Aborted, status.Phase)
		require.Equal(t, Fail, verdict)
		require.Equal(t, []string{"memory: the challenger's predictor was killed at 128 MiB, the plan's limit"}, reasons)
		require.Equal(t, &Ending{Check: Memory}, status.Ended)
	}
	status, _, _ := Decide(cfg, nil, Status{Phase: Passed}, Observation{Killed: "killed at 128 MiB, the plan's limit"})
	require.Equal(t, Passed, status.Phase, "it has ended")
}
