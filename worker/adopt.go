package main

import (
	"context"
	"errors"
	"log/slog"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/workflows"
)

// adoptRollbacks starts, for every pipeline whose last decision was a rollback, the workflow that makes production and Terraform follow it: the
// command that recorded it may have met no Temporal, or ended before its traffic was moved. Where that is done already, doing it again
// changes nothing. What is wrong with one pipeline, as a record that was altered, keeps no other one from being followed.
func adoptRollbacks(ctx context.Context, reg registry.Registry, temporal client.Client, logger *slog.Logger) error {
	pipelines, err := reg.Pipelines(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, pipeline := range pipelines {
		failed = append(failed, adoptRollback(ctx, reg, temporal, logger, pipeline.Name))
	}
	return errors.Join(failed...)
}

func adoptRollback(ctx context.Context, reg registry.Registry, temporal client.Client, logger *slog.Logger, pipeline string) error {
	history, err := reg.ServingHistory(ctx, pipeline, serving.Production)
	if err != nil || serving.Decided(history).Change != serving.RolledBack {
		return err
	}
	newest := history[len(history)-1]
	_, err = temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: workflows.RollbackID(pipeline), TaskQueue: workflows.TaskQueue, StaticSummary: "let production follow the rollback of " + pipeline,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, // one that runs follows the newest rollback
	}, workflows.RollbackName, workflows.RollbackInput{Model: pipeline, Actor: newest.Actor, Reason: newest.Reason, Adopt: newest.Generation})
	if err != nil {
		return err
	}
	logger.Info("following a rollback", "pipeline", pipeline, "generation", newest.Generation)
	return nil
}
