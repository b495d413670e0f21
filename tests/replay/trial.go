package main

import (
	"context"
	"fmt"

	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/workers"
	"github.com/loanops/loanops/workflows"
)

// current stands for the build on which runs begin: it is another one whenever the program is.
const current = "the current build"

// onTrial tries the build on which runs begin already, as a promotion does before they do.
func onTrial(ctx context.Context, s *stage) error {
	cluster := workers.Cluster{Client: s.temporal, Namespace: client.DefaultNamespace, Queue: workflows.TaskQueue}
	routing, err := cluster.Routing(ctx)
	if err != nil {
		return err
	}
	run, err := s.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.TrialID(current), TaskQueue: workflows.TaskQueue,
		VersioningOverride: &client.PinnedVersioningOverride{Version: workers.VersionOf(routing.Current)},
	}, workflows.TrialName, workflows.TrialInput{Build: routing.Current, Roles: activities.Roles})
	if err != nil {
		return err
	}
	var tried workflows.TrialResult
	if err := run.Get(ctx, &tried); err != nil {
		return err
	}
	if tried.Replayed == 0 || len(tried.Reasons) > 0 {
		return fmt.Errorf("the current build does not pass: %+v", tried)
	}
	return nil
}
