package settings

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/loanops/loanops/internal/fault"
)

// PlatformEnv is the file in a state folder that holds a running platform's environment, readable by its owner only.
const PlatformEnv = "platform.env"

// Environment is a set of variables by name. A platform's reaches the clients of Temporal and S3 by value: written into the process's
// own, its secrets would be inherited by whatever the process starts.
type Environment map[string]string

// NewEnvironment takes lines of NAME=value; the first of a name counts.
func NewEnvironment(lines ...string) Environment {
	e := Environment{}
	for _, line := range lines {
		if name, value, ok := strings.Cut(line, "="); ok {
			if _, taken := e[name]; !taken {
				e[name] = value
			}
		}
	}
	return e
}

// LookupEnv is os.LookupEnv of this environment.
func (e Environment) LookupEnv(name string) (string, bool) {
	value, ok := e[name]
	return value, ok
}

// Environ is os.Environ of this environment, sorted.
func (e Environment) Environ() []string {
	lines := make([]string, 0, len(e))
	for name, value := range e {
		lines = append(lines, name+"="+value)
	}
	slices.Sort(lines)
	return lines
}

// ForWorker reads what a worker of the roles needs.
func ForWorker(roles ...string) (Settings, error) {
	for _, role := range roles {
		if !slices.Contains(WorkerRoles(), role) {
			return Settings{}, fault.New(fault.Invalid, "a worker has no role %q; its roles are %s", role, strings.Join(WorkerRoles(), ", "))
		}
	}
	return read(NewEnvironment(os.Environ()...), roles...)
}

// ForDesk reads what a person's own machine has; nothing is needed.
func ForDesk() (Settings, error) { return read(NewEnvironment(os.Environ()...)) }

// ForAgent reads what the deployment agent needs.
func ForAgent() (Settings, error) { return read(NewEnvironment(os.Environ()...), Agent) }

// ForHooks reads what the receiver of pushes needs.
func ForHooks() (Settings, error) { return read(NewEnvironment(os.Environ()...), Hooks) }

// FromState reads what a person's command needs: from this process's environment, and what is not set there from that of the
// platform that runs on the state folder. It is a fault.NotFound when there is neither.
func FromState(dir string) (Settings, error) { return fromState(dir, Operator) }

// LedgerFromState reads, as FromState does, what a command for the ledger needs.
func LedgerFromState(dir string) (Settings, error) { return fromState(dir, Ledger) }

// FeaturesFromState reads, as FromState does, what a command for the feature store needs, which is its database alone.
func FeaturesFromState(dir string) (Settings, error) { return fromState(dir, Features) }

// PackageFromState reads, as FromState does, what a command needs that packs programs. It needs no platform.
func PackageFromState(dir string) (Settings, error) {
	environment, err := stateEnvironment(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Settings{}, err
	}
	return read(environment, Package)
}

// stateEnvironment is this process's environment, and what is not set there from that of the platform on the state folder.
func stateEnvironment(dir string) (Environment, error) {
	data, err := os.ReadFile(filepath.Join(dir, PlatformEnv))
	return NewEnvironment(slices.Concat(os.Environ(), strings.Split(string(data), "\n"))...), fault.Wrap(fault.Unavailable, err, "the platform's environment")
}

func fromState(dir, role string) (Settings, error) {
	environment, err := stateEnvironment(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Settings{}, err
	}
	s, invalid := read(environment, role)
	if errors.Is(err, os.ErrNotExist) && s.Database == "" && s.FeaturesDatabase == "" {
		return Settings{}, fault.New(fault.NotFound, "no platform runs on %s; start one with `loanops up --state %s`, or set the LOANOPS_* variables", dir, dir)
	}
	return s, invalid
}

// read takes the settings from the environment and checks that those of the roles are there.
func read(environment Environment, roles ...string) (Settings, error) {
	s, err := env.ParseAsWithOptions[Settings](env.Options{Environment: environment})
	if err != nil {
		return Settings{}, fault.Wrap(fault.Invalid, err, "the LOANOPS_* variables")
	}
	s.Environment = environment
	if s.BinDir == "" {
		if program, err := os.Executable(); err == nil {
			s.BinDir = filepath.Dir(program)
		}
	}
	if s.Terraform == "" && among([]string{Deliver, Package}, roles) {
		s.Terraform, _ = FindTerraform() // where there is none, it is named with what else is missing
	}
	return s, s.require(roles...)
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
