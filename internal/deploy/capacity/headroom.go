package capacity

import (
	"fmt"
	"math"
)

// Headroom is how much of what a model may use of its plan it leaves free, in percent. What must stay free in any case is not counted as
// free: Fit lets a peak have 1/(1 + MemoryHeadroom) of the planned memory (80 %), and the target rate CPUUtilisation of the planned CPU
// (70 %), so that a model with half of these has a headroom of 50.
//
//	memory:  100 x (1 - resident x (1 + MemoryHeadroom) / planned memory)
//	CPU:     100 x (1 - CPU per decision x targetRate / (planned CPU x CPUUtilisation))
//	load:    100 x (1 - start to ready / MaxLoadMillis)
//
// 0 just fits, and below 0 is what Fit calls a misfit. With a headroom of h what the model needs may grow by the factor 1/(1 - h/100), and
// fits still: with 50 it may double.
type Headroom struct {
	Memory float64 `json:"memory"`
	CPU    float64 `json:"cpu"` // 100 where no rate is asked for
	Load   float64 `json:"load"`
}

// HeadroomOf is that of a plan and a measurement, as Fit holds them against each other; nil for a demand that was not measured and for a plan that
// grants nothing.
func HeadroomOf(planned Grant, demand Demand, targetRate float64) *Headroom {
	if !demand.measured() || planned.MemoryMiB <= 0 || planned.CPUMillis <= 0 {
		return nil
	}
	return &Headroom{
		Memory: free(float64(planned.MemoryMiB), demand.memoryMiB()),
		CPU:    free(planned.usableCPUMillis(), demand.cpuMillis(targetRate)),
		Load:   free(MaxLoadMillis, demand.LoadMillis),
	}
}

func free(usable, needed float64) float64 { return 100 * (usable - needed) / usable }

// String rounds down: it promises no more than there is.
func (h Headroom) String() string {
	return fmt.Sprintf("%.0f %% of memory, %.0f %% of CPU and %.0f %% of the starting time", math.Floor(h.Memory), math.Floor(h.CPU), math.Floor(h.Load))
}
