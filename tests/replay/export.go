package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/encoding/protojson"
)

// export writes the history of a workflow's newest run, which has closed.
func export(ctx context.Context, temporal client.Client, workflowID, path string) error {
	if err := temporal.GetWorkflow(ctx, workflowID, "").Get(ctx, nil); err != nil {
		return err
	}
	events := temporal.GetWorkflowHistory(ctx, workflowID, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
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
