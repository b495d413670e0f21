package workflows

import (
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
)

// settle does not end before production is what the record of in's generation says: traffic at once, by the agent alone, unless moved says that
// it was, and Terraform, whose lock may be held, its plan clean after it. While the agent is away nothing else could be done either; a track
// that is gone comes back with Terraform. A writer who took over and a cancellation end it, and once traffic is moved, or cannot be by the agent
// alone, the faults that the caller gives up on.
func (r *run) settle(ctx workflow.Context, in activities.FollowInput, moved bool, givenUpOn ...fault.Code) error {
	const shifting, adopting = "telling the agent what serves", "letting Terraform follow what serves"
	shift := options(activities.ShiftTraffic.Queue(), activities.ShiftTraffic.Patience, shifting)
	adopt := options(activities.AdoptRecord.Queue(), activities.AdoptRecord.Patience, adopting)
	said := adopting
	for n, gone := 0, false; ; n++ {
		if !moved {
			_, err := doWith(ctx, r, retryWindow(shift, n), activities.ShiftTraffic, shifting, in)
			if temporal.IsCanceledError(err) || failedWith(err, fault.Overtaken) {
				return err
			}
			moved, gone = err == nil, failedWith(err, fault.NotFound)
		}
		_, err := doWith(ctx, r, retryWindow(adopt, n), activities.AdoptRecord, said, in)
		if err == nil || temporal.IsCanceledError(err) || failedWith(err, fault.Overtaken) || (moved || gone) && failedWith(err, givenUpOn...) {
			return err
		}
		said = waiting(adopting, err)
		if err := r.sleep(ctx, said, n, err); err != nil {
			return err
		}
	}
}
