package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/tests/simulation"
)

// What is required of every cell.
const (
	mostFalseAborts = 0.01
	leastFound      = 0.95
)

// A smaller simulation than the documented one, at the ends and in the middle: no cell is worse than required by more than chance explains
// (1 of 1,000 per cell).
func TestErrorRates(t *testing.T) {
	t.Parallel()
	const canaries = 60
	cfg := shipped().Deploy.Canary
	at := []volume{volumes[0], volumes[3], volumes[6]}
	most := func(part float64) int { return simulation.Most(canaries, part) }
	for _, table := range simulate(cfg, canaries, at) {
		for _, row := range table.rows {
			for i, r := range row.rates {
				cell := fmt.Sprintf("%s, %s, mirror %v: %+v", row.name, at[i].name, table.mirror, r)
				missed := canaries - r.unmet
				if !table.mirror {
					missed = canaries - r.early
				}
				if !row.good {
					require.LessOrEqual(t, missed, most(1-leastFound), cell)
					continue
				}
				require.LessOrEqual(t, r.failed, most(mostFalseAborts), cell)
				if table.mirror || i > 0 {
					require.LessOrEqual(t, r.failed+r.wanting, most(mostFalseAborts), cell)
				} else {
					require.Equal(t, canaries, r.wanting, "without a mirror 50 decisions a day are too few: %s", cell)
				}
			}
		}
	}
}

// Each fault is found by the check that is meant for it.
func TestFaultsAreFoundByTheirCheck(t *testing.T) {
	t.Parallel()
	cfg := shipped().Deploy.Canary
	want := map[string]canary.Check{
		"5 % errors": canary.Failed, "5 % refused (422)": canary.Refused, "10 % hanging": canary.Unended, "3 % slow": canary.Slow,
		"five points more approvals": canary.Verdicts, "five points fewer approvals": canary.Verdicts, "swapped scores": canary.Verdicts,
	}
	for kind, c := range challengers() {
		if c.good {
			continue
		}
		const canaries = 20
		r := run(cfg, c, 1000, canaries, uint64(kind))
		require.GreaterOrEqual(t, r.checks[want[c.name]], canaries-2, "%s: %v", c.name, r.checks)
	}
}

// readPage reads the documented table.
func readPage(t *testing.T) simulation.Page {
	t.Helper()
	page, err := simulation.ReadPage("../../docs/error-rates.md")
	require.NoError(t, err)
	return page
}

// The documented table meets what is required in every cell; for good ones without a mirror where there are enough requests for it.
func TestTheDocumentedRatesAreAsRequired(t *testing.T) {
	t.Parallel()
	page := readPage(t)
	percents := func(mirror bool, title, name string) []float64 {
		values, err := page.Numbers(mirrorSection(mirror), title, name, len(volumes))
		require.NoError(t, err)
		return values
	}
	for _, mirror := range []bool{true, false} {
		grids := gridsOf(mirror)
		failed, wanting, found := grids[0].title, grids[1].title, grids[2].title
		for _, c := range challengers() {
			if !c.good {
				for i, found := range percents(mirror, found, c.name) {
					require.GreaterOrEqual(t, found, 100*leastFound, "mirror %v, %s, %s", mirror, c.name, volumes[i].name)
				}
				continue
			}
			wanting := percents(mirror, wanting, c.name)
			for i, aborted := range percents(mirror, failed, c.name) {
				if mirror || volumes[i].rate >= 1 {
					aborted += wanting[i]
				}
				require.LessOrEqual(t, aborted, 100*mostFalseAborts, "mirror %v, %s, %s", mirror, c.name, volumes[i].name)
			}
		}
	}
}

// The documented table is what the program writes: some of its cells are computed anew, and all of what surrounds them.
func TestTheDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	cfg := shipped().Deploy.Canary
	kinds := challengers()
	var cells []simulation.Cell
	for _, cell := range []struct {
		mirror       bool
		kind, volume int
	}{{true, 2, 0}, {true, 8, 6}, {false, 3, 6}, {false, 9, 6}} {
		cfg := cfg
		cfg.Mirror = cell.mirror
		v, c := volumes[cell.volume], kinds[cell.kind]
		r := run(cfg, c, v.rate, shippedCanaries, stream(cell.mirror, cell.kind, v))
		for _, g := range gridsOf(cell.mirror) {
			if g.good == c.good {
				cells = append(cells, simulation.Cell{Section: mirrorSection(cell.mirror), Title: g.title, Row: c.name, Column: cell.volume, Text: g.cell(r)})
			}
		}
	}
	const refused, rate = 2, 1 // 5 %, 1 in 20 s
	promoted := besideCell(cfg, refused, rate, shippedCanaries)
	cells = append(cells, simulation.Cell{Section: besideSection, Title: besideTitle, Row: refusesTitle(refusals[refused]), Column: rate, Text: simulation.Percent(promoted, shippedCanaries, 1)})
	var beside strings.Builder
	writeBeside(&beside, nil, shippedCanaries)
	parts := []string{document(cfg, nil, nil, shippedCanaries), beside.String()}
	require.Empty(t, readPage(t).Stale(parts, cells), "run go run ./tests/errorrates")
}

// The generator makes the traffic that it says: means within five standard deviations, in 100,000 requests.
func TestTraffic(t *testing.T) {
	t.Parallel()
	similar := challengers()[2]
	const seconds, n = 2000, 100_000
	traffic := &traffic{rng: rand.New(rand.NewPCG(1, 2)), rate: 1000, served: similar.served, repeats: 0.5, faults: faults{failed: 0.05, refused: 0.02, hanging: 0.1}}
	near := func(want float64, got int64, what string) {
		t.Helper()
		require.InDelta(t, want, float64(got), 5*distuv.Binomial{N: n, P: want / n}.StdDev(), what)
	}
	pairs := traffic.window(canary.Status{Phase: canary.Mirroring, Seconds: 3}, seconds).Clients.Pairs
	require.Equal(t, int64(n), pairs.Started, "50 a second")
	near(n*0.99*0.1, pairs.Started-pairs.Ended, "hanging")
	near(n*0.99*0.9, pairs.Answered, "answered")
	near(n*0.99*0.9*0.02, pairs.Broken.Refused, "refused")
	near(n*0.99*0.9*0.98*0.05, pairs.Broken.Failed, "failed")
	near(n*0.99*0.9*0.98*0.95*0.02, pairs.Batches.Count, "batches")
	near(n*0.99*0.9*0.98*0.95*0.98*0.5, pairs.Decided, "decided, half of them repeated")
	hung := pairs.Started - pairs.Ended
	next := traffic.window(canary.Status{Phase: canary.Mirroring, Seconds: 3}, timeout).Clients.Pairs
	require.Equal(t, hung, next.Broken.Unended, "what hangs has never ended after the timeout")

	traffic.rate, traffic.hung = 50, nil
	seen := traffic.window(canary.Status{Phase: canary.Progressing, Seconds: 3, Weight: 20}, seconds).Clients
	near(n*0.2, seen.Canary.Started, "the step's weight")
	near(n*0.8, seen.Stable.Started, "the rest")
	near(n*0.8*0.01, seen.Stable.Faults.Refused, "rubbish")
	require.Zero(t, seen.Stable.Faults.Failed)
	require.Equal(t, seen.Canary.Decisions, seen.Canary.Scores.Total())
	require.Equal(t, canary.Pairs{}, seen.Pairs)
}

// A population has the shares that were asked for.
func TestPopulation(t *testing.T) {
	t.Parallel()
	base := sides{mean: -1.5, slope: 1, stableCutoff: 0.25, canaryCutoff: 0.25}
	share := func(s sides, which func(cell) bool) float64 {
		count := 0
		p := populate(s)
		for i, c := range p.cells {
			if which(c) {
				count += p.counts[i]
			}
		}
		return float64(count) / applicants
	}
	flips := func(c cell) bool { return c.stable != c.canary }
	require.Zero(t, share(base, flips), "the same model and policy")
	more, fewer, swapped := base, base, base
	more.moreApprovals, fewer.fewerApprovals, swapped.swapped = 0.05, 0.05, true
	require.InDelta(t, 0.05, share(more, func(c cell) bool { return c.canary.approved && !c.stable.approved }), 0.003)
	require.InDelta(t, 0.05, share(more, flips), 0.003)
	require.InDelta(t, 0.05, share(fewer, func(c cell) bool { return !c.canary.approved && c.stable.approved }), 0.003)
	require.Greater(t, share(swapped, flips), 0.9)
}
