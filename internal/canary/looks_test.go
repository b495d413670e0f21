package canary

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// testsTaken counts the tests that a look takes: which of the changes, each of one quantity and one way, it would find. A check that looks both ways
// takes two tests, and one that finds none of the changes is new here: give it its own.
func testsTaken[T any](t *testing.T, look func(T) []finding, good T, changes ...func(*T)) int {
	t.Helper()
	level := level(spec(), 0, 1)
	found, taken := make([]int, len(look(good))), 0
	for _, change := range changes {
		changed := good
		change(&changed)
		for i, f := range look(changed) {
			if f.chance() <= level {
				found[i]++
				taken++
			}
		}
	}
	for i, f := range look(good) {
		require.Greater(t, f.chance(), level, "%s", f)
		require.Positive(t, found[i], "no change is found by %s", f)
	}
	return taken
}

// The promise of falseAborts is kept only where no look takes more tests than its level is divided by. Every quantity but the scores is changed to more
// and to fewer; their distance is one test, however they differ.
func TestNoLookTakesMoreTestsThanItsLevelIsDividedBy(t *testing.T) {
	t.Parallel()
	const n = 1000
	var p Prediction
	for i := range n { // three of ten turn to approve, three to decline
		score := float64(i%10)*0.02 + 0.01
		p.Add(Decided{Score: score, Approved: i%10 >= 3}, Decided{Score: score, Approved: i%10 < 3 || i%10 >= 6})
	}
	j := judge{cfg: spec(), prediction: &p, need: Needs(spec(), &p, Start(spec()))}

	faults := Faults{Refused: 100, Failed: 100, Unended: 100}
	pairs := goodPairs(n)
	pairs.Broken, pairs.Mended, pairs.ToApprove, pairs.ToDecline = faults, faults, 300, 300
	pairs.Broken.Refused = 0 // none is good
	pairs.Singles = PairedLatency{Count: n, StableSlow: 300, CanarySlow: 300}
	pairs.Batches = pairs.Singles
	mirror := testsTaken(t, j.pairs, pairs,
		func(p *Pairs) { p.Broken.Refused = 300 }, func(p *Pairs) { p.Broken.Refused = 0 },
		func(p *Pairs) { p.Broken.Failed = 300 }, func(p *Pairs) { p.Broken.Failed = 0 },
		func(p *Pairs) { p.Broken.Unended = 300 }, func(p *Pairs) { p.Broken.Unended = 0 },
		func(p *Pairs) { p.Singles.CanarySlow = 600 }, func(p *Pairs) { p.Singles.CanarySlow = 0 },
		func(p *Pairs) { p.Batches.CanarySlow = 600 }, func(p *Pairs) { p.Batches.CanarySlow = 0 },
		func(p *Pairs) { p.ToApprove = 600 }, func(p *Pairs) { p.ToApprove = 0 },
		func(p *Pairs) { p.ToDecline = 600 }, func(p *Pairs) { p.ToDecline = 0 },
		func(p *Pairs) { p.CanaryScores = rising(n) })

	track := goodTrack(n)
	track.Faults, track.Singles = faults, Latency{Count: n, Slow: 300}
	track.Batches = track.Singles
	step := testsTaken(t, func(canary Track) []finding { return j.tracks(track, canary) }, track,
		func(c *Track) { c.Faults.Refused = 300 }, func(c *Track) { c.Faults.Refused = 0 },
		func(c *Track) { c.Faults.Failed = 300 }, func(c *Track) { c.Faults.Failed = 0 },
		func(c *Track) { c.Faults.Unended = 300 }, func(c *Track) { c.Faults.Unended = 0 },
		func(c *Track) { c.Singles.Slow = 600 }, func(c *Track) { c.Singles.Slow = 0 },
		func(c *Track) { c.Batches.Slow = 600 }, func(c *Track) { c.Batches.Slow = 0 },
		func(c *Track) { c.Approved = n }, func(c *Track) { c.Approved = 400 },
		func(c *Track) { c.Scores = rising(n) })

	// A bake looks at all of its time and at the last window.
	type baked struct{ all, last Track }
	bake := testsTaken(t, func(b baked) []finding {
		status := Status{Phase: Baking, StableClients: track, Clients: Evidence{Traffic: Traffic{Canary: b.all}}}
		var c classes
		c.judge(j, status, Observation{Clients: Traffic{Canary: b.last}})
		return slices.DeleteFunc(c.clients.findings, func(f finding) bool { return f.check == Refused }) // other clients' rubbish: never beyond
	}, baked{all: track, last: func() Track { t := track; t.Started++; return t }()},
		func(b *baked) { b.all.Faults.Failed = 300 }, func(b *baked) { b.last.Faults.Failed = 300 }, func(b *baked) { b.all.Faults.Failed = 0 },
		func(b *baked) { b.all.Faults.Unended = 300 }, func(b *baked) { b.last.Faults.Unended = 300 }, func(b *baked) { b.all.Faults.Unended = 0 },
		func(b *baked) { b.all.Singles.Slow = 600 }, func(b *baked) { b.last.Singles.Slow = 600 }, func(b *baked) { b.all.Singles.Slow = 0 },
		func(b *baked) { b.all.Batches.Slow = 600 }, func(b *baked) { b.last.Batches.Slow = 600 }, func(b *baked) { b.all.Batches.Slow = 0 })

	require.Equal(t, testsPerLook, max(mirror, step, bake), "%d in the mirror, %d at a step, %d in a bake", mirror, step, bake)
}

// All that a canary may spend: over its phases, classes and tests, those of outages among them, and over ever so many looks.
func TestTheBudgetIsSpentOnce(t *testing.T) {
	t.Parallel()
	const places, classes = 6, 2 // a mirror, four steps and a bake; clients and synthetic
	require.InDelta(t, 0.01, budget(spec())*places*classes*(testsPerLook+2), 1e-15)
	spent := 0.0
	for k := range 10_000 {
		spent += level(spec(), k, k+1)
	}
	require.InEpsilon(t, budget(spec()), spent, 1e-3)
	require.LessOrEqual(t, spent, budget(spec()))
}
