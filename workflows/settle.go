package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
)

// settle does not end before production is what the record of in's generation says: traffic at once by the agent alone unless moved says that
// it was, and Terraform, whose lock may be held, its plan clean after it. A track that is gone comes back with Terraform first. Only a writer
// who took over ends it otherwise.
func (r *run) settle(ctx workflow.Context, in activities.FollowInput, moved bool) error {
	const shifting, adopting = "telling the agent what serves", "letting Terraform follow what serves"
	shift := options(activities.ShiftTraffic.Role, activities.ShiftTraffic.Patience, shifting)
	adopt := options(activities.AdoptRecord.Role, activities.AdoptRecord.Patience, adopting)
	shiftSaid, adoptSaid := shifting, adopting
	for n := 0; ; n++ {
		if !moved {
			_, err := doWith(ctx, r, spell(shift, n), activities.ShiftTraffic, shiftSaid, in)
			if err != nil {
				if final(err) {
					return err
				}
				shiftSaid = waiting(shifting, err)
			}
			moved = err == nil
		}
		_, err := doWith(ctx, r, spell(adopt, n), activities.AdoptRecord, adoptSaid, in)
		if err == nil || final(err) {
			return err
		}
		adoptSaid = waiting(adopting, err)
		if err := r.sleep(ctx, adoptSaid, n, err); err != nil {
			return err
		}
	}
}
