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
	status, failure := p.tryUpdate(t, id, update, input)
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, string(failure))
}

// tryUpdate sends an update that may be refused: the failure says why.
func (p *platform) tryUpdate(t *testing.T, id, update string, input any) (status int, failure json.RawMessage) {
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
	status = p.ask(t, "/workflows/"+id+"/update/"+update, body, &answer)
	return status, answer.Outcome.Failure
}

// count counts the workflows that a search in the Web UI finds.
func (p *platform) count(t *testing.T, query string) int {
	t.Helper()
	e := p.mustEndpoints(t)
	return count(t, e.TemporalHTTP+"/api/v1/namespaces/"+e.Namespace+"/workflow-count?query="+url.QueryEscape(query))
}

func count(t *testing.T, url string) int {
	t.Helper()
	var answer struct {
		Count string `json:"count"`
	}
	get(t, url, &answer)
	n, _ := strconv.Atoi(answer.Count) // an absent count is none
	return n
}

func TestOperatorStartsApprovesAndAbortsInTheWebUI(t *testing.T) {
	const training = "training-" + quick
	s := shared.settle(t)

	for _, test := range []struct {
		update, verdict string
		champion        int
	}{{"abort", "aborted", s.champion}, {"approve", "promoted", s.spare()}} {
		shared.startByHand(t, quickDelivery, "ContinuousDelivery", map[string]any{"model": quick, "version": s.spare(), "require_approval": true})
		eventually(t, "waiting for approval", time.Minute, func() bool { return shared.progress(t, quickDelivery).WaitingForApproval })
		shared.update(t, quickDelivery, test.update, map[string]string{"actor": "operator", "reason": "a look at the reports"})
		shared.closed(t, quickDelivery)
		require.Equal(t, test.verdict, shared.progress(t, quickDelivery).Verdict)
		require.Equal(t, test.champion, shared.aliasOf(t, quick, "champion"))
	}

	shared.startByHand(t, training, "ContinuousTraining", map[string]string{"pipeline": quick})
	shared.closed(t, training)
	require.NotEmpty(t, shared.progress(t, training).Verdict)

	for _, query := range []string{
		`LoanOpsPipeline="` + quick + `" AND LoanOpsVerdict="aborted"`,
		`LoanOpsPipeline="` + quick + `" AND LoanOpsVerdict="promoted" AND LoanOpsModelVersion=` + strconv.Itoa(s.spare()),
		`WorkflowType="ContinuousTraining" AND LoanOpsTrigger="up"`,
	} {
		eventually(t, "a search for "+query, time.Minute, func() bool { return shared.count(t, query) > 0 })
	}
}

// The commands do what the Web UI's updates do. A run is named by its ID, or by its workflow's for the newest.
func TestOperatorApprovesAndAbortsByCommand(t *testing.T) {
	s := shared.settle(t)
	for _, test := range []struct {
		command, verdict string
		code, champion   int
		run              func() string
	}{
		{"abort", "aborted", 4, s.champion, func() string { return quickDelivery }},
		{"approve", "promoted", 0, s.spare(), func() string {
			x, err := shared.Describe(quickDelivery)
			require.NoError(t, err)
			return x.Info.Execution.RunID
		}},
	} {
		t.Run(test.command, func(t *testing.T) {
			delivery := shared.deliver(t, s.spare(), "--require-approval")
			eventually(t, "waiting for approval", time.Minute, func() bool { return shared.progress(t, quickDelivery).WaitingForApproval })
			_, code := shared.run(t, test.command, test.run(), "--reason", complaints)
			require.Equal(t, 0, code)
			reason := complaints
			if test.command == "approve" {
				reason = ""
			}
			requireVerdict(t, delivery(t), test.code, test.verdict, reason)
			shared.requireServes(t, quick, test.champion)
			require.Contains(t, shared.workflowHistory(t, quickDelivery), complaints, "the reason is kept")
		})
	}
}

// Rollback goes to the version before, at once; the platform makes Terraform see it so by itself.
func TestRollbackRestoresThePreviousChampion(t *testing.T) {
	s := shared.settle(t)
	var r result
	shared.runJSON(t, &r, 0, "rollback", quick, "--reason", "drill")
	require.Equal(t, "rolled_back", r.Verdict)
	shared.requireServes(t, quick, s.previous)
	require.Zero(t, shared.aliasOf(t, quick, "previous"), "the version that was left is no place to go back to")
	shared.requireDecides(t, quick, s.previous)
	dir := shared.workspace(quick)
	requireCleanPlan(t, dir, time.Minute)

	// The next delivery starts from what the rollback left and does not fight it.
	shared.runJSON(t, &r, 0, "cd", "start", quick, "--version", strconv.Itoa(s.champion), "--wait")
	require.Equal(t, "promoted", r.Verdict)
	shared.requireServes(t, quick, s.champion)
	require.Equal(t, s.previous, shared.aliasOf(t, quick, "previous"))
	require.Equal(t, 0, plan(t, dir))
}
