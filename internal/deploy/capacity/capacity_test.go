package capacity

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestFit(t *testing.T) {
	t.Parallel()
	planned := Grant{MemoryMiB: 128, CPUMillis: 500}
	demand := Demand{LoadMillis: 300, ResidentMiB: 20, CPUMicrosPerDecision: 100, Decisions: 2000}
	for _, test := range []struct {
		name   string
		spoil  func(*Demand)
		target float64
		want   []string
	}{
		{"fits", func(*Demand) {}, 100, nil},
		// 102.4 x 1.25 = 128 exactly.
		{"memory just fits", func(d *Demand) { d.ResidentMiB = 102.4 }, 100, nil},
		{"memory", func(d *Demand) { d.ResidentMiB = 140 }, 100,
			[]string{"needs 175.0 MiB of memory (measured 140.0 MiB + 25 %), the plan grants 128 MiB"}},
		// 100 µs x 3,500/s = 350 thousandths = 70 % of 500.
		{"CPU just fits", func(*Demand) {}, 3500, nil},
		{"CPU", func(*Demand) {}, 7000,
			[]string{"needs 1000.0 thousandths of a core (100 µs a decision at 7000 decisions/s, at most 70 % busy), the plan grants 500"}},
		{"no target", func(d *Demand) { d.CPUMicrosPerDecision = 1e6 }, 0, nil},
		{"slow to load", func(d *Demand) { d.LoadMillis = 12_345 }, 100,
			[]string{"needs 12.3 s from start to ready, at most 10 s are accepted"}},
		{"everything", func(d *Demand) { d.ResidentMiB, d.CPUMicrosPerDecision, d.LoadMillis = 1000, 1e6, 1e6 }, 1, []string{
			"needs 1250.0 MiB of memory (measured 1000.0 MiB + 25 %), the plan grants 128 MiB",
			"needs 1428.6 thousandths of a core (1000000 µs a decision at 1 decisions/s, at most 70 % busy), the plan grants 500",
			"needs 1000.0 s from start to ready, at most 10 s are accepted",
		}},
		{"not measured", func(d *Demand) { *d = Demand{} }, 1,
			[]string{"the model's need was not measured (0 decisions, 0.0 MiB, 0.0 µs of CPU a decision, loaded in 0 ms)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := demand
			test.spoil(&d)
			require.Equal(t, test.want, Fit(planned, d, test.target))
		})
	}
}

func TestFitRefusesWhatIsNoFigure(t *testing.T) {
	t.Parallel()
	for _, bad := range []float64{math.NaN(), math.Inf(1), 0, -1} {
		for i := range 3 {
			figures := [3]float64{1, 1, 1}
			figures[i] = bad
			d := Demand{LoadMillis: figures[0], ResidentMiB: figures[1], CPUMicrosPerDecision: figures[2], Decisions: 1}
			require.NotEmpty(t, Fit(Grant{MemoryMiB: 1 << 20, CPUMillis: 1 << 20}, d, 1), "figure %d is %v", i, bad)
		}
	}
}

// Wanted by hand: of 128 MiB 80 % may be used, 102.4 MiB, of 500 thousandths of a core 70 %, 350, and of 10 s all.
func TestHeadroom(t *testing.T) {
	t.Parallel()
	planned := Grant{MemoryMiB: 128, CPUMillis: 500}
	for _, test := range []struct {
		name   string
		demand Demand
		rate   float64
		want   Headroom
	}{
		{"half of everything", Demand{LoadMillis: 5000, ResidentMiB: 51.2, CPUMicrosPerDecision: 100, Decisions: 1}, 1750, Headroom{Memory: 50, CPU: 50, Load: 50}},
		{"just fits", Demand{LoadMillis: 10_000, ResidentMiB: 102.4, CPUMicrosPerDecision: 100, Decisions: 1}, 3500, Headroom{}},
		{"fits in none", Demand{LoadMillis: 12_000, ResidentMiB: 128, CPUMicrosPerDecision: 100, Decisions: 1}, 7000, Headroom{Memory: -25, CPU: -100, Load: -20}},
		{"no target", Demand{LoadMillis: 100, ResidentMiB: 10.24, CPUMicrosPerDecision: 1e6, Decisions: 1}, 0, Headroom{Memory: 90, CPU: 100, Load: 99}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := HeadroomOf(planned, test.demand, test.rate)
			require.NotNil(t, got)
			for _, pair := range [][2]float64{{test.want.Memory, got.Memory}, {test.want.CPU, got.CPU}, {test.want.Load, got.Load}} {
				require.InDelta(t, pair[0], pair[1], 1e-9)
			}
		})
	}
	for name, of := range map[string]struct {
		planned Grant
		demand  Demand
	}{
		"not measured":   {planned, Demand{}},
		"no figure":      {planned, Demand{LoadMillis: 1, ResidentMiB: math.NaN(), CPUMicrosPerDecision: 1, Decisions: 1}},
		"no memory":      {Grant{CPUMillis: 500}, Demand{LoadMillis: 1, ResidentMiB: 1, CPUMicrosPerDecision: 1, Decisions: 1}},
		"no part of CPU": {Grant{MemoryMiB: 128}, Demand{LoadMillis: 1, ResidentMiB: 1, CPUMicrosPerDecision: 1, Decisions: 1}},
	} {
		require.Nil(t, HeadroomOf(of.planned, of.demand, 1), name)
	}
}

func TestHeadroomInWordsPromisesNoMoreThanThereIs(t *testing.T) {
	t.Parallel()
	require.Equal(t, "43 % of memory, 0 % of CPU and 95 % of the starting time", Headroom{Memory: 43.99, CPU: 0.4, Load: 95}.String())
	require.Equal(t, "-1 % of memory, 100 % of CPU and -21 % of the starting time", Headroom{Memory: -0.1, CPU: 100, Load: -20.5}.String())
}

// What is below 0 is what does not fit, and what may grow by 1/(1 - headroom) just fits then.
func TestHeadroomIsBelowZeroWhereItDoesNotFit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		planned := Grant{MemoryMiB: rapid.Int64Range(16, 4096).Draw(t, "memory"), CPUMillis: rapid.Int64Range(10, 8000).Draw(t, "cpu")}
		positive := func(name string, most float64) float64 { return rapid.Float64Range(1, most).Draw(t, name) }
		demand := Demand{LoadMillis: positive("load", 2e4), ResidentMiB: positive("resident", 5000), CPUMicrosPerDecision: positive("µs", 1e5), Decisions: 1}
		rate := positive("rate", 1e5)
		free := HeadroomOf(planned, demand, rate)
		below := 0
		for _, figure := range []float64{free.Memory, free.CPU, free.Load} {
			if figure < 0 {
				below++
			}
		}
		require.Len(t, Fit(planned, demand, rate), below)
		demand.ResidentMiB /= 1 - free.Memory/100
		demand.CPUMicrosPerDecision /= 1 - free.CPU/100
		demand.LoadMillis /= 1 - free.Load/100
		grown := HeadroomOf(planned, demand, rate)
		for _, figure := range []float64{grown.Memory, grown.CPU, grown.Load} {
			require.InDelta(t, 0, figure, 1e-6)
		}
	})
}

// Granting more never makes a fit a misfit, and needing more never makes a misfit a fit.
func TestFitIsMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		planned := Grant{MemoryMiB: rapid.Int64Range(16, 4096).Draw(t, "memory"), CPUMillis: rapid.Int64Range(10, 8000).Draw(t, "cpu")}
		positive := func(name string, most float64) float64 { return rapid.Float64Range(0.001, most).Draw(t, name) }
		demand := Demand{LoadMillis: positive("load", 2e4), ResidentMiB: positive("resident", 5000), CPUMicrosPerDecision: positive("µs", 1e5), Decisions: 1}
		rate := positive("rate", 1e5)
		before := len(Fit(planned, demand, rate))
		more := Grant{MemoryMiB: planned.MemoryMiB + rapid.Int64Range(0, 1000).Draw(t, "more memory"), CPUMillis: planned.CPUMillis + rapid.Int64Range(0, 1000).Draw(t, "more cpu")}
		require.LessOrEqual(t, len(Fit(more, demand, rate)), before)
		demand.ResidentMiB *= 1 + positive("factor", 3)
		demand.CPUMicrosPerDecision *= 1 + positive("factor", 3)
		require.GreaterOrEqual(t, len(Fit(planned, demand, rate)), before)
	})
}
