package activities

import (
	"context"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/measure"
)

// Capacity holds what a plan grants against what a model needs.
type Capacity struct {
	Objects Objects
	// APIBinary is the loanops-api that will be deployed.
	APIBinary string
	// Run measures, see measure.Run.
	Run func(ctx context.Context, cfg measure.Config) (capacity.Demand, error)
}

// Measure runs the bundle in the real loanops-api under golden requests.
func (c *Capacity) Measure(ctx context.Context, in MeasureInput) (capacity.Demand, error) {
	bundle, err := c.Objects.Path(ctx, in.Version.Bundle)
	if err != nil {
		return capacity.Demand{}, err
	}
	golden, err := getGolden(ctx, c.Objects, in.Version.Golden)
	if err != nil {
		return capacity.Demand{}, err
	}
	applications := make([]map[string]any, len(golden.Rows))
	for i, row := range golden.Rows {
		applications[i] = row.Application
	}
	say(ctx, "running loanops-api under load")
	return c.Run(ctx, measure.Config{
		APIBinary: c.APIBinary, Bundle: bundle,
		Spec: track(EnvironmentInput{Spec: in.Spec}, in.Version), Applications: applications,
	})
}

// Check lists what does not fit.
func (c *Capacity) Check(_ context.Context, in CapacityInput) (CapacityOutput, error) {
	return CapacityOutput{Misfits: capacity.Fit(in.Planned, in.Demand, in.TargetRate)}, nil
}
