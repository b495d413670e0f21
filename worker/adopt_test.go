package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/workflows"
)

// newest is a registry of pipelines with production's newest record of each.
type newest struct {
	registry.Registry // the rest is not called
	records           map[string][]serving.Record
	altered           string // whose record cannot be read
	away              error
}

func (n newest) Pipelines(context.Context) ([]registry.PipelineSpec, error) {
	specs := []registry.PipelineSpec{}
	for _, name := range []string{"cards", "cars", "loans", "new", "rents"} {
		specs = append(specs, registry.PipelineSpec{Name: name})
	}
	return specs, nil
}

func (n newest) ServingHistory(_ context.Context, name, environment string) ([]serving.Record, error) {
	if environment != serving.Production {
		return nil, errors.New("another environment was asked for")
	}
	if name == n.altered {
		return nil, fault.New(fault.Internal, "serving record of %s in %s: generation 2 was altered", name, environment)
	}
	return n.records[name], n.away
}

// starts is a Temporal that notes what is started.
type starts struct {
	client.Client // the rest is not called
	options       []client.StartWorkflowOptions
	inputs        []any
	refuse        error
}

func (s *starts) ExecuteWorkflow(_ context.Context, options client.StartWorkflowOptions, workflow any, args ...any) (client.WorkflowRun, error) {
	if workflow != workflows.RollbackName {
		return nil, errors.New("another workflow was started")
	}
	s.options, s.inputs = append(s.options, options), append(s.inputs, args...)
	return nil, s.refuse
}

// A worker that starts lets production follow where the newest record is a rollback, and leaves the rest to who wrote it.
func TestAWorkerFollowsRollbacks(t *testing.T) {
	rolledBack := serving.Record{Generation: 7, Change: serving.RolledBack, Author: serving.Author{Actor: "ada", Reason: "complaints"}}
	promoted := serving.Record{Generation: 8, Change: serving.Promoted}
	reg := newest{records: map[string][]serving.Record{
		"cards": {rolledBack},
		"cars":  {rolledBack, promoted}, // after a rollback somebody else took over
		"loans": {promoted, {Generation: 9, Change: serving.Restored}},
		// Whoever restored it may have ended before it was followed.
		"rents": {rolledBack, {Generation: 9, Change: serving.Restored, Author: serving.Author{Actor: "bob", Reason: "it was lost"}}},
	}}
	temporal := &starts{}
	require.NoError(t, adoptRollbacks(t.Context(), reg, temporal, slog.New(slog.DiscardHandler)))
	require.Equal(t, []any{
		workflows.RollbackInput{Model: "cards", Actor: "ada", Reason: "complaints", Adopt: 7},
		workflows.RollbackInput{Model: "rents", Actor: "bob", Reason: "it was lost", Adopt: 9},
	}, temporal.inputs)
	for i, id := range []string{"rollback-cards", "rollback-rents"} {
		require.Equal(t, id, temporal.options[i].ID)
		require.Equal(t, workflows.TaskQueue, temporal.options[i].TaskQueue)
		require.Equal(t, enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, temporal.options[i].WorkflowIDConflictPolicy, "one that runs is not disturbed")
	}
}

func TestAWorkerSaysWhyRollbacksAreNotFollowed(t *testing.T) {
	reg := newest{away: fault.New(fault.Unavailable, "the database is away")}
	temporal := &starts{}
	err := adoptRollbacks(t.Context(), reg, temporal, slog.New(slog.DiscardHandler))
	require.ErrorIs(t, err, reg.away)
	require.Empty(t, temporal.options)

	reg = newest{records: map[string][]serving.Record{"cars": {{Generation: 1, Change: serving.RolledBack}}}}
	temporal.refuse = errors.New("Temporal is away")
	require.ErrorIs(t, adoptRollbacks(t.Context(), reg, temporal, slog.New(slog.DiscardHandler)), temporal.refuse)
}

// What is wrong with one pipeline is said, and keeps no other one's rollback from being followed.
func TestAPipelineWhoseRecordCannotBeReadStandsAlone(t *testing.T) {
	reg := newest{altered: "cards", records: map[string][]serving.Record{"rents": {{Generation: 9, Change: serving.RolledBack}}}}
	temporal := &starts{}
	err := adoptRollbacks(t.Context(), reg, temporal, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "serving record of cards in production: generation 2 was altered")
	require.Equal(t, []any{workflows.RollbackInput{Model: "rents", Adopt: 9}}, temporal.inputs)
}
