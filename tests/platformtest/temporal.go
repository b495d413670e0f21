package platformtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// client gives up on a server that was killed, or is held, while it was asked.
var client = &http.Client{Timeout: 10 * time.Second}

// get reads JSON from url.
func get(url string, v any) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(v)
}

// Execution is a workflow run as Temporal describes it.
type Execution struct {
	Info struct {
		Execution struct {
			RunID string `json:"runId"`
		} `json:"execution"`
		Status string `json:"status"`
	} `json:"workflowExecutionInfo"`
	Pending []struct {
		Type   named  `json:"activityType"`
		State  string `json:"state"`
		Worker string `json:"lastWorkerIdentity"`
	} `json:"pendingActivities"`
}

type named struct {
	Name string `json:"name"`
}

// Closed reports whether the run has ended, however.
func (e Execution) Closed() bool {
	return e.Info.Status != "" && e.Info.Status != "WORKFLOW_EXECUTION_STATUS_RUNNING"
}

// Completed reports whether the run has ended with a result.
func (e Execution) Completed() bool { return e.Info.Status == "WORKFLOW_EXECUTION_STATUS_COMPLETED" }

// Runs reports whether a worker has started the activity and it has not ended.
func (e Execution) Runs(activity string) bool { return e.RunsAt(activity) != "" }

// RunsAt is the identity of the worker that has started the activity, which has not ended: process@host@queue. Without one it is empty.
func (e Execution) RunsAt(activity string) string {
	for _, pending := range e.Pending {
		if pending.Type.Name == activity && pending.State == "PENDING_ACTIVITY_STATE_STARTED" {
			return pending.Worker
		}
	}
	return ""
}

// Describe asks Temporal about the newest run of a workflow.
func (p *Platform) Describe(workflowID string) (Execution, error) {
	e, err := p.Endpoints()
	if err != nil {
		return Execution{}, err
	}
	return Describe(e.TemporalHTTP, e.Namespace, workflowID)
}

// Describe asks whoever answers Temporal's HTTP API about the newest run of a workflow: Temporal itself, or its Web UI.
func Describe(at, namespace, workflowID string) (x Execution, err error) {
	return x, get(fmt.Sprintf("%s/api/v1/namespaces/%s/workflows/%s", at, namespace, workflowID), &x)
}

// Result is what a workflow, and every command that starts one, says at the end.
type Result struct {
	Verdict string   `json:"verdict"`
	Reasons []string `json:"reasons"`
	FoundBy struct {
		Check    string `json:"check"`
		Requests int64  `json:"requests"`
	} `json:"found_by"`
	Model struct {
		Name    string `json:"name"`
		Version int    `json:"version"`
		Digest  string `json:"digest"`
	} `json:"model"`
	Artifacts map[string]struct {
		URI string `json:"uri"`
	} `json:"artifacts"`
}

// Past is what the history of a run holds.
type Past struct {
	// Scheduled are the activities' names in their order, each once; Done are those that have completed.
	Scheduled []string
	Done      map[string]bool
	// Result is nil unless the run completed.
	Result *Result
}

type event struct {
	ID        string `json:"eventId"`
	Scheduled *struct {
		Type named `json:"activityType"`
	} `json:"activityTaskScheduledEventAttributes"`
	Done *struct {
		Scheduled string `json:"scheduledEventId"`
	} `json:"activityTaskCompletedEventAttributes"`
	Completed *struct {
		Result result `json:"result"`
	} `json:"workflowExecutionCompletedEventAttributes"`
}

// result is what a run ended with: Temporal writes JSON as it is, its Web UI as payloads.
type result []Result

func (r *result) UnmarshalJSON(text []byte) error {
	var packed struct {
		Payloads []struct {
			Data []byte `json:"data"`
		} `json:"payloads"`
	}
	if json.Unmarshal(text, &packed) != nil {
		return json.Unmarshal(text, (*[]Result)(r))
	}
	for _, payload := range packed.Payloads {
		var one Result
		if err := json.Unmarshal(payload.Data, &one); err != nil {
			return err
		}
		*r = append(*r, one)
	}
	return nil
}

// History reads the history of a workflow's newest run.
func (p *Platform) History(workflowID string) (Past, error) {
	e, err := p.Endpoints()
	if err != nil {
		return Past{}, err
	}
	return History(e.TemporalHTTP, e.Namespace, workflowID)
}

// History asks as Describe does.
func History(at, namespace, workflowID string) (Past, error) {
	past := Past{Done: map[string]bool{}}
	var answer struct {
		History struct {
			Events []event `json:"events"`
		} `json:"history"`
	}
	url := fmt.Sprintf("%s/api/v1/namespaces/%s/workflows/%s/history?maximumPageSize=1000", at, namespace, workflowID)
	if err := get(url, &answer); err != nil {
		return past, err
	}
	activity, seen := map[string]string{}, map[string]bool{}
	for _, event := range answer.History.Events {
		switch {
		case event.Scheduled != nil:
			name := event.Scheduled.Type.Name
			activity[event.ID] = name
			if !seen[name] {
				seen[name] = true
				past.Scheduled = append(past.Scheduled, name)
			}
		case event.Done != nil:
			past.Done[activity[event.Done.Scheduled]] = true
		case event.Completed != nil && len(event.Completed.Result) == 1:
			past.Result = &event.Completed.Result[0]
		}
	}
	return past, nil
}
