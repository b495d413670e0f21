package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/workflows"
)

const histories = "../../workflows/testdata/histories"

// The current workflow code must make of every kept history exactly what the code that wrote it made. This project's own ci.yaml runs it in ReplayHistories: a
// line that begins with "reason: " is why a commit is refused.
func TestReplay(t *testing.T) {
	for _, path := range keptFiles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			replayer := worker.NewWorkflowReplayer()
			workflows.Register(replayer)
			err := replayer.ReplayWorkflowHistoryFromJSONFile(nil, path)
			if err != nil { // for whom a commit is refused by this, in one line
				fmt.Printf("reason: %s: %s\n", filepath.Base(path), mismatch(err.Error()))
			}
			require.NoError(t, err)
		})
	}
}

var typeName = regexp.MustCompile(`Type:\(Name:(\w+)`)

// mismatch is what the client says of a history that is not replayed, in one line: of the event and of the command what they are and which step or workflow
// they name, without their other attributes.
func mismatch(text string) string {
	var short []string
	for part := range strings.SplitSeq(strings.Join(strings.Fields(text), " "), ", replay command is ") {
		kind, attributes, _ := strings.Cut(part, ": (")
		if name := typeName.FindStringSubmatch(attributes); name != nil {
			kind += " of " + name[1]
		}
		short = append(short, kind)
	}
	return strings.Join(short, ", replay command is ")
}

func TestMismatch(t *testing.T) {
	for text, want := range map[string]string{
		// As the client words them, attributes left out here.
		"[TMPRL1100] nondeterministic workflow: history event is ActivityTaskScheduled: (ActivityId:48, ActivityType:(Name:CheckSplit), TaskQueue:(Name:q)), replay command is ScheduleActivityTask: (ActivityId:48, ActivityType:(Name:CheckLeakage), TaskQueue:(Name:q))": "[TMPRL1100] nondeterministic workflow: history event is ActivityTaskScheduled of CheckSplit, replay command is ScheduleActivityTask of CheckLeakage",
		"[TMPRL1100] nondeterministic workflow: missing replay command for TimerStarted: (TimerId:5, StartToFireTimeout:(Seconds:1))":                                                                                                                                       "[TMPRL1100] nondeterministic workflow: missing replay command for TimerStarted",
		"lookup failed for\n scheduledEventID: 7": "lookup failed for scheduledEventID: 7",
	} {
		require.Equal(t, want, mismatch(text))
	}
}

func keptFiles(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(histories + "/*-*.json")
	require.NoError(t, err)
	return paths
}

// Every verdict of every workflow is kept, by exactly the scenarios, each with the reason why.
func TestEveryVerdictIsKept(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(histories, reasonsFile))
	require.NoError(t, err, "make build && go run ./tests/replay")
	var reasons map[string]string
	require.NoError(t, json.Unmarshal(data, &reasons))
	wanted := map[string]string{}
	for _, scene := range scenarios {
		for _, k := range scene.keeps {
			wanted[k.file] = k.why
		}
	}
	require.Equal(t, wanted, reasons)
	var files []string
	for _, path := range keptFiles(t) {
		files = append(files, filepath.Base(path))
	}
	require.ElementsMatch(t, slices.Collect(maps.Keys(wanted)), files)

	kept := map[string][]workflows.Verdict{
		workflows.ContinuousTrainingName:    {workflows.Bootstrapped, workflows.Promoted, workflows.Restored, workflows.Registered, workflows.Refused, workflows.Rejected, workflows.Aborted, workflows.Nothing},
		workflows.ContinuousDeliveryName:    {workflows.Bootstrapped, workflows.Promoted, workflows.Restored, workflows.Refused, workflows.Rejected, workflows.Aborted, workflows.Nothing},
		workflows.RollbackName:              {workflows.RolledBack, workflows.Aborted},
		workflows.MonitorName:               {workflows.Nothing, workflows.Alerted, workflows.Review, workflows.Retrain, workflows.RolledBack},
		workflows.EvaluationName:            {workflows.Evaluated, workflows.Refused},
		workflows.CadenceName:               {workflows.Evaluated, workflows.Refused},
		workflows.MaterializeName:           {workflows.Published, workflows.Nothing, workflows.Refused},
		workflows.ContinuousIntegrationName: {workflows.Published, workflows.Refused, workflows.Nothing},
		workflows.PushName:                  nil, // these come to no verdict
		workflows.CheckFeaturesName:         nil,
		workflows.TriggerName:               nil,
		workflows.AlertName:                 nil,
		workflows.TrialName:                 nil,
	}
	require.ElementsMatch(t, registered(), slices.Collect(maps.Keys(kept)), "every workflow has a row")
	for workflow, verdicts := range kept {
		require.True(t, slices.ContainsFunc(files, func(file string) bool { return strings.HasPrefix(file, workflow+"-") }), "a history of %s is kept", workflow)
		for _, verdict := range verdicts {
			file := fmt.Sprintf("%s-%s.json", workflow, verdict)
			require.Contains(t, files, file)
			require.Equal(t, string(verdict), verdictOf(t, file), "what the history ends with")
		}
	}
}

// nameKeeper is a worker's registry that keeps names alone.
type nameKeeper struct {
	worker.WorkflowRegistry
	names []string
}

func (r *nameKeeper) RegisterWorkflowWithOptions(_ any, o workflow.RegisterOptions) {
	r.names = append(r.names, o.Name)
}

// registered are the names of all workflows.
func registered() []string {
	var r nameKeeper
	workflows.Register(&r)
	return r.names
}

// verdictOf is the verdict with which a kept history ends.
func verdictOf(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(histories, file))
	require.NoError(t, err)
	var history struct {
		Events []struct {
			Completed struct {
				Result struct {
					Payloads []struct {
						Data []byte `json:"data"`
					} `json:"payloads"`
				} `json:"result"`
			} `json:"workflowExecutionCompletedEventAttributes"`
		} `json:"events"`
	}
	require.NoError(t, json.Unmarshal(data, &history))
	var result workflows.Result
	require.NoError(t, json.Unmarshal(history.Events[len(history.Events)-1].Completed.Result.Payloads[0].Data, &result))
	return string(result.Verdict)
}

// A history is read by people and kept for long: what goes into the steps of a training is below 10 KB in all, in the runs that were recorded.
func TestInputsOfATrainingAreSmall(t *testing.T) {
	for _, path := range keptFiles(t) {
		if !strings.HasPrefix(filepath.Base(path), workflows.ContinuousTrainingName) {
			continue
		}
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		var history struct {
			Events []struct {
				Scheduled struct {
					Input struct {
						Payloads []struct {
							Data []byte `json:"data"`
						} `json:"payloads"`
					} `json:"input"`
				} `json:"activityTaskScheduledEventAttributes"`
			} `json:"events"`
		}
		require.NoError(t, json.Unmarshal(data, &history))
		bytes := 0
		for _, event := range history.Events {
			for _, payload := range event.Scheduled.Input.Payloads {
				bytes += len(payload.Data)
			}
		}
		require.Greater(t, bytes, 4<<10, "%s has inputs at all", path)
		require.Less(t, bytes, 11<<10, path)
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
