package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The Web UI starts, queries, updates and filters by this API; these tests do what an operator does there.

// ask posts JSON to Temporal's HTTP API.
func (p *platform) ask(t *testing.T, path string, body, answer any) int {
	t.Helper()
	data, err := json.Marshal(body)
	require.NoError(t, err)
	e := p.mustEndpoints(t)
	response, err := http.Post(e.TemporalHTTP+"/api/v1/namespaces/"+e.Namespace+path, "application/json", bytes.NewReader(data))
	require.NoError(t, err)
	defer response.Body.Close()
	if answer != nil {
		require.NoError(t, json.NewDecoder(response.Body).Decode(answer))
	}
	return response.StatusCode
}

// payload is a value as Temporal's HTTP API wants it.
func payload(t *testing.T, value any) map[string]any {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return map[string]any{"payloads": []any{map[string]any{
		"metadata": map[string]string{"encoding": base64.StdEncoding.EncodeToString([]byte("json/plain"))},
		"data":     base64.StdEncoding.EncodeToString(data),
	}}}
}

// startByHand starts a workflow with one JSON object, as the Web UI's form does.
func (p *platform) startByHand(t *testing.T, id, workflow string, input any) {
	t.Helper()
	status := p.ask(t, "/workflows/"+id, map[string]any{
		"workflowType": map[string]string{"name": workflow}, "taskQueue": map[string]string{"name": "loanops"}, "input": payload(t, input),
	}, nil)
	require.Equal(t, http.StatusOK, status)
}

// progress is what the query of that name tells in the Web UI.
type progress struct {
	Stage              string `json:"stage"`
	WaitingForApproval bool   `json:"waiting_for_approval"`
	Delivery           string `json:"delivery"`
	Verdict            string `json:"verdict"`
}

func (p *platform) progress(t *testing.T, id string) progress {
	t.Helper()
	var response struct {
		QueryResult []progress `json:"queryResult"`
	}
	body := map[string]any{"query": map[string]string{"queryType": "progress"}}
	if p.ask(t, "/workflows/"+id+"/query/progress", body, &response) != http.StatusOK || len(response.QueryResult) == 0 {
		return progress{}
	}
	return response.QueryResult[0]
}

// update sends the approve or abort update and waits until it is done.
func (p *platform) update(t *testing.T, id, update string, input any) {
	t.Helper()
	body := map[string]any{
		"request":    map[string]any{"meta": map[string]any{}, "input": map[string]any{"args": payload(t, input)}},
		"waitPolicy": map[string]string{"lifecycleStage": "UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_COMPLETED"},
	}
	var answer struct {
		Outcome struct {
			Failure json.RawMessage `json:"failure"`
		} `json:"outcome"`
	}
	require.Equal(t, http.StatusOK, p.ask(t, "/workflows/"+id+"/update/"+update, body, &answer))
	require.Empty(t, answer.Outcome.Failure)
}

// count counts the workflows that a search in the Web UI finds.
func (p *platform) count(t *testing.T, query string) int {
	t.Helper()
	e := p.mustEndpoints(t)
	var answer struct {
		Count string `json:"count"`
	}
	get(t, e.TemporalHTTP+"/api/v1/namespaces/"+e.Namespace+"/workflow-count?query="+url.QueryEscape(query), &answer)
	n, _ := strconv.Atoi(answer.Count) // an absent count is none
	return n
}

func TestOperatorStartsApprovesAndAbortsInTheWebUI(t *testing.T) {
	const training, delivery = "training-" + name, "delivery-" + name
	champion := shared.champion(t)
	challenger := other(champion)

	shared.startByHand(t, delivery, "ContinuousDelivery", map[string]any{"model": name, "version": challenger, "require_approval": true})
	eventually(t, "waiting for approval", time.Minute, func() bool { return shared.progress(t, delivery).WaitingForApproval })
	shared.update(t, delivery, "abort", map[string]string{"actor": "operator", "reason": "not today"})
	eventually(t, "aborted", time.Minute, func() bool { return shared.progress(t, delivery).Verdict == "aborted" })
	require.Equal(t, champion, shared.champion(t))

	shared.startByHand(t, delivery, "ContinuousDelivery", map[string]any{"model": name, "version": challenger, "require_approval": true})
	eventually(t, "waiting for approval", time.Minute, func() bool { return shared.progress(t, delivery).WaitingForApproval })
	shared.update(t, delivery, "approve", map[string]string{"actor": "operator", "reason": "looks good"})
	eventually(t, "promoted", 2*time.Minute, func() bool { return shared.progress(t, delivery).Verdict == "promoted" })
	require.Equal(t, challenger, shared.champion(t))

	shared.startByHand(t, training, "ContinuousTraining", map[string]string{"pipeline": name})
	eventually(t, "training ended", 2*time.Minute, func() bool { return shared.progress(t, training).Verdict != "" })

	for _, query := range []string{
		`LoanOpsPipeline="` + name + `" AND LoanOpsVerdict="aborted"`,
		`LoanOpsVerdict="promoted" AND LoanOpsModelVersion=` + strconv.Itoa(challenger),
		`WorkflowType="ContinuousTraining" AND LoanOpsTrigger="up"`,
	} {
		eventually(t, "a search for "+query, time.Minute, func() bool { return shared.count(t, query) > 0 })
	}
}

// Rollback goes to the version before, at once, and back again.
func TestRollbackRestoresThePreviousChampion(t *testing.T) {
	shared.withPrevious(t)
	before, previous := shared.alias(t, "champion"), shared.alias(t, "previous")
	require.NotZero(t, previous)
	var r result
	shared.runJSON(t, &r, 0, "rollback", name, "--reason", "drill")
	require.Equal(t, "rolled_back", r.Verdict)
	require.Equal(t, previous, shared.champion(t))
	var answer decision
	require.Equal(t, 200, shared.post(t, "/v1/decisions", shared.example(t), &answer))
	require.Equal(t, previous, answer.Model.Version)
	require.NotEqual(t, before, previous)
	dir := shared.mustEndpoints(t).TerraformDir["production"]
	require.Equal(t, 2, plan(t, dir), "Terraform sees what the rollback did without it")

	// The next delivery adopts the weights as the rollback left them and does not fight them.
	shared.runJSON(t, &r, 0, "cd", "start", name, "--version", strconv.Itoa(before), "--wait")
	require.Equal(t, "promoted", r.Verdict)
	require.Equal(t, before, shared.champion(t))
	require.Equal(t, 0, plan(t, dir))
}
