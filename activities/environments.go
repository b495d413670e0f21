package activities

import (
	"context"
	"strings"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
)

// Agent reads what an environment is, see contract.AgentClient.
type Agent interface {
	Actual(ctx context.Context, environment, pipeline string) (contract.Actual, error)
}

// Workspace is Terraform in one pipeline's environment, see terraform.Workspace.
type Workspace interface {
	Plan(ctx context.Context, desired terraform.Desired) (terraform.PlanSummary, error)
	Apply(ctx context.Context, desired terraform.Desired) error
}

// Environments changes what runs where. Terraform writes; the agent is only read.
type Environments struct {
	Agent     Agent
	Workspace func(pipeline, environment string) Workspace
	// Back moves traffic and the alias champion to a version that still runs, see shift.Rollback.
	Back func(ctx context.Context, request shift.RollbackRequest) (shift.RollbackResult, error)
}

// Plan says what delivering the version would change.
func (e *Environments) Plan(ctx context.Context, in EnvironmentInput) (PlanOutput, error) {
	desired, slot, err := e.desired(ctx, in)
	if err != nil {
		return PlanOutput{}, err
	}
	say(ctx, "terraform plan")
	summary, err := e.Workspace(in.Spec.Name, in.Environment).Plan(ctx, desired)
	if err != nil {
		return PlanOutput{}, err
	}
	planned, ok := summary.Planned[slot]
	if !ok {
		return PlanOutput{}, fault.New(fault.Internal, "the plan of %s grants slot %s nothing", in.Environment, slot)
	}
	return PlanOutput{Summary: summary, Slot: slot, Planned: planned, Adopted: strings.Join(summary.Drifted, "; ")}, nil
}

// Apply makes the environment so. Applying the same twice changes nothing.
func (e *Environments) Apply(ctx context.Context, in EnvironmentInput) (ApplyOutput, error) {
	desired, slot, err := e.desired(ctx, in)
	if err != nil {
		return ApplyOutput{}, err
	}
	say(ctx, "terraform apply")
	workspace := e.Workspace(in.Spec.Name, in.Environment)
	if err := e.freeSlot(ctx, in, workspace, slot); err != nil {
		return ApplyOutput{}, err
	}
	if err := workspace.Apply(ctx, desired); err != nil {
		return ApplyOutput{}, err
	}
	actual, err := e.Agent.Actual(ctx, in.Environment, in.Spec.Name)
	if err != nil {
		return ApplyOutput{}, err
	}
	return ApplyOutput{Slot: slot, URL: actual.Tracks[slot].URL}, nil
}

// freeSlot gives the champion all traffic before the challenger is put where something else still has some: the trace of
// a rollback that was interrupted. Otherwise the challenger would inherit that share for a moment.
func (e *Environments) freeSlot(ctx context.Context, in EnvironmentInput, workspace Workspace, slot string) error {
	if in.Environment != contract.Production || in.Champion == nil || in.RemoveChallenger {
		return nil
	}
	actual, err := e.Agent.Actual(ctx, in.Environment, in.Spec.Name)
	if err != nil || actual.Weight(slot) == 0 || actual.Tracks[slot].Spec.ModelVersion == in.Version.Version {
		return err
	}
	in.RemoveChallenger = true
	alone, _, err := e.desired(ctx, in)
	if err != nil {
		return err
	}
	return workspace.Apply(ctx, alone)
}

// desired is what the environment should be. It starts from what the agent says is there, so that a rollback done behind
// Terraform's back is adopted and not fought, and it names the challenger's slot.
func (e *Environments) desired(ctx context.Context, in EnvironmentInput) (terraform.Desired, string, error) {
	d := terraform.Desired{Pipeline: in.Spec.Name, Environment: in.Environment, Tracks: map[string]contract.TrackSpec{}, Weights: map[string]int{}}
	if in.Environment == contract.Staging {
		d.Tracks[contract.Blue], d.Weights[contract.Blue] = track(in, in.Version), 100
		return d, contract.Blue, nil
	}
	actual, err := e.Agent.Actual(ctx, in.Environment, in.Spec.Name)
	if err != nil {
		return d, "", err
	}
	challengerSpec := track(in, in.Version)
	challengerSpec.Drill = in.Drill
	if in.Champion == nil {
		slot := actual.SlotOf(in.Version.Version) // when it is applied again
		if slot == "" {
			_, slot = contract.NextSlot(actual, 0)
		}
		d.Tracks[slot], d.Weights[slot] = challengerSpec, 100
		return d, slot, nil
	}
	champion, challenger := contract.NextSlot(actual, in.Champion.Version)
	d.Tracks[champion] = championTrack(in, actual.Tracks[champion])
	if in.RemoveChallenger {
		d.Weights[champion] = 100
		return d, challenger, nil
	}
	d.Tracks[challenger] = challengerSpec
	d.Weights[champion], d.Weights[challenger] = 100-in.Weight, in.Weight
	return d, challenger, nil
}

// championTrack leaves the champion as it runs: a change of policy or limits arrives with the challenger and is judged
// with it. A champion that does not run is brought back as the spec says.
func championTrack(in EnvironmentInput, running contract.Track) contract.TrackSpec {
	if running.Spec.Digest != in.Champion.Digest || running.Spec.ModelVersion != in.Champion.Version {
		return track(in, *in.Champion)
	}
	spec := running.Spec
	spec.Drill = ""
	return spec
}

func track(in EnvironmentInput, version Deliverable) contract.TrackSpec {
	return contract.TrackSpec{
		ModelVersion: version.Version, Digest: version.Digest, BundleURI: version.Bundle.URI,
		MemoryMiB: int64(in.Spec.Deploy.MemoryMiB), CPUMillis: int64(in.Spec.Deploy.CPUMillis),
		Cutoff: in.Spec.Policy.Cutoff, Meaning: string(in.Spec.Label.Meaning),
	}
}

// RollBack gives all traffic to a version that still runs in a slot, in seconds.
func (e *Environments) RollBack(ctx context.Context, in RollBackInput) (RollBackOutput, error) {
	done, err := e.Back(ctx, shift.RollbackRequest{
		Model: in.Model, Version: in.Version, Actor: in.Actor, Reason: in.Reason, Operation: in.Operation,
	})
	return RollBackOutput(done), err
}
