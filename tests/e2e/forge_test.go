package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/platformtest"
)

// kinds are the forges that are played, each with one repository, which the settings name after it.
var kinds = []string{"github", "gitlab", "gitea"}

const (
	forgeToken  = "a token of the forge"
	forgeSecret = "a secret of the webhook"
)

// forge plays GitHub, GitLab and Gitea on loopback: it serves KIND/loans.git by git's own HTTP server to whoever has the token, and keeps the statuses of
// commits as each takes them.
type forge struct {
	*httptest.Server
	dir string

	mu   sync.Mutex
	told []status
}

// status is what a forge was told of a commit. State and Context are in the words of that forge.
type status struct {
	kind, commit                        string
	State, Context, Description, Target string
}

// newForge has its repositories, which are empty yet, and its secrets below a folder.
func newForge(dir string) (*forge, error) {
	repositories, err := platformtest.Repositories(context.Background(), dir, forgeToken)
	if err != nil {
		return nil, err
	}
	f := &forge{dir: dir}
	mux := http.NewServeMux()
	mux.Handle("/{kind}/loans.git/", repositories)
	mux.HandleFunc("POST /api/v3/repos/github/loans/statuses/{commit}", f.take("github", "Authorization", "Bearer "))
	mux.HandleFunc("POST /api/v4/projects/{project}/statuses/{commit}", f.take("gitlab", "Private-Token", ""))
	mux.HandleFunc("POST /api/v1/repos/gitea/loans/statuses/{commit}", f.take("gitea", "Authorization", "token "))
	f.Server = httptest.NewServer(mux)
	for name, text := range map[string]string{"token": forgeToken, "secret": forgeSecret} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// take keeps a status that comes with the token.
func (f *forge) take(kind, header, before string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			State, Context, Name, Description string
			Target                            string `json:"target_url"`
		}
		switch {
		case r.Header.Get(header) != before+forgeToken:
			w.WriteHeader(http.StatusUnauthorized)
		case kind == "gitlab" && r.PathValue("project") != "gitlab/loans":
			w.WriteHeader(http.StatusNotFound)
		case json.NewDecoder(r.Body).Decode(&body) != nil:
			w.WriteHeader(http.StatusBadRequest)
		default:
			f.mu.Lock()
			f.told = append(f.told, status{kind, r.PathValue("commit"), body.State, body.Context + body.Name, body.Description, body.Target})
			f.mu.Unlock()
			w.WriteHeader(http.StatusCreated)
		}
	}
}

// settings name the repositories to a platform.
func (f *forge) settings() (lines []string) {
	for _, kind := range kinds {
		prefix := "LOANOPS_REPOSITORY_" + strings.ToUpper(kind)
		lines = append(lines, prefix+"_KIND="+kind, prefix+"_URL="+f.URL+"/"+kind+"/loans.git", prefix+"_TOKEN_FILE="+filepath.Join(f.dir, "token"), prefix+"_SECRET_FILE="+filepath.Join(f.dir, "secret"))
	}
	return lines
}

// folder is where the repository of a kind lies.
func (f *forge) folder(kind string) string { return filepath.Join(f.dir, kind, "loans.git") }

// statuses are those of a commit in a context, in their order.
func (f *forge) statuses(kind, commit, context string) (told []status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.told {
		if s.kind == kind && s.commit == commit && s.Context == context {
			told = append(told, s)
		}
	}
	return told
}

// awaits waits for the second status of a commit, the first being that it is tested, and requires what both say.
func (f *forge) awaits(t *testing.T, kind, commit, context, state string) status {
	t.Helper()
	eventually(t, context+" of "+kind, 3*time.Minute, func() bool { return len(f.statuses(kind, commit, context)) > 1 })
	told := f.statuses(kind, commit, context)
	require.Equal(t, []string{"pending", state}, []string{told[0].State, told[1].State}, "%v", told)
	require.NotEmpty(t, told[1].Target)
	at, err := url.PathUnescape(told[1].Target)
	require.NoError(t, err)
	require.Contains(t, at, "/integration-"+kind+"~", "a person is led to the run")
	return told[1]
}

// all is everything that the forges were told.
func (f *forge) all() []status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.told)
}
