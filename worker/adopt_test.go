package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/store"
	"github.com/loanops/loanops/workflows"
)

// Of all pipelines, the one whose newest record is a rollback is followed, for the generation of that record.
func TestAWorkerFollowsTheRollbackThatNobodyFollowed(t *testing.T) {
	reg, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "loanops.db"))
	require.NoError(t, err)
	t.Cleanup(func() { reg.Close() })
	for _, name := range []string{"cards", "loans", "never-delivered"} {
		require.NoError(t, reg.PutPipeline(t.Context(), registry.PipelineSpec{Name: name, Digest: name, YAML: []byte("name: " + name)}))
		if name == "never-delivered" {
			continue
		}
		for digest := range 2 {
			_, _, err := reg.RegisterVersion(t.Context(), registry.ModelVersion{Name: name, Digest: fmt.Sprint(digest)})
			require.NoError(t, err)
		}
		r := serving.Record{Pipeline: name, Environment: serving.Production}
		one, two := serving.Track{Version: 1, Policy: "p"}, serving.Track{Version: 2, Policy: "p"}
		changes := []func(serving.Record) (serving.Record, error){
			func(r serving.Record) (serving.Record, error) { return r.Prepare(one, "") }, serving.Record.Promote,
			func(r serving.Record) (serving.Record, error) { return r.Canary(two, 10, "") }, serving.Record.Promote,
		}
		if name == "loans" {
			changes = append(changes, func(r serving.Record) (serving.Record, error) { return r.RollBack(one) })
		}
		for _, change := range changes {
			next, err := change(r)
			require.NoError(t, err)
			r, err = reg.TakeGeneration(t.Context(), next.By(serving.Author{Writer: "w", Actor: "ada", Reason: "complaints", Operation: string(rune('a' + next.Generation))}))
			require.NoError(t, err)
		}
	}

	var log bytes.Buffer
	temporal := &mocks.Client{}
	temporal.On("ExecuteWorkflow", mock.Anything, mock.MatchedBy(func(o client.StartWorkflowOptions) bool {
		return o.ID == workflows.RollbackID("loans") && o.WorkflowIDConflictPolicy == enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING
	}), workflows.RollbackName, workflows.RollbackInput{Model: "loans", Actor: "ada", Reason: "complaints", Adopt: 5}).Return(nil, nil).Once()
	require.NoError(t, adoptRollbacks(t.Context(), reg, temporal, slog.New(slog.NewTextHandler(&log, nil))))
	temporal.AssertExpectations(t)
	require.Contains(t, log.String(), "pipeline=loans generation=5")
}
