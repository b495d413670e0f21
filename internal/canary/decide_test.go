package canary

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
)

// falling is a population of n with mostly low scores, all of them in the first ten buckets; rising its mirror.
func falling(n int64) Histogram {
	var h Histogram
	for i := range int64(10) {
		h[i] = n / 10
	}
	h[0] += n % 10
	return h
}

func rising(n int64) Histogram {
	var h Histogram
	for i, count := range falling(n) {
		h[ScoreBuckets-1-i] = count
	}
	return h
}

// goodPairs are n pairs in which the challenger answers and decides as stable does.
func goodPairs(n int64) Pairs {
	return Pairs{
		Started: n, Ended: n, Answered: n, Singles: PairedLatency{Count: n}, Decided: n, StableScores: falling(n), CanaryScores: falling(n),
	}
}

// goodTrack is n requests, seven of ten approved.
func goodTrack(n int64) Track {
	return Track{Started: n, Requests: n, Singles: Latency{Count: n}, Decisions: n, Approved: n * 7 / 10, Scores: falling(n)}
}

func mirrored(seconds float64, p Pairs) Observation {
	return Observation{Seconds: seconds, Clients: Traffic{Stable: Track{Started: p.Started, Requests: p.Ended}, Pairs: p}}
}

func weighted(seconds float64, stable, canary Track) Observation {
	return Observation{Seconds: seconds, Clients: Traffic{Stable: stable, Canary: canary}}
}

// step is a status at the first step without a mirror before it.
func step(cfg pipeline.Canary) (pipeline.Canary, Status) {
	cfg.Mirror = false
	return cfg, Start(cfg)
}

// The way of a good challenger, from its first copy to the end.
func TestTheWay(t *testing.T) {
	t.Parallel()
	cfg := spec()
	status := Start(cfg)
	require.Equal(t, Status{Phase: Mirroring}, status)
	status, verdict, reasons := Decide(cfg, nil, status, mirrored(3, goodPairs(100)))
	require.Equal(t, Hold, verdict)
	require.Equal(t, []string{"requests: 100 of 277 and 100 of 93 decisions"}, reasons)
	status, verdict, reasons = Decide(cfg, nil, status, mirrored(3, goodPairs(200)))
	require.Equal(t, Pass, verdict)
	require.Equal(t, []string{"passed: 300 requests of clients"}, reasons)
	require.Equal(t, Status{Phase: Progressing, Weight: 5, MirroredPairs: 300, ClientRate: 50, StableClients: Track{Started: 300, Requests: 300}}, status)
	for i, weight := range cfg.Steps {
		require.Equal(t, Progressing, status.Phase)
		require.Equal(t, i, status.Step)
		require.Equal(t, weight, status.Weight)
		status, verdict, reasons = Decide(cfg, nil, status, weighted(3, goodTrack(1000), goodTrack(300)))
		require.Equal(t, Pass, verdict, "%v", reasons)
	}
	require.Equal(t, Promoting, status.Phase)
	require.Equal(t, 100, status.Weight)
	held, verdict, _ := Decide(cfg, nil, status, weighted(3, Track{}, Track{Started: 9, Requests: 9, Faults: Faults{Failed: 9}}))
	require.Equal(t, Hold, verdict, "it is being promoted: nothing is observed")
	require.Equal(t, status, held)
	status = status.Bake(cfg)
	require.Equal(t, Baking, status.Phase)
	status, verdict, _ = Decide(cfg, nil, status, weighted(3, Track{}, goodTrack(10)))
	require.Equal(t, Hold, verdict)
	status, verdict, reasons = Decide(cfg, nil, status, weighted(3, Track{}, goodTrack(10)))
	require.Equal(t, Pass, verdict)
	require.Equal(t, []string{"bake: 20 requests of clients showed no fault"}, reasons)
	require.Equal(t, Passed, status.Phase)
	require.Equal(t, 100, status.Weight)
}

// A challenger that fails when it has all traffic gives it back.
func TestABakeFails(t *testing.T) {
	t.Parallel()
	track := goodTrack(1000)
	track.Faults.Failed = 200
	promoting := Status{Phase: Promoting, Weight: 100}
	status, verdict, _ := Decide(spec(), nil, promoting.Bake(spec()), weighted(3, Track{}, track))
	require.Equal(t, Fail, verdict)
	require.Equal(t, Aborted, status.Phase)
	require.Zero(t, status.Weight)
	// What begins late is seen, however good all was before, and on however few requests.
	late := promoting.Bake(spec())
	late, verdict, _ = Decide(spec(), nil, late, weighted(3, Track{}, goodTrack(1000)))
	require.Equal(t, Hold, verdict)
	track.Started, track.Requests, track.Faults.Failed = 60, 60, 60
	_, verdict, _ = Decide(spec(), nil, late, weighted(3, Track{}, track))
	require.Equal(t, Fail, verdict)
	track = goodTrack(1000)
	track.Faults.Failed = 200
	// Other clients' rubbish is no fault.
	rubbish := goodTrack(1000)
	rubbish.Faults.Refused = 300
	_, verdict, _ = Decide(spec(), nil, promoting.Bake(spec()), weighted(3, Track{}, rubbish))
	require.Equal(t, Hold, verdict)
	// What the old champion showed as well is no fault; other applicants are none either.
	track.Approved, track.Scores = 0, rising(1000)
	promoting.StableClients = goodTrack(1000)
	promoting.StableClients.Faults.Failed = 200
	_, verdict, _ = Decide(spec(), nil, promoting.Bake(spec()), weighted(3, Track{}, track))
	require.Equal(t, Hold, verdict)
	none := spec()
	none.BakeSeconds = 0
	require.Equal(t, Passed, Status{Phase: Promoting, Weight: 100}.Bake(none).Phase)
}

// A long bake sees little faults, on however few requests the champion was seen before, and an outage at its end, however long all was good.
func TestALongBake(t *testing.T) {
	t.Parallel()
	cfg := spec()
	cfg.BakeSeconds = 4 * 3600
	bake := func(failing func(second int) int64) (status Status, seconds int) {
		status = Status{Phase: Promoting, Weight: 100, StableClients: goodTrack(15)}.Bake(cfg)
		for status.Phase == Baking {
			window := Window(cfg, nil, status)
			track := goodTrack(int64(10 * window))
			track.Faults.Failed = failing(seconds) * int64(window)
			status, _, _ = Decide(cfg, nil, status, weighted(float64(window), Track{}, track))
			seconds += window
		}
		return status, seconds
	}
	good, _ := bake(func(int) int64 { return 0 })
	require.Equal(t, Passed, good.Phase)
	half, seconds := bake(func(int) int64 { return 1 })
	require.Equal(t, Aborted, half.Phase, "one of ten")
	require.Less(t, seconds, 120)
	outage, seconds := bake(func(second int) int64 {
		if second < 4*3600-60 {
			return 0
		}
		return 10
	})
	require.Equal(t, Aborted, outage.Phase, "everything in the last minute")
	require.Less(t, seconds, 4*3600-60+2*28+1, "found in the first window of it, or the second")
}

// What hangs when the time of a bake is over is waited for.
func TestABakeWaitsForWhatHangs(t *testing.T) {
	t.Parallel()
	baking := Status{Phase: Promoting, Weight: 100, StableClients: goodTrack(1000)}.Bake(spec())
	hanging, verdict, reasons := Decide(spec(), nil, baking, weighted(5, Track{}, Track{Started: 50}))
	require.Equal(t, Hold, verdict)
	require.Contains(t, reasons[1], "unended: 0 of 0 requests never ended on the challenger (0.00 %, 50 have not ended yet)")
	require.Equal(t, 3, Window(spec(), nil, hanging))
	timedOut := Track{Requests: 50, Faults: Faults{Unended: 50}}
	status, verdict, _ := Decide(spec(), nil, hanging, weighted(3, Track{}, timedOut))
	require.Equal(t, Fail, verdict)
	require.Equal(t, Unended, status.Ended.Check)
	answered := goodTrack(50)
	answered.Started = 0
	status, verdict, _ = Decide(spec(), nil, hanging, weighted(3, Track{}, answered))
	require.Equal(t, Pass, verdict)
	require.Equal(t, Passed, status.Phase)
}

// Beyond the limit, but not by more than chance explains: neither passes nor fails. Two in 277 are within 1 %, three are not.
func TestHold(t *testing.T) {
	t.Parallel()
	for broken, want := range map[int64]Verdict{2: Pass, 3: Hold, 7: Hold, 40: Fail} {
		pairs := goodPairs(277)
		pairs.Broken.Failed = broken
		_, verdict, reasons := Decide(spec(), nil, Start(spec()), mirrored(20, pairs))
		require.Equal(t, want, verdict, "%d: %v", broken, reasons)
		if want == Hold {
			require.True(t, strings.HasPrefix(reasons[0], "failed: "), reasons[0])
		}
	}
}

// A try that did not pass is followed by the next at twice the need: not by one at every window, of which one would pass by chance.
func TestTriesToPass(t *testing.T) {
	t.Parallel()
	pairs := goodPairs(277)
	pairs.Broken.Failed = 3
	status, _, _ := Decide(spec(), nil, Start(spec()), mirrored(20, pairs))
	status, verdict, _ := Decide(spec(), nil, status, mirrored(20, goodPairs(123)))
	require.Equal(t, Hold, verdict, "3 of 400 are within the limit, but the next try is at 554")
	_, verdict, _ = Decide(spec(), nil, status, mirrored(20, goodPairs(154)))
	require.Equal(t, Pass, verdict)
}

// What has not ended may still be bad: it keeps from passing, and fails nothing.
func TestRequestsUnderWay(t *testing.T) {
	t.Parallel()
	pairs := goodPairs(300)
	pairs.Started += 100
	status, verdict, reasons := Decide(spec(), nil, Start(spec()), mirrored(20, pairs))
	require.Equal(t, Hold, verdict)
	require.Equal(t, []string{"unended: 0 of 300 requests that either track answered never ended on the challenger (0.00 %, 100 have not ended yet), 0 of 300 on the champion; the limit is 1.00 points beyond it (after 300 requests of clients)"}, reasons)
	_, verdict, _ = Decide(spec(), nil, status, mirrored(20, Pairs{Started: 300, Ended: 400, Answered: 400, Singles: PairedLatency{Count: 400}}))
	require.Equal(t, Pass, verdict, "they ended well")

	cfg, first := step(spec())
	track := goodTrack(1000)
	track.Started += 100
	_, verdict, _ = Decide(cfg, nil, first, weighted(20, goodTrack(19_000), track))
	require.Equal(t, Hold, verdict)
}

// A pass may rest on the platform's own requests, and says so; either class can fail it.
func TestSynthetic(t *testing.T) {
	t.Parallel()
	few := mirrored(3, goodPairs(20))
	few.Synthetic.Pairs = goodPairs(600)
	asked, verdict, reasons := Decide(spec(), nil, Start(spec()), few)
	require.Equal(t, Hold, verdict, "clients ask: theirs decide")
	require.Equal(t, []string{"requests: clients ask, and are to decide: 20 of 277 and 20 of 93 decisions, 600 synthetic"}, reasons)
	more := Observation{Seconds: 12, Synthetic: Traffic{Pairs: goodPairs(600)}}
	status, verdict, reasons := Decide(spec(), nil, asked, more)
	require.Equal(t, Pass, verdict, "they bring nothing new")
	require.Equal(t, []string{"passed: 20 requests of clients, 1200 synthetic requests; it rests on synthetic requests"}, reasons)
	require.Zero(t, status.MirroredPairs, "no client's pair can speak for the steps")
	require.True(t, status.OnSynthetic)
	more.Clients.Pairs = goodPairs(1)
	_, verdict, _ = Decide(spec(), nil, asked, more)
	require.Equal(t, Hold, verdict, "but for one")
	_, verdict, _ = Decide(spec(), nil, Start(spec()), Observation{Seconds: 11, Synthetic: Traffic{Pairs: goodPairs(600)}})
	require.Equal(t, Hold, verdict, "11 s are too few to say that nobody asks")
	_, verdict, _ = Decide(spec(), nil, Start(spec()), Observation{Seconds: 12, Synthetic: Traffic{Pairs: goodPairs(600)}})
	require.Equal(t, Pass, verdict)
	batches := mirrored(3, goodPairs(300))
	batches.Clients.Pairs.Decided = 0
	batches.Synthetic.Pairs = goodPairs(600)
	_, verdict, _ = Decide(spec(), nil, Start(spec()), batches)
	require.Equal(t, Pass, verdict, "who sends batches brings no decisions")
	// In a step clients have decided in the mirror, or were away.
	unmirrored := Status{Phase: Progressing, Weight: 5}
	step := weighted(3, goodTrack(200), goodTrack(10))
	step.Synthetic = Traffic{Stable: goodTrack(9000), Canary: goodTrack(600)}
	_, verdict, _ = Decide(spec(), nil, unmirrored, step)
	require.Equal(t, Pass, verdict)
	step.Clients.Canary.Faults.Refused = 1
	_, verdict, _ = Decide(spec(), nil, unmirrored, step)
	require.Equal(t, Hold, verdict, "one of theirs was refused")
	decided := unmirrored
	decided.MirroredPairs, decided.ClientRate = 300, 10
	_, verdict, _ = Decide(spec(), nil, decided, step)
	require.Equal(t, Pass, verdict, "which the mirror has judged")
	alone := spec()
	alone.Mirror = false
	step.Clients.Canary.Faults.Refused = 0
	_, verdict, _ = Decide(alone, nil, unmirrored, step)
	require.Equal(t, Hold, verdict, "without a mirror a step is the first to see clients")

	few.Synthetic.Pairs.Broken.Failed = 200
	status, verdict, reasons = Decide(spec(), nil, Start(spec()), few)
	require.Equal(t, Fail, verdict)
	require.Equal(t, &Ending{Check: Failed, Requests: 600, Synthetic: true}, status.Ended)
	require.Contains(t, reasons[0], "(after 600 synthetic requests)")

	clientsFail := mirrored(3, goodPairs(600))
	clientsFail.Clients.Pairs.Broken.Refused = 200
	clientsFail.Synthetic.Pairs = goodPairs(10_000)
	status, _, _ = Decide(spec(), nil, Start(spec()), clientsFail)
	require.Equal(t, &Ending{Check: Refused, Requests: 600}, status.Ended)

	doubtful := func(change func(*Pairs)) Status {
		seen := mirrored(3, goodPairs(20))
		change(&seen.Clients.Pairs)
		status, _, _ := Decide(spec(), nil, Start(spec()), seen)
		return status
	}
	quiet := Observation{Seconds: 30, Synthetic: Traffic{Pairs: goodPairs(600)}}
	_, verdict, _ = Decide(spec(), nil, doubtful(func(*Pairs) {}), quiet)
	require.Equal(t, Pass, verdict)
	_, verdict, _ = Decide(spec(), nil, doubtful(func(p *Pairs) { p.Broken.Failed = 1 }), quiet)
	require.Equal(t, Hold, verdict, "a single one is no rate, and enough not to pass without clients")
	_, verdict, reasons = Decide(spec(), nil, doubtful(func(p *Pairs) { p.CanaryScores = rising(20) }), quiet)
	require.Equal(t, Hold, verdict, "20 scores that are all wrong are too few for a look, and too many for a pass")
	require.Contains(t, reasons[0], "scores: 20 scores")
}

// What the platform asks is about nobody of whom a feature is known, and held against what is predicted of such.
func TestSyntheticRequestsHaveAPredictionOfTheirOwn(t *testing.T) {
	t.Parallel()
	same, other := &Prediction{}, &Prediction{}
	for i := range ScoreBuckets {
		score := (float64(i) + 0.5) / ScoreBuckets
		for range 200 {
			same.Add(Decided{Score: score, Approved: true}, Decided{Score: score, Approved: true})
			other.Add(Decided{Score: score, Approved: true}, Decided{Score: score})
		}
	}
	turned := goodPairs(2000)
	turned.ToDecline = turned.Decided
	synthetic := Observation{Seconds: 12, Synthetic: Traffic{Pairs: turned}}
	_, verdict, reasons := Decide(spec(), same, Start(spec()), synthetic)
	require.Equal(t, Fail, verdict)
	require.Contains(t, reasons[0], "turned to decline")
	_, verdict, reasons = Decide(spec(), &Prediction{Buckets: same.Buckets, Synthetic: other}, Start(spec()), synthetic)
	require.Equal(t, Pass, verdict, reasons)
	_, verdict, _ = Decide(spec(), &Prediction{Buckets: same.Buckets, Synthetic: other}, Start(spec()), mirrored(12, turned))
	require.Equal(t, Fail, verdict, "of clients it is another")
}

// At 50 decisions a day no step would ever have enough: the mirror decides, and the reason says so.
func TestTheMirrorDecidesWhereClientsAreFew(t *testing.T) {
	t.Parallel()
	few := Status{Phase: Progressing, Weight: 5, MirroredPairs: 300, ClientRate: 50. / 86400}
	status, verdict, reasons := Decide(spec(), nil, few, Observation{Seconds: 3})
	require.Equal(t, Pass, verdict)
	require.Equal(t, 20, status.Weight)
	require.Equal(t, []string{"passed: 0 requests of clients; clients are too few for this step (0 of 277): it rests on the mirror's 300 pairs"}, reasons)

	many := few
	many.ClientRate = 1
	_, verdict, _ = Decide(spec(), nil, many, Observation{Seconds: 3})
	require.Equal(t, Hold, verdict, "they will come")
	_, verdict, _ = Decide(spec(), nil, many, Observation{Seconds: 168 * 3600})
	require.Equal(t, Pass, verdict, "they did not come, but the mirror had enough")

	unmirrored := few
	unmirrored.MirroredPairs = 0
	_, verdict, _ = Decide(spec(), nil, unmirrored, Observation{Seconds: 3})
	require.Equal(t, Hold, verdict, "a mirror that rested on synthetic pairs says nothing of clients")

	bad := goodTrack(5)
	bad.Faults.Failed = 2
	_, verdict, _ = Decide(spec(), nil, few, weighted(3, goodTrack(90), bad))
	require.Equal(t, Hold, verdict)
}

// After the time in which enough requests should have come: what is not known is not promoted.
func TestWaitedInVain(t *testing.T) {
	t.Parallel()
	week := 168 * 3600.
	status, verdict, reasons := Decide(spec(), nil, Start(spec()), mirrored(week, goodPairs(100)))
	require.Equal(t, Hold, verdict)
	require.Equal(t, Aborted, status.Phase)
	require.Equal(t, &Ending{Check: Requests, Requests: 100}, status.Ended)
	require.Equal(t, []string{"requests: not enough in 168 hours: 100 of 277 and 100 of 93 decisions"}, reasons)

	pairs := goodPairs(300)
	pairs.Broken.Failed = 4
	status, verdict, reasons = Decide(spec(), nil, Start(spec()), mirrored(week, pairs))
	require.Equal(t, Hold, verdict)
	require.Equal(t, &Ending{Check: Failed, Requests: 300}, status.Ended, "the mirror lets nothing beyond a limit pass")
	require.Equal(t, "requests: it could not be told in 168 hours", reasons[len(reasons)-1])

	cfg, first := step(spec())
	for failed, want := range map[int64]Phase{12: Progressing, 25: Aborted} { // of 1,000, the limit being 10: chance explains 12
		track := goodTrack(1000)
		track.Faults.Failed = failed
		status, _, _ := Decide(cfg, nil, first, weighted(week, goodTrack(19_000), track))
		require.Equal(t, want, status.Phase, "%d", failed)
	}
	hanging := goodTrack(1000)
	hanging.Started += 100
	status, _, _ = Decide(cfg, nil, first, weighted(week, goodTrack(19_000), hanging))
	require.Equal(t, &Ending{Check: Unended, Requests: 1000}, status.Ended, "what has not ended by then is not trusted")
	_, verdict, _ = Decide(spec(), nil, Start(spec()), mirrored(week-1, goodPairs(100)))
	require.Equal(t, Hold, verdict)
}

// A spec may want a second failure: it must come from a further look.
func TestAFailedCheckMayBeTolerated(t *testing.T) {
	t.Parallel()
	cfg := spec()
	cfg.MaxFailedChecks = 2
	pairs := goodPairs(300)
	pairs.Broken.Failed = 100
	status, verdict, _ := Decide(cfg, nil, Start(cfg), mirrored(3, pairs))
	require.Equal(t, Fail, verdict)
	require.Equal(t, Mirroring, status.Phase)
	require.Equal(t, 1, status.FailedChecks)
	status, verdict, _ = Decide(cfg, nil, status, mirrored(3, Pairs{}))
	require.Equal(t, Hold, verdict, "nothing new was seen")
	status, verdict, _ = Decide(cfg, nil, status, mirrored(3, pairs))
	require.Equal(t, Fail, verdict)
	require.Equal(t, Aborted, status.Phase)
}

// What a workflow keeps stays a few kilobytes, whatever the traffic.
func TestAStatusIsSmall(t *testing.T) {
	t.Parallel()
	const n = 10_000_000_000
	seen := Observation{Seconds: 1, Clients: Traffic{Stable: goodTrack(n), Canary: goodTrack(n), Pairs: goodPairs(n)}}
	for i := range ScoreBuckets {
		seen.Clients.Stable.Scores[i], seen.Clients.Canary.Scores[i], seen.Clients.Pairs.StableScores[i], seen.Clients.Pairs.CanaryScores[i] = n, n, n, n
	}
	seen.Clients.Pairs.Broken.Failed = n
	seen.Synthetic = seen.Clients
	status, _, _ := Decide(spec(), nil, Start(spec()), seen)
	data, err := json.Marshal(status)
	require.NoError(t, err)
	require.Less(t, len(data), 8<<10)
	var again Status
	require.NoError(t, json.Unmarshal(data, &again))
	require.Equal(t, status, again)
	require.False(t, math.IsNaN(status.ClientRate))
}
