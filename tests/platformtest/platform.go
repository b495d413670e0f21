// Package platformtest drives the built programs in bin/ from outside, as a person or a script would: processes, files, REST, and
// nothing of the platform's inside.
package platformtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Endpoints is STATE/endpoints.json, the contract with the outside.
type Endpoints struct {
	Temporal     string            `json:"temporal"`
	TemporalUI   string            `json:"temporal_ui"`
	TemporalHTTP string            `json:"temporal_http"`
	Namespace    string            `json:"namespace"`
	S3           string            `json:"s3"`
	Bucket       string            `json:"bucket"`
	Registry     string            `json:"registry"`
	Gateway      string            `json:"gateway"`
	Features     string            `json:"features"`
	Hooks        string            `json:"hooks"`
	Database     string            `json:"database"`
	TerraformDir map[string]string `json:"terraform_dir"`
	KeysFile     string            `json:"keys_file"`
	FeaturesKeys string            `json:"features_keys_file"`
	PID          map[string]int    `json:"pid"`
}

// Platform is one `loanops up` on one state folder.
type Platform struct {
	// State is the state folder, Bin the folder of the built programs.
	State, Bin string
	// Env is what the platform is started with beside this process's environment, as NAME=value.
	Env []string
	// Runtime is how its predictors run; processes unless it is set, whether or not a container engine is there.
	Runtime string

	cmd  *exec.Cmd
	log  *Log
	done chan struct{} // closed when cmd has ended, as its ProcessState says
}

// Log collects a process's output; safe for the copying goroutine and the reader.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// FirstRun takes an empty folder to its first full run and ends, as `loanops up --once` promises.
func (p *Platform) FirstRun() error {
	cmd := exec.Command(filepath.Join(p.Bin, "loanops"), "up", "--once", "--state", p.State, "--runtime", p.runtime())
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("up --once: %w\n%s", err, out)
	}
	return nil
}

func (p *Platform) runtime() string { return cmp.Or(p.Runtime, "process") }

// Start runs `loanops up` with the flags and returns when endpoints.json says that all is ready.
func (p *Platform) Start(flags ...string) error {
	p.log = &Log{}
	p.cmd = exec.Command(filepath.Join(p.Bin, "loanops"), append([]string{"up", "--state", p.State, "--runtime", p.runtime()}, flags...)...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = append(os.Environ(), p.Env...), p.log, p.log
	// endpoints.json of a platform that was killed must not be taken for this one's.
	_ = os.Remove(p.path("endpoints.json"))
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan<- struct{}) {
		_ = cmd.Wait() // see ProcessState
		close(done)
	}(p.cmd, p.done)
	deadline := time.After(2 * time.Minute)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-p.done:
			return fmt.Errorf("up ended: %s\n%s", p.cmd.ProcessState, p.log)
		case <-deadline:
			return fmt.Errorf("up is not ready\n%s", p.log)
		case <-poll.C:
			if _, err := p.Endpoints(); err == nil {
				return nil
			}
		}
	}
}

// Running reports whether it was started and has not ended.
func (p *Platform) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return p.cmd != nil
	}
}

// Stop interrupts the platform as Ctrl-C does and waits for its end.
func (p *Platform) Stop() error {
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

// KillAll ends every process of the platform with SIGKILL, the supervisor first, so that nothing can clean up.
func (p *Platform) KillAll() error {
	e, err := p.Endpoints()
	if err != nil {
		return err
	}
	_ = p.cmd.Process.Kill()
	<-p.done
	for _, pid := range e.PID {
		_ = syscall.Kill(pid, syscall.SIGKILL) // its parent's end may have taken it along
	}
	return nil
}

// Endpoints reads endpoints.json.
func (p *Platform) Endpoints() (Endpoints, error) {
	var e Endpoints
	data, err := os.ReadFile(p.path("endpoints.json"))
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(data, &e)
}

// Environment reads a variable of platform.env.
func (p *Platform) Environment(variable string) (string, error) {
	data, err := os.ReadFile(p.path("platform.env"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), variable+"="); ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("%s is not in platform.env", variable)
}

// Key returns one institution's API key.
func (p *Platform) Key() (string, error) {
	data, err := os.ReadFile(p.path("keys.json"))
	if err != nil {
		return "", err
	}
	var keys map[string]string
	if err := json.Unmarshal(data, &keys); err != nil {
		return "", err
	}
	for _, key := range keys {
		return key, nil
	}
	return "", errors.New("no demo institution has a key")
}

// Ended is a command that has ended.
type Ended struct {
	Stdout, Stderr []byte
	Code           int
}

// Command starts a loanops command on the platform; the returned function waits for its end.
func (p *Platform) Command(args ...string) (func() Ended, error) {
	cmd := exec.Command(filepath.Join(p.Bin, "loanops"), append(args, "--state", p.State)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() Ended {
		_ = cmd.Wait() // the exit code says it
		return Ended{stdout.Bytes(), stderr.Bytes(), cmd.ProcessState.ExitCode()}
	}, nil
}

// JSON runs a loanops command with --output json and decodes what it says; another exit code than 0 is an error.
func (p *Platform) JSON(v any, args ...string) error {
	wait, err := p.Command(append(args, "--output", "json")...)
	if err != nil {
		return err
	}
	ended := wait()
	if ended.Code != 0 {
		return fmt.Errorf("loanops %s: exit %d\n%s%s", strings.Join(args, " "), ended.Code, ended.Stdout, ended.Stderr)
	}
	return json.Unmarshal(ended.Stdout, v)
}

// Examples are applications that the version (a number or an alias) accepts: at least one.
func (p *Platform) Examples(model, version string) ([]map[string]any, error) {
	dir, err := os.MkdirTemp("", "loanops-example-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var shown json.RawMessage
	if err := p.JSON(&shown, "models", "show", model, version, "--save", dir); err != nil {
		return nil, err
	}
	return Golden(dir)
}

// Golden are the applications of a version's golden predictions, which were saved in a folder: at least one.
func Golden(dir string) ([]map[string]any, error) {
	data, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err != nil {
		return nil, err
	}
	var golden struct {
		Rows []struct {
			Application map[string]any `json:"application"`
		} `json:"rows"`
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		return nil, err
	}
	if len(golden.Rows) == 0 {
		return nil, fmt.Errorf("%s: there are no golden rows", dir)
	}
	var applications []map[string]any
	for _, row := range golden.Rows {
		applications = append(applications, row.Application)
	}
	return applications, nil
}

func (p *Platform) path(parts ...string) string {
	return filepath.Join(append([]string{p.State}, parts...)...)
}
