package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/registry"
)

// MeasureInput is the bundle to run in the real loanops-api.
type MeasureInput struct {
	Candidate Candidate `json:"candidate"`
}

// MeasureOutput is what the model was measured to need.
type MeasureOutput struct {
	Demand capacity.Demand `json:"demand"`
}

// Summary is the figures.
func (o MeasureOutput) Summary() string {
	return fmt.Sprintf("loads in %.0f ms, %.0f MiB resident, %.0f µs of CPU per decision",
		o.Demand.LoadMillis, o.Demand.ResidentMiB, o.Demand.CPUMicrosPerDecision)
}

// CapacityInput holds a plan against a measurement.
type CapacityInput struct {
	Planned    capacity.Grant  `json:"planned"`
	Demand     capacity.Demand `json:"demand"`
	TargetRate float64         `json:"target_rate"`
}

// CapacityOutput lists the misfits in words; none means that it fits.
type CapacityOutput struct {
	Misfits []string `json:"misfits"`
	// HeadroomPercent is what the plan leaves free; nil where it is not known, see capacity.HeadroomOf.
	HeadroomPercent *capacity.Headroom `json:"headroom_percent,omitempty"`
}

// fit holds the plan against the measurement.
func (in CapacityInput) fit() CapacityOutput {
	return CapacityOutput{
		Misfits:         capacity.Fit(in.Planned, in.Demand, in.TargetRate),
		HeadroomPercent: capacity.HeadroomOf(in.Planned, in.Demand, in.TargetRate),
	}
}

// Summary is the first misfit, if there is one, else what is left.
func (o CapacityOutput) Summary() string {
	switch {
	case len(o.Misfits) > 0:
		return o.Misfits[0]
	case o.HeadroomPercent == nil: // of a run that began before it was told
		return "the model fits the plan"
	}
	return fmt.Sprintf("the model fits the plan: of what it may use %s are free", o.HeadroomPercent)
}

// Capacity holds what a plan grants against what a model needs.
type Capacity struct {
	Registry registry.Registry
	Objects  Objects
	// Image is what tracks of versions that name none are to run in, repository@sha256:….
	Image string
	// Run measures on the machine, and in the runtime, that will serve, see contract.AgentClient.Measure.
	Run func(ctx context.Context, spec contract.TrackSpec, applications []map[string]any) (capacity.Demand, error)
}

// Measure runs the bundle in the image's own loanops-api under golden requests.
func (c *Capacity) Measure(ctx context.Context, in MeasureInput) (MeasureOutput, error) {
	spec, version, err := in.Candidate.read(ctx, c.Registry)
	if err != nil {
		return MeasureOutput{}, err
	}
	track, err := trackSpec(ctx, c.Registry, spec, in.Candidate.Track, c.Image)
	if err != nil {
		return MeasureOutput{}, err
	}
	rows, err := getGolden(ctx, c.Objects, golden(version))
	if err != nil {
		return MeasureOutput{}, err
	}
	say(ctx, "running loanops-api under load")
	demand, err := c.Run(ctx, track, rows.Applications())
	return MeasureOutput{Demand: demand}, err
}

// Check lists what does not fit, and says how much is left.
func (c *Capacity) Check(_ context.Context, in CapacityInput) (CapacityOutput, error) {
	return in.fit(), nil
}
