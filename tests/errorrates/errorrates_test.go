package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/loanops/loanops/internal/canary"
)

// What is required of every cell.
const (
	mostFalseAborts = 0.01
	leastFound      = 0.95
)

const documented = "../../docs/error-rates.md"

// A smaller simulation than the documented one, at the ends and in the middle: no cell is worse than required by more than chance explains
// (1 of 1,000 per cell).
func TestErrorRates(t *testing.T) {
	t.Parallel()
	const canaries = 60
	cfg := shipped().Deploy.Canary
	at := []volume{volumes[0], volumes[3], volumes[6]}
	most := func(part float64) int {
		count := 0
		for 1-(distuv.Binomial{N: canaries, P: part}).CDF(float64(count)) > 0.001 {
			count++
		}
		return count
	}
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

// readGrids reads the numbers of the documented table: by mirror, title and row.
func readGrids(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(documented)
	require.NoError(t, err)
	grids := map[string][]string{}
	mirror, title := "", ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## Mirror "); ok {
			mirror = heading
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		switch {
		case mirror == "" || !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---"):
		case len(cells) > 1 && cells[1] == volumes[0].name:
			title = cells[0]
		default:
			grids[mirror+"; "+title+"; "+cells[0]] = cells[1:]
		}
	}
	return grids
}

// The documented table meets what is required in every cell; for good ones without a mirror where there are enough requests for it.
func TestTheDocumentedRatesAreAsRequired(t *testing.T) {
	t.Parallel()
	grids := readGrids(t)
	percents := func(name string) []float64 {
		values := make([]float64, len(volumes))
		require.Len(t, grids[name], len(volumes), name)
		for i, cell := range grids[name] {
			var err error
			values[i], err = strconv.ParseFloat(cell, 64)
			require.NoError(t, err)
		}
		return values
	}
	for _, c := range challengers() {
		if !c.good {
			for _, name := range []string{"on; Bad ones aborted before any client met them, %; ", "off; Bad ones aborted before they had half of the traffic, %; "} {
				for i, found := range percents(name + c.name) {
					require.GreaterOrEqual(t, found, 100*leastFound, "%s%s, %s", name, c.name, volumes[i].name)
				}
			}
			continue
		}
		for _, mirror := range []string{"on", "off"} {
			wanting := percents(mirror + "; Good ones aborted for want of requests, %; " + c.name)
			for i, aborted := range percents(mirror + "; Good ones aborted by a check, %; " + c.name) {
				if mirror == "on" || volumes[i].rate >= 1 {
					aborted += wanting[i]
				}
				require.LessOrEqual(t, aborted, 100*mostFalseAborts, "mirror %s, %s, %s", mirror, c.name, volumes[i].name)
			}
		}
	}
}

// The documented table is what the program writes: some of its cells are computed anew, and all of what surrounds them.
func TestTheDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	cfg := shipped().Deploy.Canary
	grids, kinds := readGrids(t), challengers()
	for _, cell := range []struct {
		mirror       bool
		kind, volume int
	}{{true, 2, 0}, {true, 8, 6}, {false, 3, 6}, {false, 9, 6}} {
		cfg := cfg
		cfg.Mirror = cell.mirror
		v, c := volumes[cell.volume], kinds[cell.kind]
		r := row{challenger: c, rates: []rates{run(cfg, c, v.rate, shippedCanaries, stream(cell.mirror, cell.kind, v))}}
		fresh := 0
		for _, g := range gridsOf(cell.mirror) {
			if g.good != c.good {
				continue
			}
			fresh++
			mirror := map[bool]string{true: "on", false: "off"}[cell.mirror]
			require.Equal(t, grids[mirror+"; "+g.title+"; "+c.name][cell.volume], g.cell(r.rates[0]), "%s, %s, %s: run go run ./tests/errorrates", g.title, c.name, v.name)
		}
		require.Positive(t, fresh)
	}
	text, err := os.ReadFile(documented)
	require.NoError(t, err)
	head, _, _ := strings.Cut(string(text), "## Mirror on")
	require.Equal(t, document(cfg, nil, nil, shippedCanaries), strings.TrimRight(head, "\n")+"\n")
}

// So is the section of synthetic requests: one of its cells is computed anew, and all of what surrounds them.
func TestTheSectionOfSyntheticRequestsIsCurrent(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(documented)
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "## Beside synthetic requests")
	require.True(t, found)
	promoted := make([][]int, len(refusals))
	for i := range promoted {
		promoted[i] = make([]int, len(clientRates))
	}
	var fresh strings.Builder
	writeBeside(&fresh, promoted, shippedCanaries)
	const refused, rate = 2, 1 // 5 %, 1 in 20 s
	cell := fmt.Sprintf("%.1f", 100*float64(besideCell(shipped().Deploy.Canary, refused, rate, shippedCanaries))/shippedCanaries)
	lines, documented := strings.Split(fresh.String(), "\n"), strings.Split("## Beside synthetic requests"+section, "\n")
	require.Len(t, documented, len(lines))
	row := 0
	for i, line := range lines {
		if !strings.HasPrefix(line, "| refuses") {
			require.Equal(t, line, documented[i], "run go run ./tests/errorrates")
			continue
		}
		cells := strings.Split(documented[i], " | ")
		require.Equal(t, strings.Split(line, " | ")[0], cells[0])
		if row == refused {
			require.Equal(t, cell, cells[1+rate], "run go run ./tests/errorrates")
		}
		row++
	}
	require.Equal(t, len(refusals), row)
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
