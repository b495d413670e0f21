package schedule

import (
	"context"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/workflows"
)

// Register records a pipeline's spec, and makes, changes or deletes its schedules where the spec declares another timing than the one before it.
// What it declares as before is left as it is, or as a person has made it since. Schedules come first: where that fails the spec is not
// recorded, and registering it again does all of it.
func (s Schedules) Register(ctx context.Context, reg registry.Registry, spec registry.PipelineSpec) error {
	declared, err := schedule(spec)
	if err != nil {
		return err
	}
	before, err := current(ctx, reg, spec.Name)
	if err != nil {
		return err
	}
	by := "the spec " + spec.Digest[:min(12, len(spec.Digest))]
	wanted := timings(declared)
	for _, run := range Runs {
		timing := wanted[run]
		if timing == before[run] {
			continue
		}
		if timing == pipeline.Off {
			err = s.Delete(ctx, spec.Name, run)
			if fault.CodeOf(err) == fault.NotFound {
				err = nil
			}
		} else {
			err = s.Set(ctx, spec.Name, run, timing, by)
		}
		if err != nil {
			return err
		}
	}
	return reg.PutPipeline(ctx, spec)
}

// current is what the current spec of that name declares: off where there is none, and nothing where another release wrote it.
func current(ctx context.Context, reg registry.Registry, name string) (map[string]pipeline.Timing, error) {
	spec, err := reg.Pipeline(ctx, name)
	if fault.CodeOf(err) == fault.NotFound {
		return timings(pipeline.Schedule{Retrain: pipeline.Off, Monitor: pipeline.Off}), nil
	}
	if err != nil {
		return nil, err
	}
	declared, err := schedule(spec)
	if fault.CodeOf(err) == fault.Invalid {
		return nil, nil
	}
	return timings(declared), err
}

func schedule(spec registry.PipelineSpec) (pipeline.Schedule, error) {
	parsed, err := pipeline.Parse(spec.Name+".yaml", spec.YAML)
	return parsed.Schedule, err
}

func timings(declared pipeline.Schedule) map[string]pipeline.Timing {
	return map[string]pipeline.Timing{workflows.TrainingRun: declared.Retrain, workflows.MonitorRun: declared.Monitor}
}
