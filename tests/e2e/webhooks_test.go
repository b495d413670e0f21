package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// delivery is what a forge sends to the receiver.
type delivery struct {
	kind, event, id string
	body            []byte
	secret          string // with which it is signed; empty for not
}

// pushOf tells of a branch that was pushed at a time. The bodies have of what the forges document what matters.
func pushOf(kind, branch, commit string, at time.Time) delivery {
	event, body := "push", ""
	switch kind {
	case "github":
		body = fmt.Sprintf(`{"ref": "refs/heads/%s", "after": %q, "repository": {"full_name": "github/loans", "pushed_at": %d}, "pusher": {"name": "ada"}}`, branch, commit, at.Unix())
	case "gitlab":
		event = "Push Hook"
		body = fmt.Sprintf(`{"object_kind": "push", "ref": "refs/heads/%s", "after": %q, "user_username": "ada", "commits": [{"id": %q, "timestamp": %q}]}`, branch, commit, commit, at.Format(time.RFC3339))
	case "gitea":
		body = fmt.Sprintf(`{"ref": "refs/heads/%s", "after": %q, "commits": [{"id": %q, "timestamp": %q}], "pusher": {"username": "ada"}}`, branch, commit, commit, at.Format(time.RFC3339))
	}
	return delivery{kind: kind, event: event, id: "1", body: []byte(body), secret: forgeSecret}
}

// mergeOf tells of merge request 7, which was opened at a time.
func mergeOf(kind, branch, target, commit string, at time.Time) delivery {
	event, body := "pull_request", ""
	switch kind {
	case "github":
		body = fmt.Sprintf(`{"action": "opened", "number": 7, "pull_request": {"updated_at": %q, "head": {"ref": %q, "sha": %q, "repo": {"full_name": "github/loans"}}, "base": {"ref": %q, "repo": {"full_name": "github/loans"}}}, "sender": {"login": "ada"}}`,
			at.Format(time.RFC3339), branch, commit, target)
	case "gitlab":
		event = "Merge Request Hook"
		body = fmt.Sprintf(`{"object_kind": "merge_request", "user": {"username": "ada"}, "object_attributes": {"iid": 7, "action": "open", "source_branch": %q, "target_branch": %q, "source_project_id": 1, "target_project_id": 1, "updated_at": %q, "last_commit": {"id": %q}}}`,
			branch, target, at.Format("2006-01-02 15:04:05 UTC"), commit)
	case "gitea":
		body = fmt.Sprintf(`{"action": "opened", "number": 7, "pull_request": {"updated_at": %q, "head": {"ref": %q, "sha": %q, "repo_id": 1}, "base": {"ref": %q, "repo_id": 1}}, "sender": {"username": "ada"}}`,
			at.Format(time.RFC3339), branch, commit, target)
	}
	return delivery{kind: kind, event: event, id: "2", body: []byte(body), secret: forgeSecret}
}

// mergeRef is where a forge keeps the head of merge request 7.
func mergeRef(kind string) string {
	if kind == "gitlab" {
		return "refs/merge-requests/7/head"
	}
	return "refs/pull/7/head"
}

// send delivers it, with its length or in chunks, and says how it was answered and, where it is started, under which ID.
func (d delivery) send(t *testing.T, chunked bool) (code int, id string) {
	t.Helper()
	var body io.Reader = strings.NewReader(string(d.body))
	if chunked {
		body = io.MultiReader(body) // of which the client does not see the length
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shared.mustEndpoints(t).Hooks+"/hooks/"+d.kind, body)
	require.NoError(t, err)
	mac := hmac.New(sha256.New, []byte(d.secret))
	mac.Write(d.body)
	signature := hex.EncodeToString(mac.Sum(nil))
	headers := map[string]map[string]string{
		"github": {"X-GitHub-Event": d.event, "X-GitHub-Delivery": d.id, "X-Hub-Signature-256": "sha256=" + signature},
		"gitlab": {"X-Gitlab-Event": d.event, "X-Gitlab-Event-UUID": d.id, "X-Gitlab-Token": d.secret},
		"gitea":  {"X-Gitea-Event": d.event, "X-Gitea-Delivery": d.id, "X-Gitea-Signature": signature},
	}[d.kind]
	for name, value := range headers {
		if d.secret != "" || strings.HasSuffix(name, "-Event") {
			request.Header.Set(name, value)
		}
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	var answer struct {
		Status any // of a problem it is a number
		ID     string
	}
	require.NoError(t, json.Unmarshal(said, &answer), "%s", said)
	require.Equal(t, response.StatusCode == http.StatusAccepted, answer.Status == "started", "%d %s", response.StatusCode, said)
	return response.StatusCode, answer.ID
}

// mostMemory is the most that a process had in memory until now, in bytes.
func mostMemory(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if size, is := strings.CutPrefix(line, "VmHWM:"); is {
			kilobytes, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(size), " kB"))
			require.NoError(t, err)
			return kilobytes << 10
		}
	}
	t.Fatal("the system does not say what a process has in memory")
	return 0
}

// found are the IDs of the workflows that a search in the Web UI finds, once for each run.
func (p *platform) found(t *testing.T, query string) (ids []string) {
	t.Helper()
	e := p.mustEndpoints(t)
	var answer struct {
		Executions []struct {
			Execution struct {
				ID string `json:"workflowId"`
			} `json:"execution"`
		} `json:"executions"`
	}
	get(t, e.TemporalHTTP+"/api/v1/namespaces/"+e.Namespace+"/workflows?pageSize=1000&query="+url.QueryEscape(query), &answer)
	for _, x := range answer.Executions {
		ids = append(ids, x.Execution.ID)
	}
	slices.Sort(ids)
	return ids
}

// What forges send starts one test of each push and merge request, of which the forge is told; what is wrong, old, too long, or came before starts nothing.
func TestWebhooksOfForges(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	r.change(t, "pipeline.yaml", "name: small-loans", "name: hooked-loans")
	r.commit(t, "a pipeline of its own")
	r.greenAloneAndRedWhenMerged(t)
	git(t, r.clone, "push", "--quiet", "origin", "main", "feature", "target")
	commit := git(t, r.clone, "rev-parse", "feature")
	for _, kind := range kinds {
		git(t, r.clone, "clone", "--quiet", "--mirror", r.bare, forges.folder(kind))
		git(t, forges.folder(kind), "update-ref", mergeRef(kind), commit)
	}
	now, receiver := time.Now(), shared.mustEndpoints(t).PID["hooks"]
	var pushes, runs []string
	for _, kind := range kinds {
		push, merge := pushOf(kind, "feature", commit, now), mergeOf(kind, "feature", "target", commit, now)
		refused := func(code int, what string, d delivery, chunked bool) {
			t.Helper()
			got, id := d.send(t, chunked)
			require.Equal(t, code, got, "%s of %s", what, kind)
			require.Empty(t, id)
		}
		forged, unsigned, large := push, push, push
		forged.secret, unsigned.secret = "another secret", ""
		refused(http.StatusUnauthorized, "a wrong signature", forged, false)
		refused(http.StatusUnauthorized, "no signature", unsigned, false)
		refused(http.StatusUnprocessableEntity, "a push of last week", pushOf(kind, "feature", commit, now.Add(-8*24*time.Hour)), false)
		refused(http.StatusUnprocessableEntity, "a merge request of last week", mergeOf(kind, "feature", "target", commit, now.Add(-8*24*time.Hour)), false)
		before := mostMemory(t, receiver)
		large.body = append(slices.Clone(push.body), make([]byte, 30<<20)...)
		refused(http.StatusRequestEntityTooLarge, "30 MB", large, false)
		refused(http.StatusRequestEntityTooLarge, "30 MB of no known length", large, true)
		require.Less(t, mostMemory(t, receiver)-before, 15<<20, "what is too long is not kept")

		code, id := push.send(t, false)
		require.Equal(t, http.StatusAccepted, code)
		pushes, runs = append(pushes, "push-"+id), append(runs, "integration-"+kind+"~feature~test")
		again := push
		again.id = "3" // which nobody signs
		refused(http.StatusConflict, "the same once more", push, false)
		refused(http.StatusConflict, "the same by another name", again, false)
		require.Contains(t, forges.awaits(t, kind, commit, "loanops/push", "success").Description, "every test passed")

		code, id = merge.send(t, true)
		require.Equal(t, http.StatusAccepted, code)
		pushes, runs = append(pushes, "push-"+id), append(runs, "integration-"+kind+"~refs:"+strings.ReplaceAll(strings.TrimPrefix(mergeRef(kind), "refs/"), "/", ":")+"~merged")
		red := "failure"
		if kind == "gitlab" {
			red = "failed"
		}
		require.Contains(t, forges.awaits(t, kind, commit, "loanops/merge", red).Description, "TestFeatures: ")
		refused(http.StatusConflict, "the merge request once more", merge, false)
	}
	slices.Sort(pushes)
	slices.Sort(runs)
	// The last of them was started after everything that was refused, and is seen here.
	eventually(t, "the last push", time.Minute, func() bool { return len(shared.found(t, "WorkflowType = 'Push'")) >= len(pushes) })
	require.Equal(t, pushes, shared.found(t, "WorkflowType = 'Push'"), "nothing else is started")
	ran := slices.DeleteFunc(shared.found(t, "WorkflowType = 'ContinuousIntegration'"), func(id string) bool {
		return !slices.ContainsFunc(kinds, func(kind string) bool { return strings.HasPrefix(id, "integration-"+kind+"~") })
	})
	require.Equal(t, runs, ran, "each is tested once")
	for _, s := range forges.all() {
		require.Equal(t, commit, s.commit)
	}
	require.Len(t, forges.all(), 4*len(kinds))
	require.Empty(t, shared.published(t, "hooked-loans"), "nothing is published")
}
