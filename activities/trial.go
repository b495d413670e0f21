package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/fault"
)

// Trials answer for the worker that they are in: which build it is of, and whether its workflows go on with what others began.
type Trials struct {
	Build string
	// Replay plays histories of this cluster to the worker's workflows.
	Replay func(ctx context.Context) (Replayed, error)
}

// Replayed is what came of playing histories.
type Replayed struct {
	Histories int `json:"histories"`
	// Failures say of each history that was not played to its end which workflow and which event.
	Failures []string `json:"failures"`
}

// TrialInput asks a worker of a role for itself.
type TrialInput struct {
	// Build is the one that is on trial.
	Build string `json:"build"`
}

// ReplayOutput is what came of the histories, and in which build.
type ReplayOutput struct {
	Build string `json:"build"`
	Replayed
}

// Summary is the sentence for people.
func (o ReplayOutput) Summary() string {
	return fmt.Sprintf("%d histories replayed, %d not to their end", o.Histories, len(o.Failures))
}

// BuildOutput is the build that answered.
type BuildOutput struct {
	Build string `json:"build"`
}

// Summary is the sentence for people.
func (o BuildOutput) Summary() string { return "answered by build " + o.Build }

// ReplayAll replays the histories where the worker is of the build on trial: what another one makes of them says nothing.
func (t Trials) ReplayAll(ctx context.Context, in TrialInput) (ReplayOutput, error) {
	if t.Build != in.Build {
		return ReplayOutput{}, fault.New(fault.Refused, "the histories would be replayed by build %s", t.Build)
	}
	say(ctx, "replaying histories")
	replayed, err := t.Replay(ctx)
	return ReplayOutput{Build: t.Build, Replayed: replayed}, err
}

// Answer says which build works for the role.
func (t Trials) Answer(context.Context, TrialInput) (BuildOutput, error) {
	return BuildOutput{Build: t.Build}, nil
}
