package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
)

// TrialInput starts Trial.
type TrialInput struct {
	// Build is the one that is on trial: the run is pinned to it.
	Build string `json:"build"`
	// Roles are those whose workers have to be of the build.
	Roles []activities.Role `json:"roles"`
}

// TrialResult is how Trial ends.
type TrialResult struct {
	Build string `json:"build"`
	// Replayed is how many histories were played.
	Replayed int `json:"replayed"`
	// Reasons say why the build may not be made current; none where it may.
	Reasons []string `json:"reasons"`
}

// trialLimit is how long a step of a trial waits for a worker, and works: a build without workers is not waited for.
const trialLimit = 10 * time.Minute

// Trial tries a build of the workers before runs begin on it, and changes nothing. Started as pinned to the build, it is decided by its workers; the
// workers of every role that it is given have to be of it; and its workflows have to go on with what others began: the histories of this cluster are replayed.
func Trial(ctx workflow.Context, input TrialInput) (TrialResult, error) {
	result := TrialResult{Build: input.Build, Reasons: []string{}}
	if input.Build == "" || len(input.Roles) == 0 {
		return result, usage(`"build" and "roles" are needed: {"build":"0a1b2c3d4e5f6071","roles":["data"]}`)
	}
	in := activities.TrialInput{Build: input.Build}
	for _, role := range input.Roles {
		step := activities.AnswerTrial.On(role)
		o := options(step.Queue(), step.Patience, "ask the workers of "+string(role)+" for their build")
		o.ScheduleToCloseTimeout = time.Minute
		answered, err := callWith(ctx, o, step, in)
		switch {
		case err != nil:
			result.Reasons = append(result.Reasons, fmt.Sprintf("the role %s: no worker answered: %s", role, cause(err)))
		case answered.Build != input.Build:
			result.Reasons = append(result.Reasons, fmt.Sprintf("the role %s is answered by build %s: no worker of build %s has it", role, answered.Build, input.Build))
		}
	}
	if len(result.Reasons) > 0 { // whose histories would be replayed by others
		return result, nil
	}
	step := activities.ReplayBuild
	o := options(step.Queue(), step.Patience, "replay the histories of this cluster")
	o.ScheduleToCloseTimeout = trialLimit
	replayed, err := callWith(ctx, o, step, in)
	if failedWith(err, fault.Refused) {
		result.Reasons = append(result.Reasons, cause(err))
		return result, nil
	}
	result.Replayed, result.Reasons = replayed.Histories, append(result.Reasons, replayed.Failures...)
	return result, err
}
