package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"

	"github.com/loanops/loanops/workflows"
)

const histories = "../../workflows/testdata/histories"

// The current workflow code must make of every kept history exactly what the code that wrote it made.
func TestReplay(t *testing.T) {
	paths, err := filepath.Glob(histories + "/*.json")
	require.NoError(t, err)
	kept := map[string]int{}
	for _, path := range paths {
		name := filepath.Base(path)
		workflow, _, _ := strings.Cut(name, "-")
		kept[workflow]++
		t.Run(name, func(t *testing.T) {
			replayer := worker.NewWorkflowReplayer()
			workflows.Register(replayer)
			require.NoError(t, replayer.ReplayWorkflowHistoryFromJSONFile(nil, path))
		})
	}
	for _, name := range []string{workflows.ContinuousTrainingName, workflows.ContinuousDeliveryName, workflows.RollbackName} {
		require.Positive(t, kept[name], "%s has no kept history: run a platform, then go run ./tests/replay", name)
	}
}

func TestAnonymise(t *testing.T) {
	tree := map[string]any{"events": []any{map[string]any{
		"identity":  "4711@host",
		"taskQueue": map[string]any{"name": "host:abc", "kind": "TASK_QUEUE_KIND_STICKY"},
		"other":     map[string]any{"name": "loanops", "kind": "TASK_QUEUE_KIND_NORMAL"},
	}}}
	anonymise(tree)
	event := tree["events"].([]any)[0].(map[string]any)
	require.Equal(t, "recorded", event["identity"])
	require.Equal(t, "sticky", event["taskQueue"].(map[string]any)["name"])
	require.Equal(t, "loanops", event["other"].(map[string]any)["name"])
}
