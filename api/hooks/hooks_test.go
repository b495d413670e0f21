package hooks_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/api/hooks"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/problem"
)

const (
	secret = "It's a Secret to Everybody"
	commit = "fd489864e7642b48eaad6e3f155c10e46810ec72"
)

// now is when the receiver of these tests gets what is sent to it.
var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// starter starts each event once, as a workflow under the event's ID is.
type starter struct {
	mutex  sync.Mutex
	events []hooks.Event
	fails  error
}

func (s *starter) start(_ context.Context, e hooks.Event) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.fails != nil {
		return s.fails
	}
	for _, before := range s.events {
		if before.ID() == e.ID() {
			return fault.New(fault.Conflict, "run %s is known", e.ID())
		}
	}
	s.events = append(s.events, e)
	return nil
}

func holding(text string) func() (string, error) { return func() (string, error) { return text, nil } }

// receiver takes deliveries of one repository of each kind.
func receiver(t *testing.T) (url string, s *starter) {
	t.Helper()
	s = &starter{}
	var repositories []forge.Repository
	for _, kind := range forge.Kinds() {
		repositories = append(repositories, forge.Repository{Name: string(kind), Kind: kind, Secret: holding(secret)})
	}
	repositories = append(repositories, forge.Repository{Name: "open", Kind: forge.GitHub, Secret: holding("")},
		forge.Repository{Name: "gone", Kind: forge.GitHub, Secret: func() (string, error) { return "", errors.New("gone") }})
	server := httptest.NewServer(hooks.Receiver{Repositories: repositories, Start: s.start, Now: func() time.Time { return now }}.Handler())
	t.Cleanup(server.Close)
	return server.URL, s
}

// signed is the HMAC-SHA256 of a body in hexadecimal, as GitHub (after sha256=) and Gitea send it.
func signed(body, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

// headers are those of a forge's delivery.
func headers(kind forge.Kind, event, body, secret string) map[string]string {
	switch kind {
	case forge.GitHub:
		return map[string]string{"X-GitHub-Event": event, "X-Hub-Signature-256": "sha256=" + signed(body, secret), "X-GitHub-Delivery": "delivery-1"}
	case forge.GitLab:
		return map[string]string{"X-Gitlab-Event": event, "X-Gitlab-Token": secret, "X-Gitlab-Event-UUID": "delivery-1"}
	default:
		return map[string]string{"X-Gitea-Event": event, "X-Gitea-Signature": signed(body, secret), "X-Gitea-Delivery": "delivery-1"}
	}
}

type answer struct {
	code                   int
	Status, Reason, Detail string
}

func send(t *testing.T, url, body string, headers map[string]string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	got, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer got.Body.Close()
	said, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	require.NotContains(t, string(said), secret)
	if got.StatusCode >= 400 {
		require.Equal(t, problem.MediaType, got.Header.Get("Content-Type"))
	}
	a := answer{code: got.StatusCode}
	var parsed struct{ Status, Reason, Detail any }
	require.NoError(t, json.Unmarshal(said, &parsed), string(said))
	a.Status, a.Reason, a.Detail = fmt.Sprint(parsed.Status), fmt.Sprint(parsed.Reason), fmt.Sprint(parsed.Detail)
	return a
}

// The bodies are those of the forges' documentation of their webhooks, with the fields that matter and one that does not.
func gitHubPush(ref, after string, at time.Time) string {
	return fmt.Sprintf(`{"ref": %q, "before": "%040d", "after": %q, "deleted": false, "head_commit": {"id": %q, "timestamp": "2015-05-05T19:40:15-04:00"},
		"repository": {"full_name": "Codertocat/Hello-World", "created_at": 1430869212, "pushed_at": %d}, "pusher": {"name": "Codertocat", "email": "x@y"}}`, ref, 1, after, after, at.Unix())
}

func gitHubRequest(action string, at time.Time, head string) string {
	return fmt.Sprintf(`{"action": %q, "number": 2, "pull_request": {"number": 2, "state": "open", "updated_at": %q, "head": {"ref": "changes", "sha": %q, "repo": {"full_name": %q}},
		"base": {"ref": "main", "sha": "%040d", "repo": {"full_name": "Codertocat/Hello-World"}}}, "sender": {"login": "Codertocat"}}`, action, at.Format(time.RFC3339), commit, head, 1)
}

func gitLabPush(after string, at ...time.Time) string {
	var commits []string
	for _, t := range at {
		commits = append(commits, fmt.Sprintf(`{"id": %q, "message": "x", "timestamp": %q}`, commit, t.Format(time.RFC3339)))
	}
	return fmt.Sprintf(`{"object_kind": "push", "before": "%040d", "after": %q, "ref": "refs/heads/main", "user_username": "jsmith", "project_id": 15, "commits": [%s], "total_commits_count": 4}`,
		1, after, strings.Join(commits, ","))
}

func gitLabRequest(action, more string, at time.Time) string {
	return fmt.Sprintf(`{"object_kind": "merge_request", "user": {"name": "A", "username": "root"}, "object_attributes": {"iid": 7, "target_branch": "main", "source_branch": "ms-viewport",
		"source_project_id": 14, "target_project_id": 14, "updated_at": %q, "action": %q, "last_commit": {"id": %q}%s}}`, at.Format("2006-01-02 15:04:05 UTC"), action, commit, more)
}

func giteaPush(after string, at time.Time) string {
	return fmt.Sprintf(`{"ref": "refs/heads/develop", "before": "%040d", "after": %q, "commits": [{"id": %q, "timestamp": %q}], "repository": {"id": 140, "full_name": "gitea/webhooks",
		"updated_at": "2017-03-13T13:51:47+09:00", "created_at": "2017-02-26T04:29:06-05:00"}, "pusher": {"id": 1, "login": "gitea", "username": "gitea"}}`, 1, after, after, at.Format(time.RFC3339))
}

// more is a body of an object with another field.
func more(body, field string) string { return strings.Replace(body, "{", "{"+field+", ", 1) }

func giteaRequest(action string, at time.Time) string {
	return fmt.Sprintf(`{"action": %q, "number": 3, "pull_request": {"number": 3, "updated_at": %q, "head": {"ref": "x", "sha": %q, "repo_id": 2}, "base": {"ref": "main", "repo_id": 1}},
		"sender": {"login": "ada", "username": "ada"}}`, action, at.Format(time.RFC3339), commit)
}

// deliveries are good ones, by name, and what they start.
var deliveries = map[string]struct {
	kind        forge.Kind
	event, body string
	want        hooks.Event
}{
	"GitHub's push": {forge.GitHub, "push", gitHubPush("refs/heads/feature/x", commit, now), hooks.Event{
		Kind: hooks.Push, Ref: "refs/heads/feature/x", Branch: "feature/x", Actor: "Codertocat", At: now}},
	"GitHub's pull request": {forge.GitHub, "pull_request", gitHubRequest("synchronize", now, "Codertocat/Hello-World"), hooks.Event{
		Kind: hooks.MergeRequest, Ref: "refs/pull/2/head", Branch: "changes", Against: "main", Actor: "Codertocat", At: now}},
	"GitHub's pull request from a fork": {forge.GitHub, "pull_request", gitHubRequest("opened", now, "eve/Hello-World"), hooks.Event{
		Kind: hooks.MergeRequest, Ref: "refs/pull/2/head", Branch: "changes", Against: "main", Fork: true, Actor: "Codertocat", At: now}},
	"GitLab's push": {forge.GitLab, "Push Hook", gitLabPush(commit, now.Add(-time.Hour), now.Add(-time.Minute), now.Add(90000*time.Hour)), hooks.Event{
		Kind: hooks.Push, Ref: "refs/heads/main", Branch: "main", Actor: "jsmith", At: now.Add(-time.Minute)}},
	"GitLab's push of a branch without a new commit": {forge.GitLab, "Push Hook", gitLabPush(commit), hooks.Event{
		Kind: hooks.Push, Ref: "refs/heads/main", Branch: "main", Actor: "jsmith", At: now}},
	"GitLab's merge request": {forge.GitLab, "Merge Request Hook", gitLabRequest("open", "", now), hooks.Event{
		Kind: hooks.MergeRequest, Ref: "refs/merge-requests/7/head", Branch: "ms-viewport", Against: "main", Actor: "root", At: now}},
	"GitLab's merge request with a new commit": {forge.GitLab, "Merge Request Hook", gitLabRequest("update", `, "oldrev": "`+commit+`"`, now), hooks.Event{
		Kind: hooks.MergeRequest, Ref: "refs/merge-requests/7/head", Branch: "ms-viewport", Against: "main", Actor: "root", At: now}},
	// What a change of the target looks like: https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request (edited), GitLab's hook_data of merge requests (before
	// 16.10 the state alone says it, https://gitlab.com/gitlab-org/gitlab/-/issues/224610), and Gitea's notifier of webhooks (PullRequestChangeTargetBranch).
	"GitHub's pull request with another target": {forge.GitHub, "pull_request", more(gitHubRequest("edited", now, "x/y"), `"changes": {"base": {"ref": {"from": "scratch"}, "sha": {"from": "1"}}}`), hooks.Event{
		Kind: hooks.MergeRequest, Ref: "refs/pull/2/head", Branch: "changes", Against: "main", Fork: true, Actor: "Codertocat", At: now}},
	"GitLab's merge request with another target": {forge.GitLab, "Merge Request Hook", more(gitLabRequest("update", "", now), `"changes": {"target_branch": {"previous": "scratch", "current": "main"}}`), hooks.Event{
		Kind: hooks.MergeRequest, Ref: "refs/merge-requests/7/head", Branch: "ms-viewport", Against: "main", Actor: "root", At: now}},
	"an older GitLab's merge request with another target": {forge.GitLab, "Merge Request Hook", more(gitLabRequest("update", "", now), `"changes": {"merge_status": {"previous": "can_be_merged", "current": "unchecked"}}`), hooks.Event{
		Kind: hooks.MergeRequest, Ref: "refs/merge-requests/7/head", Branch: "ms-viewport", Against: "main", Actor: "root", At: now}},
	"Gitea's pull request with another target": {forge.Gitea, "pull_request", more(giteaRequest("edited", now), `"changes": {"ref": {"from": "scratch"}}`), hooks.Event{
		Kind: hooks.MergeRequest, Ref: "refs/pull/3/head", Branch: "x", Against: "main", Fork: true, Actor: "ada", At: now}},
	"Gitea's push": {forge.Gitea, "push", giteaPush(commit, now), hooks.Event{
		Kind: hooks.Push, Ref: "refs/heads/develop", Branch: "develop", Actor: "gitea", At: now}},
	"Gitea's pull request": {forge.Gitea, "pull_request", giteaRequest("synchronized", now), hooks.Event{
		Kind: hooks.MergeRequest, Ref: "refs/pull/3/head", Branch: "x", Against: "main", Fork: true, Actor: "ada", At: now}},
}

func TestWhatForgesSendIsStarted(t *testing.T) {
	t.Parallel()
	for name, test := range deliveries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, s := receiver(t)
			got := send(t, url+"/hooks/"+string(test.kind), test.body, headers(test.kind, test.event, test.body, secret))
			require.Equal(t, http.StatusAccepted, got.code, got)
			require.Equal(t, "started", got.Status)
			require.Len(t, s.events, 1)
			e := s.events[0]
			require.WithinDuration(t, test.want.At, e.At, time.Second)
			sum := sha256.Sum256([]byte(test.body))
			want := test.want
			want.Repository, want.Commit, want.Delivery, want.Digest, want.At = string(test.kind), commit, "delivery-1", hex.EncodeToString(sum[:]), e.At
			require.Equal(t, want, e)
		})
	}
}

// The example of GitHub's documentation of validating deliveries: this secret and this body have this signature. The body is verified, and is no event.
func TestTheSignatureOfGitHubsExample(t *testing.T) {
	t.Parallel()
	const body, signature = "Hello, World!", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	require.Equal(t, signature, signed(body, secret))
	url, s := receiver(t)
	right := send(t, url+"/hooks/github", body, map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + signature})
	require.Equal(t, http.StatusUnprocessableEntity, right.code)
	require.Contains(t, right.Detail, "application/json")
	wrong := send(t, url+"/hooks/github", body, map[string]string{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + strings.Replace(signature, "7", "8", 1)})
	require.Equal(t, http.StatusUnauthorized, wrong.code)
	require.Empty(t, s.events)
}

// A request that is pointed at another branch is another event, though its commit is the same.
func TestAnotherTargetIsTestedAnew(t *testing.T) {
	t.Parallel()
	for kind, bodies := range map[forge.Kind][2]string{
		forge.GitHub: {gitHubRequest("opened", now, "x/y"), deliveries["GitHub's pull request with another target"].body},
		forge.GitLab: {gitLabRequest("open", "", now), deliveries["GitLab's merge request with another target"].body},
		forge.Gitea:  {giteaRequest("opened", now), deliveries["Gitea's pull request with another target"].body},
	} {
		url, s := receiver(t)
		event := map[forge.Kind]string{forge.GitHub: "pull_request", forge.GitLab: "Merge Request Hook", forge.Gitea: "pull_request"}[kind]
		opened := strings.ReplaceAll(bodies[0], `"main"`, `"scratch"`)
		for _, body := range []string{opened, bodies[1]} {
			require.Equal(t, "started", send(t, url+"/hooks/"+string(kind), body, headers(kind, event, body, secret)).Status, kind)
		}
		require.Len(t, s.events, 2)
		require.Equal(t, "scratch", s.events[0].Against)
		require.Equal(t, "main", s.events[1].Against)
		require.Equal(t, s.events[0].Ref, s.events[1].Ref)
		require.Equal(t, s.events[0].Commit, s.events[1].Commit)
	}
}

// Without the right signature nothing is started and nothing is told, whatever the event is.
func TestAWrongSignatureIsRefused(t *testing.T) {
	t.Parallel()
	signature := map[forge.Kind]string{forge.GitHub: "X-Hub-Signature-256", forge.GitLab: "X-Gitlab-Token", forge.Gitea: "X-Gitea-Signature"}
	for name, test := range deliveries {
		url, s := receiver(t)
		for _, event := range []string{test.event, "issues", "ping"} {
			at := url + "/hooks/" + string(test.kind)
			good := headers(test.kind, event, test.body, secret)
			header := signature[test.kind]
			for _, value := range []string{
				"", "x", "sha256=", good[header][:len(good[header])-1], good[header] + "0", headers(test.kind, event, test.body, secret+"!")[header], headers(test.kind, event, test.body, "")[header],
			} {
				bad := headers(test.kind, event, test.body, secret)
				bad[header] = value
				if value == "" {
					delete(bad, header)
				}
				require.Equal(t, http.StatusUnauthorized, send(t, at, test.body, bad).code, "%s %s %q", name, event, value)
			}
			if test.kind != forge.GitLab { // which signs no body
				require.Equal(t, http.StatusUnauthorized, send(t, at, strings.Replace(test.body, commit, strings.Repeat("0", 39)+"1", 1), good).code, "another body")
			}
		}
		require.Empty(t, s.events, name)
	}
}

// The same delivery again is refused, whatever is written where nothing is signed.
func TestAReplayIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range deliveries {
		url, s := receiver(t)
		at := url + "/hooks/" + string(test.kind)
		sent := headers(test.kind, test.event, test.body, secret)
		require.Equal(t, http.StatusAccepted, send(t, at, test.body, sent).code, name)
		for _, id := range []string{"delivery-1", "delivery-2", ""} {
			for header := range sent {
				if sent[header] == "delivery-1" || strings.HasPrefix(sent[header], "delivery") {
					sent[header] = id
				}
			}
			again := send(t, at, test.body, sent)
			require.Equal(t, http.StatusConflict, again.code, name)
			require.Contains(t, again.Detail, "delivered before")
		}
		require.Len(t, s.events, 1, name)
	}
}

func TestOldDeliveriesAreRefused(t *testing.T) {
	t.Parallel()
	url, s := receiver(t)
	old, young := now.Add(-hooks.MaxAge-time.Second), now.Add(-hooks.MaxAge+time.Minute)
	for _, test := range []struct {
		kind  forge.Kind
		event string
		body  func(time.Time) string
	}{
		{forge.GitHub, "push", func(at time.Time) string { return gitHubPush("refs/heads/main", commit, at) }},
		{forge.GitHub, "pull_request", func(at time.Time) string { return gitHubRequest("opened", at, "x/y") }},
		{forge.GitLab, "Push Hook", func(at time.Time) string { return gitLabPush(commit, at) }},
		{forge.GitLab, "Merge Request Hook", func(at time.Time) string { return gitLabRequest("reopen", "", at) }},
		{forge.Gitea, "push", func(at time.Time) string { return giteaPush(commit, at) }},
		{forge.Gitea, "pull_request", func(at time.Time) string { return giteaRequest("opened", at) }},
	} {
		before := len(s.events)
		for _, at := range []time.Time{old, now.Add(-10 * 365 * 24 * time.Hour)} {
			body := test.body(at)
			got := send(t, url+"/hooks/"+string(test.kind), body, headers(test.kind, test.event, body, secret))
			require.Equal(t, http.StatusUnprocessableEntity, got.code, "%s %s", test.kind, test.event)
			require.Contains(t, got.Detail, "older than 7 days")
		}
		require.Len(t, s.events, before)
		body := test.body(young)
		require.Equal(t, http.StatusAccepted, send(t, url+"/hooks/"+string(test.kind), body, headers(test.kind, test.event, body, secret)).code)
		require.Len(t, s.events, before+1)
	}
	for _, body := range []string{gitHubPush("refs/heads/main", commit, time.Unix(0, 0)), gitHubPush("refs/heads/main", commit, now.Add(48*time.Hour))} {
		got := send(t, url+"/hooks/github", body, headers(forge.GitHub, "push", body, secret))
		require.Equal(t, http.StatusUnprocessableEntity, got.code)
		require.Contains(t, got.Detail, "says nowhere when")
	}
}

// What is in order and starts nothing is told so, with a reason.
func TestWhatStartsNothing(t *testing.T) {
	t.Parallel()
	url, s := receiver(t)
	zero := strings.Repeat("0", 40)
	for _, test := range []struct {
		kind              forge.Kind
		event, body, says string
	}{
		{forge.GitHub, "ping", `{"zen": "x", "hook_id": 1}`, `"ping" start nothing`},
		{forge.GitHub, "issues", `{}`, `"issues" start nothing`},
		{forge.GitHub, "an event of next year", `{}`, "start nothing"},
		{forge.GitHub, "push", gitHubPush("refs/tags/v1", commit, now), "no branch"},
		{forge.GitHub, "push", gitHubPush("refs/heads/main", zero, now), "deleted"},
		{forge.GitHub, "pull_request", gitHubRequest("closed", now, "x/y"), `"closed"`},
		{forge.GitLab, "Tag Push Hook", `{}`, "start nothing"},
		{forge.GitLab, "Push Hook", gitLabPush(zero, now), "deleted"},
		{forge.GitLab, "Merge Request Hook", gitLabRequest("merge", "", now), `"merge"`},
		{forge.GitLab, "Merge Request Hook", gitLabRequest("update", "", now), "no new commit and no other target"},
		{forge.GitHub, "pull_request", gitHubRequest("edited", now, "x/y"), "no new commit and no other target"},
		{forge.GitHub, "pull_request", more(gitHubRequest("edited", now, "x/y"), `"changes": {"title": {"from": "base"}, "body": {"from": "ref"}}`), "no new commit and no other target"},
		{forge.GitHub, "pull_request", more(gitHubRequest("edited", now, "x/y"), `"changes": {"base": null}`), "no new commit and no other target"},
		{forge.GitHub, "pull_request", more(gitHubRequest("labeled", now, "x/y"), `"changes": {"base": {"ref": {"from": "scratch"}}}`), `"labeled"`},
		{forge.GitLab, "Merge Request Hook", more(gitLabRequest("update", "", now), `"changes": {"title": {"previous": "a", "current": "target_branch"}}`), "no new commit and no other target"},
		{forge.GitLab, "Merge Request Hook", more(gitLabRequest("update", "", now), `"changes": {"merge_status": {"previous": "unchecked", "current": "can_be_merged"}}`), "no new commit and no other target"},
		{forge.Gitea, "pull_request", giteaRequest("edited", now), "no new commit and no other target"},
		{forge.Gitea, "pull_request", more(giteaRequest("edited", now), `"changes": {"title": {"from": "ref"}}`), "no new commit and no other target"},
		{forge.Gitea, "release", `{}`, "start nothing"},
		{forge.Gitea, "push", giteaPush(zero, now), "deleted"},
		{forge.Gitea, "pull_request", giteaRequest("closed", now), `"closed"`},
		{forge.Gitea, "something", `{}`, "start nothing"},
	} {
		got := send(t, url+"/hooks/"+string(test.kind), test.body, headers(test.kind, test.event, test.body, secret))
		require.Equal(t, http.StatusAccepted, got.code, "%s %s: %v", test.kind, test.event, got)
		require.Equal(t, "ignored", got.Status)
		require.Contains(t, got.Reason, test.says)
	}
	require.Empty(t, s.events)
}

func TestWhatIsNoDelivery(t *testing.T) {
	t.Parallel()
	url, s := receiver(t)
	for _, test := range []struct {
		path, event, body string
		code              int
	}{
		{"/hooks/none", "push", "{}", http.StatusNotFound},
		{"/hooks/bare", "push", "{}", http.StatusNotFound},
		{"/hooks/open", "push", "{}", http.StatusNotFound},
		{"/hooks/gone", "push", "{}", http.StatusServiceUnavailable},
		{"/hooks/", "push", "{}", http.StatusNotFound},
		{"/elsewhere", "push", "{}", http.StatusNotFound},
		{"/hooks/github", "", "{}", http.StatusUnprocessableEntity},
		{"/hooks/github", "push", "", http.StatusUnprocessableEntity},
		{"/hooks/github", "push", "{", http.StatusUnprocessableEntity},
		{"/hooks/github", "push", "[]", http.StatusUnprocessableEntity},
		{"/hooks/github", "pull_request", "{}", http.StatusAccepted}, // no action
		{"/hooks/github", "push", gitHubPush("refs/heads/main", "short", now), http.StatusUnprocessableEntity},
		{"/hooks/github", "push", gitHubPush("refs/heads/a..b", commit, now), http.StatusUnprocessableEntity},
		{"/hooks/github", "push", gitHubPush("refs/heads/"+strings.Repeat("x", 300), commit, now), http.StatusUnprocessableEntity},
		{"/hooks/github", "push", gitHubPush("refs/heads/a b", commit, now), http.StatusUnprocessableEntity},
		{"/hooks/gitea", "pull_request", "{}", http.StatusUnprocessableEntity},
	} {
		h := headers(forge.GitHub, test.event, test.body, secret)
		if strings.HasSuffix(test.path, "gitea") {
			h = headers(forge.Gitea, test.event, test.body, secret)
		}
		got := send(t, url+test.path, test.body, h)
		require.Equal(t, test.code, got.code, "%s %s %.60s: %v", test.path, test.event, test.body, got)
	}
	require.Empty(t, s.events)
}

// endless is a body of a length that counts what is taken of it.
type endless struct{ taken int }

func (e *endless) Read(p []byte) (int, error) {
	e.taken += len(p)
	return len(p), nil
}

// A body of 30 MB is refused before it is read, and one that does not say how long it is after the limit.
func TestALongBodyIsRefused(t *testing.T) {
	t.Parallel()
	_, s := receiver(t)
	for _, length := range []int64{30 << 20, -1, hooks.MaxBody + 1} {
		body := &endless{}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/github", io.NopCloser(io.LimitReader(body, 30<<20)))
		request.ContentLength = length
		request.Header.Set("X-GitHub-Event", "push")
		got := httptest.NewRecorder()
		hooks.Receiver{Repositories: []forge.Repository{{Name: "github", Kind: forge.GitHub, Secret: holding(secret)}}, Start: s.start}.Handler().ServeHTTP(got, request)
		require.Equal(t, http.StatusRequestEntityTooLarge, got.Code)
		require.Equal(t, problem.MediaType, got.Header().Get("Content-Type"))
		require.Less(t, body.taken, 2*hooks.MaxBody+1)
		if length > 0 {
			require.Zero(t, body.taken)
		}
	}
	url, s := receiver(t)
	body := gitHubPush("refs/heads/main", commit, now)
	body += strings.Repeat(" ", hooks.MaxBody-len(body))
	require.Equal(t, http.StatusAccepted, send(t, url+"/hooks/github", body, headers(forge.GitHub, "push", body, secret)).code, "one byte less is good")
	require.Len(t, s.events, 1)
}

// Over a real connection as well: whoever sends 30 MB gets the answer.
func TestALongBodyOverAConnection(t *testing.T) {
	t.Parallel()
	url, s := receiver(t)
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	defer connection.Close()
	_, err = fmt.Fprintf(connection, "POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", 30<<20)
	require.NoError(t, err)
	head := make([]byte, len("HTTP/1.1 413"))
	_, err = io.ReadFull(connection, head)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 413", string(head))
	require.Empty(t, s.events)
}

func TestAStartThatFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		code int
		says string
	}{
		{fault.New(fault.Unavailable, "Temporal does not answer"), http.StatusServiceUnavailable, "Temporal does not answer"},
		{errors.New("of the inside"), http.StatusInternalServerError, "fault of the server"},
	} {
		url, s := receiver(t)
		s.fails = test.err
		body := gitHubPush("refs/heads/main", commit, now)
		got := send(t, url+"/hooks/github", body, headers(forge.GitHub, "push", body, secret))
		require.Equal(t, test.code, got.code)
		require.Contains(t, got.Detail, test.says)
		s.fails = nil
		require.Equal(t, http.StatusAccepted, send(t, url+"/hooks/github", body, headers(forge.GitHub, "push", body, secret)).code, "the forge sends it again")
	}
}

// Who pushed is a name that anybody chose.
func TestWhoPushedIsOneLine(t *testing.T) {
	t.Parallel()
	url, s := receiver(t)
	body := strings.Replace(gitHubPush("refs/heads/main", commit, now), "Codertocat\", \"email", `\u001b[31mroot\n`+strings.Repeat("x", 200)+`", "email`, 1)
	require.NotContains(t, body, `"name": "Codertocat"`)
	require.Equal(t, http.StatusAccepted, send(t, url+"/hooks/github", body, headers(forge.GitHub, "push", body, secret)).code)
	require.Equal(t, "[31mroot"+strings.Repeat("x", 92), s.events[0].Actor)
}

func TestTooManyDeliveriesAreNotTaken(t *testing.T) {
	t.Parallel()
	url, _ := receiver(t)
	codes := map[int]int{}
	for range 300 {
		codes[send(t, url+"/hooks/none", "", nil).code]++
	}
	require.NotZero(t, codes[http.StatusNotFound])
	require.NotZero(t, codes[http.StatusTooManyRequests])
	got, err := http.Get(url + "/healthz")
	require.NoError(t, err)
	defer got.Body.Close()
	require.Equal(t, http.StatusOK, got.StatusCode)
}

// from sends from an address, as the socket says it, whatever the headers say.
func from(t *testing.T, handler http.Handler, address, path, body string, headers map[string]string) int {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	request.RemoteAddr = address
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	got := httptest.NewRecorder()
	handler.ServeHTTP(got, request)
	return got.Code
}

// Who sends too much is not taken any more, from whatever port and under whatever name a header gives; everybody else is.
func TestOneSenderStopsNobodyElse(t *testing.T) {
	t.Parallel()
	s := &starter{}
	handler := hooks.Receiver{Repositories: []forge.Repository{{Name: "github", Kind: forge.GitHub, Secret: holding(secret)}}, Start: s.start, Now: func() time.Time { return now }}.Handler()
	body := gitHubPush("refs/heads/main", commit, now)
	codes := map[int]int{}
	for i := range 150 {
		forwarded := map[string]string{"X-Forwarded-For": fmt.Sprintf("198.51.100.%d", i), "X-Real-IP": fmt.Sprintf("198.51.100.%d", i)}
		codes[from(t, handler, fmt.Sprintf("203.0.113.1:%d", 2000+i), "/hooks/nothing", "", forwarded)]++
		codes[from(t, handler, fmt.Sprintf("[2001:db8::%x]:2000", i), "/hooks/github", body, headers(forge.GitHub, "push", body, "another"))]++
	}
	for _, code := range []int{http.StatusNotFound, http.StatusUnauthorized, http.StatusTooManyRequests} {
		require.NotZero(t, codes[code], code)
	}
	require.Equal(t, http.StatusTooManyRequests, from(t, handler, "[2001:db8::ffff]:9", "/hooks/github", body, headers(forge.GitHub, "push", body, secret)), "of one network of IPv6")
	require.Equal(t, http.StatusAccepted, from(t, handler, "192.0.2.7:443", "/hooks/github", body, headers(forge.GitHub, "push", body, secret)))
	require.Len(t, s.events, 1)
}

// heldBody is a body that says when it is read, and ends when it may.
type heldBody struct {
	begun chan<- struct{}
	end   <-chan struct{}
	once  sync.Once
}

func (b *heldBody) Read([]byte) (int, error) {
	b.once.Do(func() { b.begun <- struct{}{} })
	<-b.end
	return 0, io.EOF
}

// However many send, only so many bodies are in memory.
func TestOnlySoManyBodiesAreReadAtOnce(t *testing.T) {
	t.Parallel()
	s := &starter{}
	handler := hooks.Receiver{Repositories: []forge.Repository{{Name: "github", Kind: forge.GitHub, Secret: holding(secret)}}, Start: s.start, Now: func() time.Time { return now }}.Handler()
	begun, end := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	for i := range 600 {
		all.Go(func() {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/hooks/github", io.NopCloser(&heldBody{begun: begun, end: end}))
			request.RemoteAddr = fmt.Sprintf("203.0.113.%d:1", i/10)
			handler.ServeHTTP(httptest.NewRecorder(), request)
		})
	}
	for range 600 {
		<-begun
	}
	body := gitHubPush("refs/heads/main", commit, now)
	require.Equal(t, http.StatusServiceUnavailable, from(t, handler, "192.0.2.7:443", "/hooks/github", body, headers(forge.GitHub, "push", body, secret)))
	close(end)
	all.Wait()
	require.Equal(t, http.StatusAccepted, from(t, handler, "192.0.2.7:443", "/hooks/github", body, headers(forge.GitHub, "push", body, secret)))
}

// Whoever sends bodies that have no end holds nobody up: who sent all of it and signed it is taken.
func TestUnfinishedBodiesHoldNobodyUp(t *testing.T) {
	t.Parallel()
	url, s := receiver(t)
	for range 40 {
		connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		require.NoError(t, err)
		t.Cleanup(func() { connection.Close() })
		// Who waits to be told to go on is told so when the handler begins to read: then this request is inside.
		_, err = fmt.Fprint(connection, "POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n")
		require.NoError(t, err)
		line := make([]byte, len("HTTP/1.1 100"))
		_, err = io.ReadFull(connection, line)
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 100", string(line))
		_, err = fmt.Fprint(connection, "{")
		require.NoError(t, err)
	}
	body := gitHubPush("refs/heads/main", commit, now)
	require.Equal(t, http.StatusAccepted, send(t, url+"/hooks/github", body, headers(forge.GitHub, "push", body, secret)).code)
	require.Len(t, s.events, 1)
}

// Of deliveries that are in order as many are started at once as Temporal is to be asked at once.
func TestOnlySoManyAreStartedAtOnce(t *testing.T) {
	t.Parallel()
	begun, end := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(hooks.Receiver{
		Repositories: []forge.Repository{{Name: "github", Kind: forge.GitHub, Secret: holding(secret)}},
		Start: func(context.Context, hooks.Event) error {
			begun <- struct{}{}
			<-end
			return nil
		},
		Now: func() time.Time { return now },
	}.Handler())
	t.Cleanup(server.Close)
	push := func(i int) answer {
		body := gitHubPush(fmt.Sprintf("refs/heads/b%d", i), commit, now)
		return send(t, server.URL+"/hooks/github", body, headers(forge.GitHub, "push", body, secret))
	}
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			if got := push(i); got.code != http.StatusAccepted {
				t.Error(got)
			}
		})
	}
	for range 32 {
		<-begun
	}
	require.Equal(t, http.StatusServiceUnavailable, push(32).code)
	close(end)
	all.Wait()
	go func() { <-begun }()
	require.Equal(t, http.StatusAccepted, push(33).code, "there is room again")
}

func TestAServerWaitsForNobodyForEver(t *testing.T) {
	t.Parallel()
	s := hooks.Server(http.NotFoundHandler())
	require.Positive(t, s.ReadHeaderTimeout)
	require.Positive(t, s.ReadTimeout)
	require.LessOrEqual(t, s.ReadTimeout, 10*time.Second, "which is how long forges wait; so long a body is kept that never ends")
	require.Positive(t, s.WriteTimeout)
	require.Positive(t, s.IdleTimeout)
	require.Positive(t, s.MaxHeaderBytes)
}

func TestTheIDOfAnEvent(t *testing.T) {
	t.Parallel()
	base := hooks.Event{Repository: "loans", Kind: hooks.Push, Ref: "refs/heads/main", Commit: commit, Digest: "1"}
	ids := map[string]bool{base.ID(): true}
	require.Len(t, base.ID(), 32)
	same := base
	same.Delivery, same.Actor, same.At = "other", "other", now
	require.Equal(t, base.ID(), same.ID(), "what is not signed, and when, makes no other event")
	for _, change := range []func(*hooks.Event){
		func(e *hooks.Event) { e.Repository = "cars" }, func(e *hooks.Event) { e.Kind = hooks.MergeRequest }, func(e *hooks.Event) { e.Ref = "refs/heads/x" },
		func(e *hooks.Event) { e.Commit = strings.Repeat("1", 40) }, func(e *hooks.Event) { e.Digest = "2" }, func(e *hooks.Event) { e.Against = "main" },
	} {
		e := base
		change(&e)
		require.False(t, ids[e.ID()])
		ids[e.ID()] = true
	}
}

// A branch is looked at again and again, and each of its commits started once.
func TestPolling(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &starter{}
		heads := []string{strings.Repeat("1", 40), strings.Repeat("1", 40), "", strings.Repeat("2", 40), strings.Repeat("2", 40)}
		looks := 0
		ctx, cancel := context.WithCancel(t.Context())
		p := hooks.Poller{
			Repositories: []forge.Repository{{Name: "loans", Branch: "main", Poll: time.Minute}, {Name: "never", Branch: "main"}},
			Start:        s.start,
			Head: func(_ context.Context, r forge.Repository) (string, error) {
				if r.Name != "loans" {
					t.Error("looked at", r.Name)
				}
				looks++
				if looks == len(heads) {
					defer cancel()
				}
				if head := heads[looks-1]; head != "" {
					return head, nil
				}
				return "", fault.New(fault.Unavailable, "away")
			},
		}
		began := time.Now()
		require.NoError(t, p.Run(ctx))
		require.Equal(t, 4*time.Minute, time.Since(began))
		require.Len(t, s.events, 2)
		for i, e := range s.events {
			require.Equal(t, hooks.Event{
				Repository: "loans", Kind: hooks.Push, Ref: "refs/heads/main", Branch: "main", Commit: strings.Repeat(fmt.Sprint(i+1), 40), Actor: "poll", At: e.At,
			}, e)
		}
	})
}

// A start that failed is tried at the next look; one that was started by another, or before this process began, is not.
func TestPollingAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		answers := []error{fault.New(fault.Unavailable, "away"), fault.New(fault.Conflict, "known")}
		starts := 0
		looks := 0
		p := hooks.Poller{
			Repositories: []forge.Repository{{Name: "loans", Branch: "main", Poll: time.Minute}},
			Start: func(context.Context, hooks.Event) error {
				starts++
				return answers[min(starts, len(answers))-1]
			},
			Head: func(context.Context, forge.Repository) (string, error) {
				if looks++; looks == 5 {
					cancel()
				}
				return commit, nil
			},
		}
		require.NoError(t, p.Run(ctx))
		require.Equal(t, 2, starts)
	})
}
