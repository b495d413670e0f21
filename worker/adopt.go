package main

import (
	"context"
	"log/slog"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/workflows"
)

// adoptRollbacks starts, for every pipeline whose newest record is a rollback, the workflow that makes production and Terraform follow it: the
// command that recorded it may have met no Temporal, or ended before its traffic was moved. Where that is done already, doing it again
// changes nothing.
func adoptRollbacks(ctx context.Context, reg registry.Registry, temporal client.Client, logger *slog.Logger) error {
	pipelines, err := reg.Pipelines(ctx)
	if err != nil {
		return err
	}
	for _, pipeline := range pipelines {
		newest, err := reg.Serving(ctx, pipeline.Name, serving.Production)
		if err != nil {
			return err
		}
		if newest.Change != serving.RolledBack {
			continue
		}
		_, err = temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: workflows.RollbackID(pipeline.Name), TaskQueue: workflows.TaskQueue, StaticSummary: "let production follow the rollback of " + pipeline.Name,
			WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, // one that runs goes on
		}, workflows.RollbackName, workflows.RollbackInput{Model: pipeline.Name, Actor: newest.Actor, Reason: newest.Reason, Adopt: newest.Generation})
		if err != nil {
			return err
		}
		logger.Info("following a rollback", "pipeline", pipeline.Name, "generation", newest.Generation)
	}
	return nil
}
