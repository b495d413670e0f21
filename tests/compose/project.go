package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/port"
	"github.com/loanops/loanops/tests/compose/engine"
	"github.com/loanops/loanops/tests/platformtest"
)

// project is a clone of the commit, and what Compose makes of its file, under a name and on ports of its own.
type project struct {
	dir, clone, name string
	command          []string
	environment      []string
	commit           string

	gateway, features, hooks, ui string // base URLs
}

// newProject clones the commit that is checked out.
func newProject(ctx context.Context, repository string, command []string) (*project, error) {
	dir, err := os.MkdirTemp("", "loanops-compose-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // containers have users of their own
		return nil, err
	}
	ports, err := port.Choose(make([]int, 4)...)
	if err != nil {
		return nil, err
	}
	p := &project{dir: dir, clone: filepath.Join(dir, "loanops"), name: fmt.Sprintf("loanops-test-%d", os.Getpid()), command: command}
	if err := engine.Run(ctx, ".", nil, "git", "clone", "--quiet", "--no-hardlinks", repository, p.clone); err != nil {
		return nil, err
	}
	commit, err := engine.Output(ctx, p.clone, nil, "git", "rev-parse", "HEAD")
	if err != nil {
		return nil, err
	}
	p.commit = strings.TrimSpace(commit)
	p.environment = []string{"LOANOPS_REVISION=" + p.commit, "LOANOPS_PREDICTORS=" + p.predictors(), "LOANOPS_TAG=" + p.name}
	for i, of := range []struct {
		variable string
		url      *string
	}{{"LOANOPS_GATEWAY_PORT", &p.gateway}, {"LOANOPS_FEATURES_PORT", &p.features}, {"LOANOPS_HOOKS_PORT", &p.hooks}, {"LOANOPS_WEB_UI_PORT", &p.ui}} {
		p.environment = append(p.environment, fmt.Sprintf("%s=%d", of.variable, ports[i]))
		*of.url = fmt.Sprintf("http://127.0.0.1:%d", ports[i])
	}
	return p, nil
}

// predictors is the name of their network.
func (p *project) predictors() string { return p.name + "_predictors" }

// compose runs Docker Compose in the clone, and returns what it printed.
func (p *project) compose(ctx context.Context, args ...string) (string, error) {
	return engine.Output(ctx, p.clone, p.environment, append(append(append([]string{}, p.command...), "--project-name", p.name), args...)...)
}

// cli runs the operator's command as a service, and decodes the JSON that it prints into v, unless that is nil.
func (p *project) cli(ctx context.Context, v any, args ...string) error {
	said, err := p.compose(ctx, append(append([]string{"run", "--rm", "--no-TTY", "--no-deps", "cli"}, args...), "--output", "json")...)
	if err != nil || v == nil {
		return err
	}
	if err := json.Unmarshal([]byte(said), v); err != nil {
		return fmt.Errorf("loanops %s: %w\n%s", strings.Join(args, " "), err, said)
	}
	return nil
}

// containers are a service's, by their IDs, those that have ended as well.
func (p *project) containers(ctx context.Context, service string) ([]string, error) {
	said, err := p.compose(ctx, "ps", "--all", "--quiet", service)
	return strings.Fields(said), err
}

// state is what the engine says of a container.
type state struct {
	Status    string
	Pid       int
	StartedAt time.Time
	Health    *struct{ Status string }
}

// well reports whether it runs, and says so itself where it has a health check.
func (s state) well() bool {
	return s.Status == "running" && (s.Health == nil || s.Health.Status == "healthy")
}

func inspect(ctx context.Context, container string) (s state, err error) {
	said, err := engine.Output(ctx, ".", nil, "docker", "inspect", "--format", "{{json .State}}", container)
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(said), &s)
}

// unwell are the services that should run and do not, or say that they are not well.
func (p *project) unwell(ctx context.Context) ([]string, error) {
	services, err := p.compose(ctx, "config", "--services")
	if err != nil {
		return nil, err
	}
	said, err := p.compose(ctx, "ps", "--all", "--format", "{{.Service}} {{.State}} {{.Health}} {{.ExitCode}}")
	return unwell(strings.Fields(services), said), err
}

// unwell reads what Compose says of containers, a line each: their service, state, health where they say that, and exit code.
func unwell(services []string, said string) (unwell []string) {
	there := map[string]bool{}
	for line := range strings.Lines(said) {
		fields := strings.Fields(line)
		there[fields[0]] = true
		once := len(fields) == 3 && fields[1] == "exited" && fields[2] == "0" && strings.HasPrefix(fields[0], "temporal-") // set-up
		well := len(fields) > 2 && fields[1] == "running" && (len(fields) == 3 || fields[2] == "healthy")
		if !once && !well {
			unwell = append(unwell, strings.TrimSpace(line))
		}
	}
	for _, service := range services {
		if !there[service] {
			unwell = append(unwell, service+" is not there")
		}
	}
	return unwell
}

// predictorIDs are the predictors that run, by their containers' IDs.
func (p *project) predictorIDs(ctx context.Context) ([]string, error) {
	said, err := engine.Output(ctx, ".", nil, "docker", "ps", "--no-trunc", "--quiet", "--filter", "label=dev.loanops.network="+p.predictors())
	return strings.Fields(said), err
}

// down takes the project's containers and networks away; with volumes nothing of them is left.
func (p *project) down(ctx context.Context, volumes bool) error {
	args := []string{"--profile", "*", "down", "--remove-orphans"}
	if volumes {
		args = append(args, "--volumes")
	}
	_, err := p.compose(ctx, args...)
	return err
}

// remove leaves nothing, also when the test was interrupted.
func (p *project) remove() error {
	platformtest.Say("taking the project away")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	// An agent that was killed has left its predictors.
	left, err := engine.Output(ctx, ".", nil, "docker", "ps", "--all", "--quiet", "--filter", "label=dev.loanops.network="+p.predictors())
	for container := range strings.FieldsSeq(left) {
		err = errors.Join(err, engine.Run(ctx, ".", nil, "docker", "rm", "--force", container))
	}
	err = errors.Join(err, p.down(ctx, true), os.RemoveAll(p.dir))
	for _, image := range []string{"loanops", "loanops-api", "loanops-worker"} { // of this project's own tag
		err = errors.Join(err, engine.Run(ctx, ".", nil, "docker", "image", "rm", image+":"+p.name))
	}
	return err
}

// logs are the last lines of all services, as an error, for whoever looks at what failed.
func (p *project) logs() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	states, _ := p.compose(ctx, "ps", "--all")                        // as far as they
	said, err := p.compose(ctx, "logs", "--no-color", "--tail", "15") // can be had
	return errors.Join(fmt.Errorf("the services at that time:\n%s\n%s", states, said), err)
}

// secret is what secrets.sh put into a file.
func (p *project) secret(name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(p.clone, "infra", "compose", "secrets", name))
	return strings.TrimSpace(string(content)), err
}
