package schedule

import (
	"cmp"
	"context"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/workflows"
)

// Register records a pipeline's spec, and makes, changes or deletes its schedules where the spec declares another timing than the one before it.
// What it declares as before is left as it is, or as a person has made it since. A schedule says itself what the spec before declared, so that one
// which was set for a spec that was never recorded is set back by the next one. Schedules are made before the spec is recorded, and deleted after
// it, for which one that a person has set is a spec's again: where either fails, registering the spec again, or the one of before, does what is missing.
func (s Schedules) Register(ctx context.Context, reg registry.Registry, spec registry.PipelineSpec) error {
	declared, err := schedule(spec)
	if err != nil {
		return err
	}
	recorded, err := current(ctx, reg, spec.Name)
	if err != nil {
		return err
	}
	by := "the spec " + spec.Digest[:min(12, len(spec.Digest))]
	wanted := timings(declared)
	var off []workflows.Scheduled
	for _, run := range Runs {
		kept, err := s.declared(ctx, spec.Name, run)
		if err != nil {
			return err
		}
		before := cmp.Or(kept, recorded[run]) // where nothing is kept a person has set it, or there is none
		switch timing := wanted[run]; timing {
		case before:
		case pipeline.Off:
			off = append(off, run)
			if kept == "" {
				err = s.claim(ctx, spec.Name, run, before)
			}
			if err != nil {
				return err
			}
		default:
			if err := s.set(ctx, spec.Name, run, timing, by, timing); err != nil {
				return err
			}
		}
	}
	if err := reg.PutPipeline(ctx, spec); err != nil {
		return err
	}
	for _, run := range off {
		if err := s.Delete(ctx, spec.Name, run); err != nil && fault.CodeOf(err) != fault.NotFound {
			return err
		}
	}
	return nil
}

// declared is what a spec declared that has set the schedule; empty where there is no schedule, or a person has set it since.
func (s Schedules) declared(ctx context.Context, name string, run workflows.Scheduled) (pipeline.Timing, error) {
	described, err := s.Client.GetHandle(ctx, run.ScheduleID(name)).Describe(ctx)
	if isGone(err) {
		return "", nil
	}
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "reading the schedule %s", run.ScheduleID(name))
	}
	return declaredBy(described.Schedule.Action), nil
}

// current is what the current spec of that name declares: off where there is none, and nothing where another release wrote it.
func current(ctx context.Context, reg registry.Registry, name string) (map[workflows.Scheduled]pipeline.Timing, error) {
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

func timings(declared pipeline.Schedule) map[workflows.Scheduled]pipeline.Timing {
	timings := map[workflows.Scheduled]pipeline.Timing{}
	for _, run := range Runs {
		timings[run] = run.Timing(declared)
	}
	return timings
}
