package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/platformtest"
)

// name is the pipeline, and with it the model, of these tests.
const name = "loan-eligibility"

// bin is the folder of the built programs; LOANOPS_BIN replaces it.
var bin = func() string {
	if dir := os.Getenv("LOANOPS_BIN"); dir != "" {
		return dir
	}
	dir, err := filepath.Abs("../../bin")
	if err != nil {
		panic(err)
	}
	return dir
}()

// platform is one `loanops up` on one state folder, with helpers that end a test when the platform does not do its part.
type platform struct{ *platformtest.Platform }

func newPlatform(state string) *platform {
	p := &platform{&platformtest.Platform{State: state, Bin: bin}}
	p.Env = []string{"LOANOPS_DATA_DIRS=" + p.arrivals()}
	return p
}

// arrivals is the folder in which its worker may read files.
func (p *platform) arrivals() string { return p.State + "-arrivals" }

func (p *platform) mustEndpoints(t *testing.T) platformtest.Endpoints {
	t.Helper()
	e, err := p.Endpoints()
	require.NoError(t, err)
	return e
}

// run calls the loanops command and returns standard output and the exit code.
func (p *platform) run(t *testing.T, args ...string) (stdout []byte, code int) {
	t.Helper()
	ended := p.begin(t, args...)(t)
	return ended.Stdout, ended.Code
}

// begin starts the loanops command; the returned function waits for its end.
func (p *platform) begin(t *testing.T, args ...string) func(*testing.T) platformtest.Ended {
	t.Helper()
	wait, err := p.Command(args...)
	require.NoError(t, err)
	return func(t *testing.T) platformtest.Ended {
		t.Helper()
		ended := wait()
		t.Logf("loanops %s: exit %d\n%s", strings.Join(args, " "), ended.Code, ended.Stderr)
		return ended
	}
}

// result is what every command that starts a workflow prints.
type result = platformtest.Result

// runJSON calls the command with --output json, requires the exit code and decodes standard output into v.
func (p *platform) runJSON(t *testing.T, v any, wantCode int, args ...string) {
	t.Helper()
	out, code := p.run(t, append(args, "--output", "json")...)
	require.Equal(t, wantCode, code, "exit code of %v, output %s", args, out)
	require.NoError(t, json.Unmarshal(out, v), "standard output of %v: %s", args, out)
}

// eventually waits until ok holds; the condition is another process's, so it can only be asked for.
func eventually(t *testing.T, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	deadline := time.After(limit)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within %s", what, limit)
		case <-poll.C:
		}
	}
}

// closed waits until the newest run of a workflow has ended, which is after the last word of its progress.
func (p *platform) closed(t *testing.T, workflowID string) {
	t.Helper()
	eventually(t, workflowID+" closed", 5*time.Minute, func() bool {
		x, err := p.Describe(workflowID)
		return err == nil && x.Closed()
	})
}

// decision is what a lender reads.
type decision struct {
	DecisionID  string  `json:"decision_id"`
	Verdict     string  `json:"verdict"`
	Probability float64 `json:"probability"`
	Model       struct {
		Name    string `json:"name"`
		Version int    `json:"version"`
		Digest  string `json:"digest"`
	} `json:"model"`
}

// post sends a JSON body through the gateway as a demo institution.
func (p *platform) post(t *testing.T, path string, body any, answer any) int {
	t.Helper()
	data, err := json.Marshal(body)
	require.NoError(t, err)
	key, err := p.Key()
	require.NoError(t, err)
	request, err := http.NewRequest(http.MethodPost, p.mustEndpoints(t).Gateway+path, bytes.NewReader(data))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	require.NoError(t, json.NewDecoder(response.Body).Decode(answer))
	return response.StatusCode
}

// get reads a URL of the platform and decodes its JSON.
func get(t *testing.T, url string, answer any) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode, url)
	require.NoError(t, json.NewDecoder(response.Body).Decode(answer))
}

// example is one application that the champion accepts.
func (p *platform) example(t *testing.T) map[string]any {
	t.Helper()
	applications, err := p.Examples(name, "champion")
	require.NoError(t, err)
	return applications[0]
}

// save writes a version's artifacts into a new folder.
func (p *platform) save(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	_, code := p.run(t, "models", "show", name, version, "--save", dir)
	require.Equal(t, 0, code)
	return dir
}

// champion returns the version that production serves, 0 for none.
func (p *platform) champion(t *testing.T) int { return p.aliasOf(t, name, "champion") }

// aliasOf returns the version that the alias names now, 0 for none.
func (p *platform) aliasOf(t *testing.T, model, alias string) int {
	t.Helper()
	version := 0
	for _, move := range p.history(t, model) {
		if move.Alias == alias {
			version = move.Version
		}
	}
	return version
}

// aliasMove is the part of `loanops models history` that these tests read.
type aliasMove struct {
	Alias   string `json:"alias"`
	Version int    `json:"version"`
}

// history returns the alias moves, oldest first.
func (p *platform) history(t *testing.T, model string) []aliasMove {
	t.Helper()
	out, code := p.run(t, "models", "history", model, "--output", "json")
	if code == 5 {
		return nil
	}
	require.Equal(t, 0, code)
	var moves []aliasMove
	require.NoError(t, json.Unmarshal(out, &moves))
	return moves
}
