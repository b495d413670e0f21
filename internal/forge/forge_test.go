package forge_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
)

const commit = "6dcb09b5b57875f334f61aebed695e2e4193db5e"

func holding(text string) func() (string, error) { return func() (string, error) { return text, nil } }

// asked is a request that a forge got.
type asked struct {
	Method, Path string
	Header       http.Header
	Body         map[string]string
}

// answering is a forge that gives an answer, and what it was asked.
func answering(t *testing.T, status int, says string) (url string, requests *[]asked) {
	t.Helper()
	requests = &[]asked{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a := asked{Method: r.Method, Path: r.URL.EscapedPath(), Header: r.Header}
		if err := json.Unmarshal(body, &a.Body); err != nil {
			t.Error(err)
		}
		*requests = append(*requests, a)
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, says)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

// The paths, headers and bodies are those of the forges' documentation of setting the status of a commit.
func TestAStatusAsTheForgesDocumentIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		kind          forge.Kind
		path          string // of the clone URL
		state         forge.State
		want          string // path of the request
		header, value string
		body          map[string]string
	}{
		{forge.GitHub, "/octocat/Hello-World.git", forge.Success, "/api/v3/repos/octocat/Hello-World/statuses/" + commit, "Authorization", "Bearer T0KEN",
			map[string]string{"state": "success", "target_url": "https://ci.example.com/1", "description": "Published 3", "context": "loanops/push"}},
		{forge.GitHub, "/octocat/Hello-World", forge.Error, "/api/v3/repos/octocat/Hello-World/statuses/" + commit, "X-Github-Api-Version", "2022-11-28",
			map[string]string{"state": "error", "target_url": "https://ci.example.com/1", "description": "Published 3", "context": "loanops/push"}},
		{forge.GitLab, "/risk/lending/loans.git", forge.Failure, "/api/v4/projects/risk%2Flending%2Floans/statuses/" + commit, "Private-Token", "T0KEN",
			map[string]string{"state": "failed", "target_url": "https://ci.example.com/1", "description": "Published 3", "name": "loanops/push"}},
		{forge.GitLab, "/risk/loans.git", forge.Pending, "/api/v4/projects/risk%2Floans/statuses/" + commit, "Private-Token", "T0KEN",
			map[string]string{"state": "pending", "target_url": "https://ci.example.com/1", "description": "Published 3", "name": "loanops/push"}},
		{forge.Gitea, "/risk/loans.git", forge.Failure, "/api/v1/repos/risk/loans/statuses/" + commit, "Authorization", "token T0KEN",
			map[string]string{"state": "failure", "target_url": "https://ci.example.com/1", "description": "Published 3", "context": "loanops/push"}},
	} {
		t.Run(string(test.kind)+" "+string(test.state), func(t *testing.T) {
			t.Parallel()
			url, requests := answering(t, http.StatusCreated, `{"id": 1}`)
			r := forge.Repository{Name: "loans", Kind: test.kind, URL: url + test.path, Token: holding("T0KEN")}
			require.NoError(t, forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: commit, State: test.state, Description: "Published 3", Target: "https://ci.example.com/1"}))
			require.Len(t, *requests, 1)
			got := (*requests)[0]
			require.Equal(t, http.MethodPost, got.Method)
			require.Equal(t, test.want, got.Path)
			require.Equal(t, test.value, got.Header.Get(test.header))
			require.Equal(t, "application/json", got.Header.Get("Content-Type"))
			require.Equal(t, test.body, got.Body)
		})
	}
}

// A forge below a path of its host, and an API that is elsewhere.
func TestWhereTheAPIIs(t *testing.T) {
	t.Parallel()
	url, requests := answering(t, http.StatusCreated, "{}")
	other, elsewhere := answering(t, http.StatusCreated, "{}")
	for _, r := range []forge.Repository{
		{Kind: forge.GitLab, URL: url + "/gitlab/risk/loans.git", API: url + "/gitlab/api/v4/"},
		{Kind: forge.Gitea, URL: url + "/git/risk/loans.git", API: url + "/git/api/v1"},
		{Kind: forge.GitHub, URL: "https://github.com/risk/loans.git", API: other},
	} {
		r.Name, r.Token = "loans", holding("T0KEN")
		require.NoError(t, forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: commit, State: forge.Success}))
	}
	require.Equal(t, "/gitlab/api/v4/projects/risk%2Floans/statuses/"+commit, (*requests)[0].Path)
	require.Equal(t, "/git/api/v1/repos/risk/loans/statuses/"+commit, (*requests)[1].Path)
	require.Equal(t, "/repos/risk/loans/statuses/"+commit, (*elsewhere)[0].Path)
	require.NotContains(t, (*elsewhere)[0].Body, "target_url", "none is none")
}

// GitHub takes 140 characters and refuses more, GitLab 255.
func TestDescriptionsAreCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 200) + "\n\t " + strings.Repeat("x", 200)
	for kind, want := range map[forge.Kind]string{
		forge.GitHub: strings.Repeat("ü", 139) + "…", forge.GitLab: strings.Repeat("ü", 200) + " " + strings.Repeat("x", 53) + "…", forge.Gitea: strings.Repeat("ü", 200) + " " + strings.Repeat("x", 53) + "…",
	} {
		url, requests := answering(t, http.StatusCreated, "{}")
		r := forge.Repository{Kind: kind, URL: url + "/risk/loans", Token: holding("T0KEN")}
		require.NoError(t, forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: commit, State: forge.Success, Description: long}))
		require.Equal(t, want, (*requests)[0].Body["description"])
	}
}

func TestWhatAForgeAnswersIsPermanentOrNot(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]fault.Code{
		301: fault.Refused, 400: fault.Refused, 401: fault.Unauthorized, 403: fault.Unauthorized, 404: fault.NotFound, 408: fault.Unavailable, 422: fault.Refused, 429: fault.Unavailable,
		500: fault.Unavailable, 503: fault.Unavailable,
	} {
		url, requests := answering(t, status, "your T0KEN is wrong")
		r := forge.Repository{Name: "loans", Kind: forge.GitHub, URL: url + "/risk/loans", Token: holding("T0KEN")}
		err := forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: commit, State: forge.Success})
		require.Equal(t, want, fault.CodeOf(err), "%d: %v", status, err)
		require.NotContains(t, err.Error(), "T0KEN")
		require.NotContains(t, err.Error(), url)
		require.Len(t, *requests, 1)
	}
	r := forge.Repository{Name: "loans", Kind: forge.GitHub, URL: "http://127.0.0.1:1/risk/loans", Token: holding("T0KEN")}
	require.Equal(t, fault.Unavailable, fault.CodeOf(forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: commit, State: forge.Success})))
	r.Token = holding("")
	require.Equal(t, fault.Unauthorized, fault.CodeOf(forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: commit, State: forge.Success})))
	r.Token = func() (string, error) { return "", errors.New("gone") }
	require.Equal(t, fault.Unavailable, fault.CodeOf(forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: commit, State: forge.Success})))
	for _, url := range []string{"http://127.0.0.1:1/loans", "http://127.0.0.1:1/a/b/c", "http://127.0.0.1:1/"} {
		r := forge.Repository{Name: "loans", Kind: forge.GitHub, URL: url, Token: holding("T0KEN")}
		require.Equal(t, fault.Invalid, fault.CodeOf(forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: commit, State: forge.Success})), url)
	}
}

// GitLab answers so to a status that a commit has already, as a second try of the same has it.
func TestTheSameStatusTwiceIsDone(t *testing.T) {
	t.Parallel()
	url, _ := answering(t, http.StatusBadRequest, `{"message":"Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via \"enqueue\")"}`)
	r := forge.Repository{Kind: forge.GitLab, URL: url + "/risk/loans", Token: holding("T0KEN")}
	require.NoError(t, forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: commit, State: forge.Pending}))
	r.Kind = forge.Gitea
	require.Error(t, forge.Post(t.Context(), r, forge.Status{About: forge.OfPush, Commit: commit, State: forge.Pending}))
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@b")
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.TrimSpace(string(out))
}

// folder is a bare repository with a commit.
func folder(t *testing.T) (dir, hash string) {
	t.Helper()
	work := t.TempDir()
	run(t, work, "init", "-q", "-b", "main")
	require.NoError(t, os.WriteFile(filepath.Join(work, "pipeline.yaml"), []byte("x"), 0o644))
	run(t, work, "add", "-A")
	run(t, work, "commit", "-qm", "first")
	dir = t.TempDir()
	run(t, work, "clone", "-q", "--bare", work, dir)
	return dir, run(t, dir, "rev-parse", "main")
}

func TestAFolderIsOpened(t *testing.T) {
	t.Parallel()
	dir, hash := folder(t)
	r := forge.Repository{Name: "loans", Kind: forge.Bare, URL: dir, Branch: "main", Token: holding("")}
	head, err := forge.Head(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, hash, head)
	opened, err := forge.Open(t.Context(), r, "")
	require.NoError(t, err)
	c, err := opened.Commit(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, hash, c.Hash)
	r.Branch = "release"
	_, err = forge.Head(t.Context(), r)
	require.Equal(t, fault.NotFound, fault.CodeOf(err))

	r.URL = "http://127.0.0.1:1/loans.git"
	_, err = forge.Head(t.Context(), r)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	_, err = forge.Open(t.Context(), r, t.TempDir())
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	r.Token = func() (string, error) { return "", errors.New("gone") }
	_, err = forge.Open(t.Context(), r, t.TempDir())
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorContains(t, err, "gone")
}
