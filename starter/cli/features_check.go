package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

// checkLimit is how long a check of definitions may take.
const checkLimit = 3 * time.Minute

// check has a worker hold the queries of a folder's views to what they may be; nothing is registered yet. What is wrong is fault.Invalid with a line for each of
// them.
func (a *app) check(ctx context.Context, folder *feature.Folder, queries []feature.Query) error {
	if len(queries) == 0 {
		return nil
	}
	s, err := settings.FromState(a.state)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "views in SQL are checked by a worker")
	}
	store, err := objects(ctx, s)
	if err != nil {
		return err
	}
	data, err := json.Marshal(queries)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding queries")
	}
	ref, err := store.Put(ctx, data, "application/json", "json")
	if err != nil {
		return err
	}
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.Close()
	names := make([]string, len(queries))
	for i, q := range queries {
		names[i] = q.View.Name
	}
	a.say("checking the SQL of %s", strings.Join(names, ", "))
	out, err := checked(ctx, c, ref)
	if err != nil {
		return err
	}
	return wrongQueries(folder, out.Problems)
}

// checked runs the check, or joins the one that goes on.
func checked(ctx context.Context, c client.Client, queries artifact.Ref) (out activities.CheckQueriesOutput, err error) {
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.CheckFeaturesID(queries.SHA256), TaskQueue: workflows.TaskQueue, StaticSummary: "check definitions of features",
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowExecutionTimeout: checkLimit, // there may be no worker
	}, workflows.CheckFeaturesName, workflows.CheckFeaturesInput{Queries: queries})
	if err != nil {
		return out, fault.Wrap(fault.Unavailable, err, "starting the check of queries")
	}
	err = workflowFault(run.Get(ctx, &out))
	var late *temporal.TimeoutError
	if errors.As(err, &late) {
		return out, fault.New(fault.Unavailable, "the queries of views in SQL were not checked, for no worker of the role data has answered; nothing is registered")
	}
	return out, err
}

// wrongQueries says where the folder has what is wrong; nil where nothing is.
func wrongQueries(folder *feature.Folder, problems []activities.QueryProblem) error {
	if len(problems) == 0 {
		return nil
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		at, text := folder.Within(p.View, feature.QueryError{Line: p.Line, Column: p.Column, Text: p.Text})
		lines[i] = fmt.Sprintf("%s: the query of view %q: %s", at, p.View, text)
	}
	return fault.New(fault.Invalid, "%s", strings.Join(lines, "\n"))
}
