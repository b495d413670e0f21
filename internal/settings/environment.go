package settings

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// PlatformEnv is the file in a state folder that holds a running platform's environment, readable by its owner only.
const PlatformEnv = "platform.env"

// fields pairs every variable with its place.
func (s *Settings) fields() []struct {
	name  string
	value *string
} {
	return []struct {
		name  string
		value *string
	}{
		{"LOANOPS_DATABASE", &s.Database}, {"LOANOPS_BUCKET", &s.Bucket}, {"LOANOPS_WORK_DIR", &s.WorkDir}, {"LOANOPS_BIN_DIR", &s.BinDir},
		{"LOANOPS_TERRAFORM", &s.Terraform}, {"LOANOPS_AGENT", &s.Agent}, {"LOANOPS_AGENT_TOKEN_FILE", &s.AgentTokenFile},
		{"LOANOPS_ROLLBACK_TOKEN_FILE", &s.RollbackTokenFile}, {"LOANOPS_GATEWAY", &s.Gateway}, {"LOANOPS_SYNTHETIC_KEY_FILE", &s.SyntheticKeyFile},
	}
}

// FromEnvironment reads the LOANOPS_* variables. Missing ones are all named in one fault.Invalid.
func FromEnvironment() (Settings, error) {
	s := read()
	if s.Terraform == "" {
		s.Terraform, _ = FindTerraform()
	}
	return s, s.require()
}

// ForAgent reads the few variables that the deployment agent needs: it gets no way into the database.
func ForAgent() (Settings, error) {
	s := read()
	return s, s.require("LOANOPS_BUCKET", "LOANOPS_WORK_DIR", "LOANOPS_BIN_DIR", "LOANOPS_AGENT_TOKEN_FILE", "LOANOPS_ROLLBACK_TOKEN_FILE")
}

func read() Settings {
	var s Settings
	for _, f := range s.fields() {
		*f.value = os.Getenv(f.name)
	}
	if s.BinDir == "" {
		if program, err := os.Executable(); err == nil {
			s.BinDir = filepath.Dir(program)
		}
	}
	return s
}

// require names what is not set of the named variables, or of all when none is named.
func (s *Settings) require(names ...string) error {
	var missing []string
	for _, f := range s.fields() {
		if *f.value == "" && (len(names) == 0 || slices.Contains(names, f.name)) {
			missing = append(missing, f.name)
		}
	}
	if len(missing) > 0 {
		return fault.New(fault.Invalid, "these variables are not set: %s; see docs/reference.md, or start the platform with `loanops up`", strings.Join(missing, ", "))
	}
	return nil
}

// FindTerraform returns terraform, else tofu, on PATH.
func FindTerraform() (string, error) {
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return filepath.Abs(path)
		}
	}
	return "", fault.New(fault.NotFound, "neither terraform nor tofu is on PATH")
}

// Environ returns the variables as NAME=value.
func (s Settings) Environ() []string {
	var environ []string
	for _, f := range s.fields() {
		environ = append(environ, f.name+"="+*f.value)
	}
	return environ
}

// FromState takes the environment of the platform that runs on the state folder into this process, without replacing what is
// set, and returns its settings. Without a platform it is that of the environment alone, or a fault.NotFound.
func FromState(dir string) (Settings, error) {
	file, err := os.Open(filepath.Join(dir, PlatformEnv))
	if errors.Is(err, os.ErrNotExist) {
		if s, err := FromEnvironment(); err == nil {
			return s, nil
		}
		return Settings{}, fault.New(fault.NotFound, "no platform runs on %s; start one with `loanops up --state %s`, or set the LOANOPS_* variables", dir, dir)
	}
	if err != nil {
		return Settings{}, fault.Wrap(fault.Unavailable, err, "the platform's environment")
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), "=")
		if _, set := os.LookupEnv(name); ok && !set {
			if err := os.Setenv(name, value); err != nil {
				return Settings{}, fault.Wrap(fault.Internal, err, "environment")
			}
		}
	}
	if err := lines.Err(); err != nil {
		return Settings{}, fault.Wrap(fault.Unavailable, err, "the platform's environment")
	}
	return FromEnvironment()
}
