package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
)

// CheckFeaturesInput starts CheckFeatures; `loanops features apply` makes it.
type CheckFeaturesInput struct {
	// Queries is a list of feature.Query as JSON: those of the views in SQL that are to be registered.
	Queries artifact.Ref `json:"queries"`
}

// checkLimit is how long a check waits for a worker, and works: somebody waits for it.
const checkLimit = 2 * time.Minute

// CheckFeatures holds definitions of features to what only a worker can tell, before they are registered: whether queries can be run, and read what they may. It
// changes nothing.
func CheckFeatures(ctx workflow.Context, input CheckFeaturesInput) (activities.CheckQueriesOutput, error) {
	if input.Queries.SHA256 == "" {
		return activities.CheckQueriesOutput{}, usage(`"queries" is missing; "loanops features apply DIR" gives them`)
	}
	step := activities.CheckQueries
	o := options(step.Queue(), step.Patience, "check the queries of views")
	o.ScheduleToCloseTimeout = checkLimit
	return callWith(ctx, o, step, activities.CheckQueriesInput{Queries: input.Queries})
}
