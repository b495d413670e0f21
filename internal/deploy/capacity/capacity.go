// Package capacity holds what a plan grants a predictor against what its model was measured to need.
package capacity

import (
	"fmt"
	"math"
)

// Grant is what a plan gives one predictor.
type Grant struct {
	MemoryMiB int64 `json:"memory_mib"`
	CPUMillis int64 `json:"cpu_millis"` // thousandths of a core
}

// Demand is what a model was measured to need in the real loanops-api, run as it will serve.
type Demand struct {
	LoadMillis           float64 `json:"load_millis"`             // start to ready; of a container with its making
	ResidentMiB          float64 `json:"resident_mib"`            // peak after the measuring load
	CPUMicrosPerDecision float64 `json:"cpu_micros_per_decision"` // user and system time
	Decisions            int     `json:"decisions"`               // how many were measured
}

// What a plan must leave free above what was measured.
const (
	// MemoryHeadroom is added to the measured peak: the measuring load is short, and a Go heap may double between two
	// collections of garbage before GOMEMLIMIT makes them more frequent.
	MemoryHeadroom = 0.25
	// CPUUtilisation is the largest planned use of a core at the target rate. Above it queues, and with them the tail of the
	// latency, grow without need: a single server at 70 % already waits 2.3 service times on average (M/M/1: u/(1-u)).
	CPUUtilisation = 0.7
	// MaxLoadMillis is the longest accepted time from a process's start to ready.
	MaxLoadMillis = 10_000
)

// Fit holds a plan against a measurement and returns every misfit in words; none means that it fits. targetRate is the
// decisions per second that one predictor must carry; 0 asks nothing of the CPU.
//
//	memory:  resident x (1 + MemoryHeadroom)  <= planned memory
//	CPU:     CPU per decision x targetRate    <= planned CPU x CPUUtilisation
//	load:    start to ready                   <= MaxLoadMillis
//
// A demand that was not measured (no decisions, or a figure that is not a positive number) is a misfit: what nobody
// measured is not known to fit.
func Fit(planned Grant, demand Demand, targetRate float64) []string {
	var misfits []string
	if !demand.measured() {
		return []string{fmt.Sprintf("the model's need was not measured (%d decisions, %.1f MiB, %.1f µs of CPU a decision, loaded in %.0f ms)",
			demand.Decisions, demand.ResidentMiB, demand.CPUMicrosPerDecision, demand.LoadMillis)}
	}
	if memory := demand.memoryMiB(); memory > float64(planned.MemoryMiB) {
		misfits = append(misfits, fmt.Sprintf("needs %.1f MiB of memory (measured %.1f MiB + %.0f %%), the plan grants %d MiB",
			memory, demand.ResidentMiB, MemoryHeadroom*100, planned.MemoryMiB))
	}
	if millis := demand.cpuMillis(targetRate); millis > planned.usableCPUMillis() {
		misfits = append(misfits, fmt.Sprintf("needs %.1f thousandths of a core (%.0f µs a decision at %g decisions/s, at most %.0f %% busy), the plan grants %d",
			millis/CPUUtilisation, demand.CPUMicrosPerDecision, targetRate, CPUUtilisation*100, planned.CPUMillis))
	}
	if demand.LoadMillis > MaxLoadMillis {
		misfits = append(misfits, fmt.Sprintf("needs %.1f s from start to ready, at most %d s are accepted", demand.LoadMillis/1000, MaxLoadMillis/1000))
	}
	return misfits
}

// usableCPUMillis is what may be used at the target rate.
func (g Grant) usableCPUMillis() float64 { return float64(g.CPUMillis) * CPUUtilisation }

// measured reports whether all figures are finite numbers above zero, of at least one decision.
func (d Demand) measured() bool {
	return d.Decisions > 0 && positive(d.ResidentMiB) && positive(d.CPUMicrosPerDecision) && positive(d.LoadMillis)
}

// memoryMiB is the measured peak and what must be free above it.
func (d Demand) memoryMiB() float64 { return d.ResidentMiB * (1 + MemoryHeadroom) }

// cpuMillis is what is used at a rate, in thousandths of a core.
func (d Demand) cpuMillis(rate float64) float64 { return d.CPUMicrosPerDecision * rate / 1000 }

// positive reports whether v is a finite number above zero.
func positive(v float64) bool { return v > 0 && !math.IsInf(v, 1) }
