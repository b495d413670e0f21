// Command replay keeps histories for the replay test: it exports, from a running Temporal, the newest completed run of each
// workflow and verdict to workflows/testdata/histories. Run it against a platform that has done what should be kept:
//
//	env $(cat .loanops/platform.env) go run ./tests/replay
//
// A history is kept for ever: a change of workflow code that it does not replay needs workflow.GetVersion.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/loanops/loanops/workflows"
)

func main() {
	dir := flag.String("dir", "workflows/testdata/histories", "folder to write to")
	flag.Parse()
	if err := record(context.Background(), *dir); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

func record(ctx context.Context, dir string) error {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return err
	}
	temporal, err := client.Dial(options)
	if err != nil {
		return err
	}
	defer temporal.Close()
	listed, err := temporal.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{Query: `ExecutionStatus = "Completed"`})
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	for _, run := range listed.GetExecutions() { // newest first
		name := run.GetType().GetName() + "-" + verdict(run) + ".json"
		if kept[name] {
			continue
		}
		kept[name] = true
		if err := export(ctx, temporal, run, filepath.Join(dir, name)); err != nil {
			return err
		}
		fmt.Println(filepath.Join(dir, name))
	}
	return nil
}

// verdict is the run's search attribute.
func verdict(run *workflowpb.WorkflowExecutionInfo) string {
	var text string
	payload := run.GetSearchAttributes().GetIndexedFields()[workflows.AttributeVerdict]
	if payload == nil || converter.GetDefaultDataConverter().FromPayload(payload, &text) != nil {
		return "none"
	}
	return text
}

func export(ctx context.Context, temporal client.Client, run *workflowpb.WorkflowExecutionInfo, path string) error {
	events := temporal.GetWorkflowHistory(ctx, run.GetExecution().GetWorkflowId(), run.GetExecution().GetRunId(), false,
		enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var history historypb.History
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		history.Events = append(history.Events, event)
	}
	data, err := protojson.Marshal(&history)
	if err != nil {
		return err
	}
	var tree any
	if err := json.Unmarshal(data, &tree); err != nil {
		return err
	}
	anonymise(tree)
	if data, err = json.MarshalIndent(tree, "", " "); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// anonymise takes the names of the machine that recorded out of a history; replaying does not look at them.
func anonymise(node any) {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			anonymise(child)
		}
	case map[string]any:
		if _, ok := n["identity"].(string); ok {
			n["identity"] = "recorded"
		}
		if n["kind"] == "TASK_QUEUE_KIND_STICKY" {
			n["name"] = "sticky"
		}
		for _, child := range n {
			anonymise(child)
		}
	}
}
