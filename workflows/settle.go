package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
)

// settle does not end before production is what the record of in's generation says, and Terraform's plan clean after it, whatever is
// away meanwhile. Each try moves traffic first where in says so: Terraform's lock may be held. Only a writer who took over ends it otherwise.
func (r *run) settle(ctx workflow.Context, in activities.FollowInput) error {
	_, err := insist(ctx, r, activities.AdoptRecord, "letting production follow its record", in)
	return err
}
