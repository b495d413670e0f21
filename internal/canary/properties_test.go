package canary

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/pipeline"
)

// rank orders what a verdict says of a challenger.
var rank = map[Verdict]int{Fail: 0, Hold: 1, Pass: 2}

// quality is how much of the traffic shows a fault at most: each part is drawn.
type quality []float64

var (
	anyQuality = quality{0, 0, 0.002, 0.01, 0.05, 0.3}
	mostlyGood = quality{0, 0, 0, 0.001, 0.01}
)

func (q quality) of(n int64) *rapid.Generator[int64] {
	return rapid.Map(rapid.SampledFrom(q), func(part float64) int64 { return int64(part * float64(n)) })
}

func (q quality) faults(n int64) *rapid.Generator[Faults] {
	return rapid.Custom(func(t *rapid.T) Faults {
		part := q.of(n)
		return Faults{Refused: part.Draw(t, "refused"), Failed: part.Draw(t, "failed"), Unended: part.Draw(t, "unended")}
	})
}

func (q quality) pairs() *rapid.Generator[Pairs] {
	return rapid.Custom(func(t *rapid.T) Pairs {
		p := goodPairs(rapid.SampledFrom([]int64{0, 1, 30, 100, 277, 300, 2000, 100_000}).Draw(t, "pairs"))
		n := p.Ended
		p.Broken, p.Mended = q.faults(n).Draw(t, "broken"), q.faults(n).Draw(t, "mended")
		p.Started += rapid.SampledFrom([]int64{0, 0, 0, 2, 100}).Draw(t, "under way")
		p.Singles.CanarySlow = q.of(n).Draw(t, "slow")
		p.ToApprove = q.of(n).Draw(t, "to approve")
		if q.of(100).Draw(t, "swapped") == 30 {
			p.CanaryScores = rising(n)
		}
		return p
	})
}

func (q quality) track() *rapid.Generator[Track] {
	return rapid.Custom(func(t *rapid.T) Track {
		track := goodTrack(rapid.SampledFrom([]int64{0, 1, 30, 277, 800, 3000, 100_000}).Draw(t, "requests"))
		n := track.Requests
		track.Faults = q.faults(n).Draw(t, "faults")
		track.Started += rapid.SampledFrom([]int64{0, 0, 0, 2, 100}).Draw(t, "under way")
		track.Singles.Slow = q.of(n).Draw(t, "slow")
		track.Approved += q.of(n).Draw(t, "approved")
		return track
	})
}

func (q quality) traffic() *rapid.Generator[Traffic] {
	return rapid.Custom(func(t *rapid.T) Traffic {
		return Traffic{Stable: q.track().Draw(t, "stable"), Canary: q.track().Draw(t, "canary"), Pairs: q.pairs().Draw(t, "pairs")}
	})
}

func (q quality) observation() *rapid.Generator[Observation] {
	return rapid.Custom(func(t *rapid.T) Observation {
		o := Observation{Seconds: rapid.SampledFrom([]float64{3, 3600, 168 * 3600}).Draw(t, "seconds"), Clients: q.traffic().Draw(t, "clients")}
		if rapid.Bool().Draw(t, "with synthetic") {
			o.Synthetic = q.traffic().Draw(t, "synthetic")
		}
		return o
	})
}

func someSpec(t *rapid.T) pipeline.Canary {
	cfg := spec()
	cfg.Mirror = rapid.Bool().Draw(t, "mirror")
	cfg.MaxFailedChecks = rapid.IntRange(1, 2).Draw(t, "max failed checks")
	return cfg
}

// Whatever is observed: weights only grow until an end, an end is final, a canary is promoted by as many passes as it has phases and steps.
func TestACanarysWay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := someSpec(t)
		status, passes := Start(cfg), 0
		for range rapid.IntRange(1, 30).Draw(t, "analyses") {
			before := status
			var verdict Verdict
			var reasons []string
			status, verdict, reasons = Decide(cfg, nil, status, anyQuality.observation().Draw(t, "seen"))
			require.NotEmpty(t, reasons)
			if !before.Observing() {
				require.Equal(t, before, status)
				require.Equal(t, Hold, verdict)
				if status.Phase == Promoting {
					status = status.Bake(cfg)
				}
				continue
			}
			if verdict == Pass {
				passes++
			}
			if status.Phase != Aborted {
				require.GreaterOrEqual(t, status.Weight, before.Weight)
			}
			require.Equal(t, status.Phase == Aborted, status.Ended != nil)
			require.Equal(t, status.Phase == Aborted || status.Phase == Mirroring, status.Weight == 0)
			steps := len(cfg.Steps)
			if cfg.Mirror {
				steps++
			}
			require.Equal(t, status.Phase == Promoting || status.Phase == Baking || (status.Phase == Passed) || (before.Phase == Baking), passes >= steps)
			require.Equal(t, status.Phase == Passed, passes == steps+1)
		}
	})
}

// Nothing passes on no data, however long it is observed.
func TestNothingPassesOnNoData(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := someSpec(t)
		cfg.MinRequests = rapid.IntRange(1, 50).Draw(t, "min requests")
		cfg.MaxErrorRate = rapid.SampledFrom([]float64{0, 0.01, 1}).Draw(t, "max error rate")
		status := Start(cfg)
		for range rapid.IntRange(1, 20).Draw(t, "analyses") {
			var verdict Verdict
			status, verdict, _ = Decide(cfg, nil, status, Observation{Seconds: rapid.Float64Range(0, 1e6).Draw(t, "seconds")})
			require.NotEqual(t, Pass, verdict)
		}
		few := min(cfg.MinRequests-1, 20)
		_, verdict, _ := Decide(cfg, nil, Start(cfg), Observation{Clients: Traffic{Stable: goodTrack(100), Canary: goodTrack(int64(few)), Pairs: goodPairs(int64(few))}})
		require.NotEqual(t, Pass, verdict, "fewer than min_requests")
	})
}

// The worse of two observations never gets the better verdict.
func TestMoreFaultsAreNeverBetter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := someSpec(t)
		seen := anyQuality.observation().Draw(t, "seen")
		// Two unknown verdicts at the end of the wait are alike: aborted.
		seen.Seconds = 3
		_, verdict, _ := Decide(cfg, nil, Start(cfg), seen)
		worse := seen
		class := rapid.SampledFrom([]*Traffic{&worse.Clients, &worse.Synthetic}).Draw(t, "class")
		more := rapid.Int64Range(1, 1000).Draw(t, "more")
		pairs, track := &class.Pairs, &class.Canary
		switch rapid.IntRange(0, 3).Draw(t, "fault") {
		case 0:
			pairs.Broken.Refused, track.Faults.Refused = min(pairs.Broken.Refused+more, pairs.Answered), min(track.Faults.Refused+more, track.Requests)
		case 1:
			pairs.Broken.Failed, track.Faults.Failed = min(pairs.Broken.Failed+more, pairs.Answered), min(track.Faults.Failed+more, track.Requests)
		case 2:
			pairs.Broken.Unended, track.Faults.Unended = min(pairs.Broken.Unended+more, pairs.Answered), min(track.Faults.Unended+more, track.Requests)
		case 3:
			pairs.Singles.CanarySlow, track.Singles.Slow = min(pairs.Singles.CanarySlow+more, pairs.Singles.Count), min(track.Singles.Slow+more, track.Singles.Count)
		}
		_, worseVerdict, reasons := Decide(cfg, nil, Start(cfg), worse)
		require.LessOrEqual(t, rank[worseVerdict], rank[verdict], "%v", reasons)
	})
}

// What passes does not fail for more good requests of the same kind.
func TestMoreGoodRequestsNeverFail(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := someSpec(t)
		seen := mostlyGood.observation().Draw(t, "seen")
		_, verdict, _ := Decide(cfg, nil, Start(cfg), seen)
		if verdict != Pass {
			t.Skip()
		}
		n := rapid.Int64Range(1, 100_000).Draw(t, "more")
		seen.Clients.Pairs = seen.Clients.Pairs.plus(goodPairs(n))
		more := goodTrack(n)
		more.Decisions, more.Approved, more.Scores = 0, 0, Histogram{}
		seen.Clients.Canary = seen.Clients.Canary.plus(more)
		_, verdict, reasons := Decide(cfg, nil, Start(cfg), seen)
		if seen.Synthetic == (Traffic{}) {
			require.Equal(t, Pass, verdict, "%v", reasons)
		} else {
			require.NotEqual(t, Fail, verdict, "who asks is waited for: %v", reasons)
		}
	})
}

// The classes are apart: with only the platform's own traffic no evidence, rate or number of pairs is the clients', and what callers saw is no pair.
func TestClassesAreNeverMixed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := someSpec(t)
		seen := anyQuality.observation().Draw(t, "seen")
		seen.Clients, seen.Synthetic = Traffic{}, seen.Clients
		status, verdict, reasons := Decide(cfg, nil, Start(cfg), seen)
		require.Equal(t, Evidence{}, status.Clients)
		require.Zero(t, status.MirroredPairs)
		require.Zero(t, status.ClientRate)
		if verdict == Pass {
			require.Contains(t, reasons[0], "it rests on synthetic requests")
		}
		if status.Ended != nil && verdict == Fail {
			require.True(t, status.Ended.Synthetic)
		}
		// Copies do not count at a step, nor what callers saw in the mirror.
		other := anyQuality.observation().Draw(t, "other")
		if cfg.Mirror {
			seen.Synthetic.Canary, seen.Synthetic.Stable = other.Clients.Canary, other.Clients.Stable
		} else {
			seen.Synthetic.Pairs = other.Clients.Pairs
		}
		_, again, _ := Decide(cfg, nil, Start(cfg), seen)
		require.Equal(t, verdict, again)
	})
}

// Windows may come in any order where no look lies between them.
func TestTheOrderOfWindowsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := someSpec(t)
		windows := rapid.SliceOfN(anyQuality.observation(), 2, 4).Draw(t, "windows")
		for i := range windows {
			windows[i].Seconds = 3
			if i < len(windows)-1 { // none but the last brings a look
				windows[i].Clients.Canary, windows[i].Clients.Pairs = goodTrack(5), goodPairs(5)
				windows[i].Synthetic = Traffic{}
			}
		}
		last := windows[len(windows)-1]
		if last.Clients.Canary.Requests < 30 || last.Clients.Pairs.Ended < 30 || last.Synthetic != (Traffic{}) {
			t.Skip()
		}
		run := func(order []Observation) (Status, Verdict) {
			status, verdict := Start(cfg), Hold
			for _, window := range order {
				status, verdict, _ = Decide(cfg, nil, status, window)
			}
			return status, verdict
		}
		status, verdict := run(windows)
		head := rapid.Permutation(windows[:len(windows)-1]).Draw(t, "order")
		again, sameVerdict := run(append(head, last))
		require.Equal(t, status, again)
		require.Equal(t, verdict, sameVerdict)
		// Nor does it matter how they were cut.
		whole := Observation{}
		for _, window := range windows {
			whole.Seconds += window.Seconds
			whole.Clients = whole.Clients.plus(window.Clients)
		}
		atOnce, sameVerdict := run([]Observation{whole})
		require.Equal(t, status, atOnce)
		require.Equal(t, verdict, sameVerdict)
	})
}
