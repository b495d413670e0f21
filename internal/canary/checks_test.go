package canary

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A fault of one pair in ten, in 1,000: each is found by the check that is meant for it, before any client met it.
func TestTheMirrorFinds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*Pairs)
		check  Check
		reason string
	}{
		{"refused", func(p *Pairs) { p.Broken.Refused = 100 }, Refused, "refused: 100 of 1000"},
		{"failed", func(p *Pairs) { p.Broken.Failed = 100 }, Failed, "failed: 100 of 1000"},
		{"unended", func(p *Pairs) { p.Broken.Unended = 100 }, Unended, "unended: 100 of 1000"},
		{"all refused", func(p *Pairs) { *p = Pairs{Started: 1000, Ended: 1000, Answered: 1000, Broken: Faults{Refused: 1000}} }, Refused, "refused: 1000 of 1000"},
		{"slow", func(p *Pairs) { p.Singles.CanarySlow = 100 }, Slow, "slow: 100 of 1000 single requests took longer than 100 ms"},
		{"slow batches", func(p *Pairs) { p.Batches = PairedLatency{Count: 1000, CanarySlow: 100} }, Slow, "slow: 100 of 1000 batches took longer than 250 ms"},
		{"approvals", func(p *Pairs) { p.ToApprove = 100 }, Verdicts, "verdicts: 100 of 1000 verdicts turned to approve (10.00 %), 0.00 % were predicted"},
		{"declines", func(p *Pairs) { p.ToDecline = 100 }, Verdicts, "verdicts: 100 of 1000 verdicts turned to decline"},
		{"swapped scores", func(p *Pairs) { p.CanaryScores = rising(1000) }, Scores, "scores: 1000 scores"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			pairs := goodPairs(1000)
			test.change(&pairs)
			status, verdict, reasons := Decide(spec(), nil, Start(spec()), mirrored(20, pairs))
			require.Equal(t, Fail, verdict)
			require.Equal(t, Aborted, status.Phase)
			require.Zero(t, status.Weight)
			require.Equal(t, &Ending{Check: test.check, Requests: 1000}, status.Ended)
			require.Len(t, reasons, 1, "no other check finds it")
			require.True(t, strings.HasPrefix(reasons[0], test.reason), reasons[0])
			require.Contains(t, reasons[0], "(after 1000 requests of clients)")
		})
	}
}

// The same with the first step's weight and no mirror: what callers saw.
func TestAStepFinds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		change func(*Track)
		check  Check
		reason string
	}{
		{"refused", func(c *Track) { c.Faults.Refused = 100 }, Refused, "refused: 100 of 1000 requests were refused on the challenger (10.00 %), 0 of 19000"},
		{"failed", func(c *Track) { c.Faults.Failed = 100 }, Failed, "failed: 100"},
		{"unended", func(c *Track) { c.Faults.Unended = 100 }, Unended, "unended: 100"},
		{"slow", func(c *Track) { c.Singles.Slow = 100 }, Slow, "slow: 100 of 1000 single"},
		{"slow batches", func(c *Track) { c.Batches = Latency{Count: 1000, Slow: 100} }, Slow, "slow: 100 of 1000 batches"},
		{"approvals", func(c *Track) { c.Approved = 820 }, Verdicts, "verdicts: the challenger approved 820 of 1000 (82.00 %), the champion 13300 of 19000 (70.00 %)"},
		{"declines", func(c *Track) { c.Approved = 580 }, Verdicts, "verdicts: the challenger approved 580"},
		{"swapped scores", func(c *Track) { c.Scores = rising(1000) }, Scores, "scores: 1000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg, status := step(spec())
			stable, track := goodTrack(19_000), goodTrack(1000)
			stable.Batches = Latency{Count: 19_000}
			test.change(&track)
			status, verdict, reasons := Decide(cfg, nil, status, weighted(20, stable, track))
			require.Equal(t, Fail, verdict)
			require.Equal(t, Aborted, status.Phase)
			require.Equal(t, &Ending{Check: test.check, Requests: 1000}, status.Ended)
			require.Len(t, reasons, 1)
			require.True(t, strings.HasPrefix(reasons[0], test.reason), reasons[0])
		})
	}
}

// What befalls both tracks alike, however bad, is no fault of the challenger.
func TestWhatBothTracksShowAlikePasses(t *testing.T) {
	t.Parallel()
	bad := func(n int64) Track {
		track := goodTrack(n)
		track.Faults = Faults{Refused: n / 5, Failed: n / 5, Unended: n / 5}
		track.Singles.Slow, track.Batches = n/5, Latency{Count: n, Slow: n / 2}
		track.Approved, track.Scores = n/5, rising(n)
		return track
	}
	cfg, status := step(spec())
	_, verdict, reasons := Decide(cfg, nil, status, weighted(20, bad(19_000), bad(1000)))
	require.Equal(t, Pass, verdict, "%v", reasons)

	pairs := goodPairs(1000)
	pairs.Ended = 2000 // as many that neither answered
	pairs.Started = 2000
	pairs.Broken, pairs.Mended = Faults{Failed: 50, Unended: 50}, Faults{Failed: 50, Unended: 50}
	pairs.Singles.CanarySlow, pairs.Singles.StableSlow = 300, 300
	pairs.StableScores, pairs.CanaryScores = rising(1000), rising(1000)
	_, verdict, reasons = Decide(spec(), nil, Start(spec()), mirrored(20, pairs))
	require.Equal(t, Pass, verdict, "%v", reasons)
	// Which requests are refused is no chance: what the champion refused pays for nothing that the challenger does.
	pairs.Broken.Refused, pairs.Mended.Refused = 50, 50
	_, verdict, reasons = Decide(spec(), nil, Start(spec()), mirrored(20, pairs))
	require.Equal(t, Fail, verdict)
	require.Regexp(t, "^refused: 50 of", reasons[0])
}

// Pairs that either track breaks are of one sample: 420 of 1,000 against 310 would be beyond chance in two of them, the discordant ones are not.
func TestBrokenPairsAreOfOneSample(t *testing.T) {
	t.Parallel()
	pairs := Pairs{Started: 1000, Ended: 1000, Answered: 690, Broken: Faults{Failed: 420}, Mended: Faults{Failed: 310}}
	require.Less(t, excess(420, 1000, 310, 1000, 0.01), 1e-4)
	_, verdict, reasons := Decide(spec(), nil, Start(spec()), mirrored(20, pairs))
	require.Equal(t, Hold, verdict, "%v", reasons)
}

// A policy that declines three of ten applicants more is what was meant when it was predicted, and a fault when it was not. One that was meant and does
// not happen is a fault as well.
func TestTheChangeThatWasPredicted(t *testing.T) {
	t.Parallel()
	var p Prediction
	for i := range 1000 { // buckets 0 to 2 of the ten flip
		score := float64(i%10)*0.02 + 0.01
		p.Add(Decided{Score: score, Approved: true}, Decided{Score: score, Approved: i%10 >= 3})
	}
	pairs := goodPairs(1000)
	pairs.ToDecline = 300
	stable, track := goodTrack(19_000), goodTrack(1000)
	stable.Approved, track.Approved = 19_000, 700
	cfg, first := step(spec())
	for _, test := range []struct {
		prediction      *Prediction
		pairs           int64
		approved        int64
		mirror, atAStep Verdict
	}{{&p, 300, 700, Pass, Pass}, {nil, 300, 700, Fail, Fail}, {&p, 0, 1000, Fail, Fail}, {nil, 0, 1000, Pass, Pass}} {
		pairs.ToDecline, track.Approved = test.pairs, test.approved
		_, verdict, reasons := Decide(spec(), test.prediction, Start(spec()), mirrored(20, pairs))
		require.Equal(t, test.mirror, verdict, "%v", reasons)
		_, verdict, reasons = Decide(cfg, test.prediction, first, weighted(20, stable, track))
		require.Equal(t, test.atAStep, verdict, "%v", reasons)
	}
}

// Applicants unlike those of the prediction are re-weighted: here all of them are of the kind that flips.
func TestOtherApplicantsThanPredicted(t *testing.T) {
	t.Parallel()
	var p Prediction
	for i := range 1000 {
		score := float64(i%10)*0.02 + 0.01
		p.Add(Decided{Score: score, Approved: true}, Decided{Score: score, Approved: i%10 > 0})
	}
	pairs := goodPairs(1000)
	pairs.StableScores = Histogram{0: 1000}
	pairs.CanaryScores = pairs.StableScores
	pairs.ToDecline = 1000
	_, verdict, reasons := Decide(spec(), &p, Start(spec()), mirrored(20, pairs))
	require.Equal(t, Pass, verdict, "%v", reasons)
	// Nobody like these was in the prediction: they may do anything, and the nearest that were say what is expected.
	pairs.StableScores = Histogram{30: 1000}
	pairs.CanaryScores, pairs.ToDecline = pairs.StableScores, 500
	status, verdict, _ := Decide(spec(), &p, Start(spec()), mirrored(20, pairs))
	require.Equal(t, Hold, verdict)
	require.Equal(t, Mirroring, status.Phase)
}

// Without a mirror a step needs decisions as well as requests; after one it does not.
func TestDecisionsAtAStep(t *testing.T) {
	t.Parallel()
	cfg, first := step(spec())
	repeated := goodTrack(1000)
	repeated.Decisions, repeated.Approved, repeated.Scores = 1, 1, falling(1)
	_, verdict, _ := Decide(cfg, nil, first, weighted(3, goodTrack(19_000), repeated))
	require.Equal(t, Hold, verdict, "one applicant again and again says nothing about verdicts")
	_, verdict, _ = Decide(spec(), nil, Status{Phase: Progressing, Weight: 5, MirroredPairs: 300, ClientRate: 50}, weighted(3, goodTrack(19_000), repeated))
	require.Equal(t, Pass, verdict)
	_, verdict, _ = Decide(cfg, nil, first, weighted(3, Track{}, goodTrack(1000)))
	require.Equal(t, Hold, verdict, "there is nothing to compare approvals with")
}
