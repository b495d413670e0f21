package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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

// endpoints is STATE/endpoints.json, the contract with the outside.
type endpoints struct {
	Temporal     string            `json:"temporal"`
	TemporalUI   string            `json:"temporal_ui"`
	TemporalHTTP string            `json:"temporal_http"`
	Namespace    string            `json:"namespace"`
	S3           string            `json:"s3"`
	Bucket       string            `json:"bucket"`
	Gateway      string            `json:"gateway"`
	Database     string            `json:"database"`
	TerraformDir map[string]string `json:"terraform_dir"`
	KeysFile     string            `json:"keys_file"`
	PID          map[string]int    `json:"pid"`
}

// platform is one `loanops up` on one state folder.
type platform struct {
	state string
	cmd   *exec.Cmd
	log   *logBuffer
	done  chan error
}

func newPlatform(state string) *platform { return &platform{state: state} }

// logBuffer collects a process's output; safe for the copying goroutine and the test.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// firstRun takes an empty folder to its first full run and ends, as `loanops up --once` promises.
func (p *platform) firstRun() error {
	cmd := exec.Command(filepath.Join(bin, "loanops"), "up", "--once", "--state", p.state)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("up --once: %w\n%s", err, out)
	}
	return nil
}

// start runs `loanops up` with the flags and returns when endpoints.json says that all is ready.
func (p *platform) start(flags ...string) error {
	p.log = &logBuffer{}
	p.cmd = exec.Command(filepath.Join(bin, "loanops"), append([]string{"up", "--state", p.state}, flags...)...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	// endpoints.json of a platform that was killed must not be taken for this one's.
	_ = os.Remove(filepath.Join(p.state, "endpoints.json"))
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.done = make(chan error, 1)
	go func(cmd *exec.Cmd, done chan<- error) { done <- cmd.Wait() }(p.cmd, p.done)
	deadline := time.After(2 * time.Minute)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case err := <-p.done:
			return fmt.Errorf("up ended: %w\n%s", err, p.log)
		case <-deadline:
			return fmt.Errorf("up is not ready\n%s", p.log)
		case <-poll.C:
			if _, err := p.endpoints(); err == nil {
				return nil
			}
		}
	}
}

// stop interrupts the platform as Ctrl-C does and waits for its end.
func (p *platform) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(time.Minute):
		return fmt.Errorf("up does not end\n%s", p.log)
	}
}

func (p *platform) endpoints() (endpoints, error) {
	var e endpoints
	data, err := os.ReadFile(filepath.Join(p.state, "endpoints.json"))
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(data, &e)
}

func (p *platform) mustEndpoints(t *testing.T) endpoints {
	t.Helper()
	e, err := p.endpoints()
	require.NoError(t, err)
	return e
}

// run calls the loanops command and returns standard output and the exit code.
func (p *platform) run(t *testing.T, args ...string) (stdout []byte, code int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "loanops"), append(args, "--state", p.state)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	t.Logf("loanops %s: exit %d\n%s", strings.Join(args, " "), cmd.ProcessState.ExitCode(), stderr.String())
	return out, cmd.ProcessState.ExitCode()
}

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

// killAll ends every process of the platform with SIGKILL, the supervisor first, so that nothing can clean up.
func (p *platform) killAll(t *testing.T) {
	t.Helper()
	e := p.mustEndpoints(t)
	_ = p.cmd.Process.Kill()
	<-p.done
	for _, pid := range e.PID {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// demoKey returns one institution's API key.
func (p *platform) demoKey(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(p.mustEndpoints(t).KeysFile)
	require.NoError(t, err)
	var keys map[string]string
	require.NoError(t, json.Unmarshal(data, &keys))
	for _, key := range keys {
		return key
	}
	t.Fatal("no demo institution has a key")
	return ""
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
	request, err := http.NewRequest(http.MethodPost, p.mustEndpoints(t).Gateway+path, bytes.NewReader(data))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+p.demoKey(t))
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
	var golden struct {
		Rows []struct {
			Application map[string]any `json:"application"`
		} `json:"rows"`
	}
	data, err := os.ReadFile(filepath.Join(p.save(t, "champion"), "golden.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &golden))
	require.NotEmpty(t, golden.Rows)
	return golden.Rows[0].Application
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
func (p *platform) champion(t *testing.T) int { return p.alias(t, "champion") }

// alias returns the version that the alias names now, 0 for none.
func (p *platform) alias(t *testing.T, alias string) int { return p.aliasOf(t, name, alias) }

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
