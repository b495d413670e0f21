// Package script takes infra/compose/upgrade.sh through what can happen to it, with an engine that only pretends.
package script

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/stretchr/testify/require"
)

// ours are the services that run programs of this project.
var ours = []string{"features", "agent", "gateway", "worker", "hooks"}

// The engine and Compose of the tests of upgrade.sh are this program, called as docker, on a file with what there is.
const pretendVariable = "PRETEND_DOCKER"

func TestMain(m *testing.M) {
	if path := os.Getenv(pretendVariable); path != "" {
		os.Exit(pretend(path, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// pretended is what an engine has.
type pretended struct {
	Made       int                   `json:"made"` // containers so far
	Containers map[string]*container `json:"containers"`
	// Commit is the one that images and the file are of. Starts says what becomes of a container of a service and commit, SERVICE@COMMIT: running without it.
	Commit string            `json:"commit"`
	Starts map[string]string `json:"starts"`
	// Current is the build on which runs begin. Promote is the code with which that command ends, after it made the build current where Lost says that only
	// the reply is lost; Interrupted is the command that an interruption ends.
	Current     string `json:"current"`
	Promote     int    `json:"promote"`
	Lost        bool   `json:"lost"`
	Interrupted string `json:"interrupted"`
	// Ended says that an agent was told to end, and has ended its predictors.
	Ended bool `json:"ended"`
}

// container is one of a service, of the commit that it was made of.
type container struct{ Service, Commit, State string }

func (p *pretended) of(service string) (ids []string) {
	for id, c := range p.Containers {
		if c.Service == service {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// pretend does what a command of Docker does, as far as upgrade.sh needs it, and returns its exit code.
func pretend(path string, args []string) (code int) {
	var p pretended
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 99
	}
	defer func() {
		if data, err = json.Marshal(p); err == nil {
			err = os.WriteFile(path, data, 0o600)
		}
		if err != nil {
			code = 99
		}
	}()
	last := args[len(args)-1]
	has := func(arg string) bool { return slices.Contains(args, arg) }
	switch {
	case p.Interrupted != "" && strings.Contains(strings.Join(args, " "), p.Interrupted):
		return 130
	case has("build") && has("compose"):
	case has("--hash"):
		fmt.Println(last, "file-of-"+p.Commit)
	case has("--services"):
		fmt.Println(strings.Join(ours, "\n"))
	case has("ps"):
		for _, id := range p.of(last) {
			if has("--all") || p.Containers[id].State != "exited" {
				fmt.Println(id)
			}
		}
	case has("up"):
		p.up(last, args)
	case has("kill"):
		for _, id := range p.of(last) {
			p.Containers[id].State = "exited"
		}
	case has("promote"):
		if p.Promote == 0 || p.Lost {
			p.Current = last
		}
		return p.Promote
	case has("drain"):
		if build := args[slices.Index(args, "drain")+1]; build == p.Current {
			return 3
		}
	case has("image"):
		fmt.Println("image-of-" + p.Commit)
	case has("inspect"):
		return p.inspect(last, args[slices.Index(args, "--format")+1])
	case args[0] == "exec":
		c := p.Containers[args[1]]
		if c.State == "exited" {
			return 1
		}
		fmt.Println("build-of-" + c.Commit)
	case args[0] == "stop":
		for _, id := range args[3:] {
			p.Containers[id].State = "exited"
		}
	case args[0] == "rm":
		for _, id := range args[1:] {
			delete(p.Containers, id)
		}
	case args[0] == "logs":
	default:
		fmt.Fprintln(os.Stderr, "docker", args, "is not known here")
		return 98
	}
	return 0
}

// up makes as many containers as there are to be, and starts those that have ended.
func (p *pretended) up(service string, args []string) {
	wanted := 1
	if at := slices.Index(args, "--scale"); at >= 0 {
		_, _ = fmt.Sscanf(strings.TrimPrefix(args[at+1], service+"="), "%d", &wanted) // upgrade.sh writes numbers
	}
	for _, id := range p.of(service) {
		c := p.Containers[id]
		if !slices.Contains(args, "--no-recreate") && c.Commit != p.Commit {
			p.Ended = p.Ended || service == "agent" && c.State != "exited"
			delete(p.Containers, id)
		} else if c.State == "exited" {
			c.State = p.begins(service, c.Commit)
		}
	}
	for len(p.of(service)) < wanted {
		p.Made++
		p.Containers[fmt.Sprintf("c%02d", p.Made)] = &container{service, p.Commit, p.begins(service, p.Commit)}
	}
	for _, id := range p.of(service)[wanted:] {
		delete(p.Containers, id)
	}
}

func (p *pretended) begins(service, commit string) string {
	if state := p.Starts[service+"@"+commit]; state != "" {
		return state
	}
	return "running"
}

func (p *pretended) inspect(id, format string) int {
	type health struct{ Status string }
	c := p.Containers[id]
	var seen struct {
		Image  string
		Config struct {
			Image  string
			Labels map[string]string
		}
		State struct {
			Status string
			Health *health
		}
	}
	seen.Image, seen.Config.Image = "image-of-"+c.Commit, c.Service
	seen.Config.Labels = map[string]string{"com.docker.compose.config-hash": "file-of-" + c.Commit}
	seen.State.Status = c.State
	if c.Service != "worker" {
		seen.State.Health = &health{"healthy"}
		if c.State == "unhealthy" {
			seen.State.Status, seen.State.Health.Status = "running", c.State
		}
	}
	if err := template.Must(template.New("").Parse(format+"\n")).Execute(os.Stdout, seen); err != nil {
		return 97
	}
	return 0
}

// script is upgrade.sh in a folder of its own, and what it has to do with.
type script struct {
	t   *testing.T
	dir string
	pretended
}

// newScript has a platform of the old commit that runs, with three workers, where the new one is checked out.
func newScript(t *testing.T) *script {
	s := &script{t: t, dir: t.TempDir(), pretended: pretended{Commit: "new", Current: "build-of-old", Containers: map[string]*container{}, Starts: map[string]string{}}}
	text, err := os.ReadFile("../../../infra/compose/upgrade.sh")
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(s.dir, "infra/compose"), 0o700))
	for name, content := range map[string]string{"infra/compose/upgrade.sh": string(text), "infra/compose/secrets.sh": "#!/bin/sh\nmkdir -p infra/compose/secrets\n", "docker-compose.yml": "name: of tests\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o700)) //nolint:gosec // scripts
	}
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(s.dir, "docker")))
	for _, service := range slices.Concat(ours, []string{"worker", "worker"}) {
		s.Made++
		s.Containers[fmt.Sprintf("c%02d", s.Made)] = &container{service, "old", "running"}
	}
	return s
}

// upgrade runs the script, and returns what it said and whether it succeeded.
func (s *script) upgrade() (said string, ok bool) {
	s.t.Helper()
	state := filepath.Join(s.dir, "state.json")
	data, err := json.Marshal(s.pretended)
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(state, data, 0o600))
	c := exec.CommandContext(s.t.Context(), "sh", "infra/compose/upgrade.sh")
	c.Dir, c.Env = s.dir, append(os.Environ(), pretendVariable+"="+state, "PATH="+s.dir+":"+os.Getenv("PATH"), "UPGRADE_LIMIT=1", "DOCKER_COMPOSE=docker compose")
	out, err := c.CombinedOutput()
	require.NotContains(s.t, string(out), "not known here")
	data, readErr := os.ReadFile(state)
	require.NoError(s.t, readErr)
	s.pretended = pretended{}
	require.NoError(s.t, json.Unmarshal(data, &s.pretended))
	require.False(s.t, s.Ended, "an agent was told to end: %s", out)
	return string(out), err == nil
}

// runs are the services' containers: their commits, and how they are where they do not run.
func (s *script) runs(service string) (all []string) {
	for _, id := range s.of(service) {
		c := s.Containers[id]
		all = append(all, strings.TrimSuffix(c.Commit+" "+c.State, " running"))
	}
	return all
}

func (s *script) requireUpgraded() {
	s.t.Helper()
	said, ok := s.upgrade()
	require.True(s.t, ok, said)
	for _, service := range ours {
		if service == "worker" {
			require.Equal(s.t, []string{"new", "new", "new"}, s.runs(service))
		} else {
			require.Equal(s.t, []string{"new"}, s.runs(service), service)
		}
	}
	require.Equal(s.t, "build-of-new", s.Current)
}

func TestAnUpgrade(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.requireUpgraded()
	made := s.Made
	said, ok := s.upgrade()
	require.True(t, ok)
	require.Equal(t, 5, strings.Count(said, "nothing to do"), said)
	require.Equal(t, made, s.Made)
	s.Commit = "old"
	said, ok = s.upgrade() // the way back
	require.True(t, ok, said)
	require.Equal(t, []string{"old", "old", "old"}, s.runs("worker"))
	require.Equal(t, "build-of-old", s.Current)
}

// An upgrade that mends what does not run any more must not wait for that.
func TestAnUpgradeOfWhatIsNotWell(t *testing.T) {
	t.Parallel()
	for service, states := range map[string][]string{"features": {"exited"}, "agent": {"unhealthy"}, "gateway": {"exited", "unhealthy"}, "worker": {"exited"}, "hooks": {"unhealthy"}} {
		for _, state := range states {
			t.Run(service+" "+state, func(t *testing.T) {
				t.Parallel()
				s := newScript(t)
				s.Containers[s.of(service)[0]].State = state
				s.Starts[service+"@old"] = "exited"
				s.requireUpgraded()
			})
		}
	}
}

// What does not become well goes again, and what ran before goes on. The same command, once the fault is mended, does the rest.
func TestAnUpgradeThatDoesNotBecomeWell(t *testing.T) {
	t.Parallel()
	for service, states := range map[string][]string{"features": {"unhealthy"}, "agent": {"exited"}, "gateway": {"exited", "unhealthy"}, "worker": {"exited"}, "hooks": {"unhealthy"}} {
		for _, state := range states {
			t.Run(service+" "+state, func(t *testing.T) {
				t.Parallel()
				s := newScript(t)
				before := s.runs(service)
				s.Starts[service+"@new"] = state
				said, ok := s.upgrade()
				require.False(t, ok, said)
				require.Contains(t, said, "the new "+service+" did not become well")
				if service != "agent" && service != "hooks" { // of which there is one at a time
					require.Equal(t, before, s.runs(service))
				}
				said, ok = s.upgrade()
				require.False(t, ok, "nothing is done: %s", said)
				delete(s.Starts, service+"@new")
				for _, id := range s.of(service) {
					if c := s.Containers[id]; c.Commit == "new" && c.State == "unhealthy" {
						c.State = "running"
					}
				}
				s.requireUpgraded()
			})
		}
	}
}

// A build that is refused never was the one on which runs begin: its workers go. Of one whose promotion went wrong otherwise nobody knows: they stay, for runs
// may begin on it.
func TestTheTrialOfAnUpgrade(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.Promote = 3
	said, ok := s.upgrade()
	require.False(t, ok)
	require.Contains(t, said, "did not pass its trial")
	require.Equal(t, []string{"old", "old", "old"}, s.runs("worker"))
	require.Equal(t, []string{"new"}, s.runs("gateway"))

	for _, lost := range []bool{true, false} {
		s = newScript(t)
		s.Promote, s.Lost = 5, lost
		said, ok = s.upgrade()
		require.False(t, ok)
		require.Contains(t, said, "repeat this")
		require.Equal(t, []string{"old", "old", "old", "new", "new", "new"}, s.runs("worker"))
		s.Promote = 0
		s.requireUpgraded()
	}
}

// Where the new workers are there and nothing begins on their build, as after a promotion that was begun and undone, it is tried all the same.
func TestAnUpgradeWhoseWorkersAreThere(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	s.requireUpgraded()
	s.Current = "build-of-another"
	s.requireUpgraded()
	s.Current, s.Promote = "build-of-another", 3
	said, ok := s.upgrade()
	require.False(t, ok)
	require.Contains(t, said, "did not pass its trial")
	require.Equal(t, []string{"new", "new", "new"}, s.runs("worker"))
}

// It may be interrupted anywhere, and something may end meanwhile: the same command does the rest.
func TestAnUpgradeThatIsInterrupted(t *testing.T) {
	t.Parallel()
	for at, crashes := range map[string][]bool{
		"compose build": {false}, "up --detach": {false}, "kill agent": {true}, "workers promote": {false}, "workers drain": {false, true}, "stop --time": {true}, "rm c": {false}, "exec c": {false},
	} {
		for _, crashed := range crashes {
			t.Run(fmt.Sprint(at, crashed), func(t *testing.T) {
				t.Parallel()
				s := newScript(t)
				s.Interrupted = at
				said, ok := s.upgrade()
				require.False(t, ok, said)
				s.Interrupted = ""
				for _, service := range ours {
					for _, id := range s.of(service) {
						if crashed && s.Containers[id].Commit == "old" { // and does not start any more, as where the database is of the new one
							s.Starts[service+"@old"], s.Containers[id].State = "exited", "exited"
						}
					}
				}
				s.requireUpgraded()
			})
		}
	}
}

// Where one that was interrupted is followed by one to a later commit, there are not more containers afterwards than before.
func TestAnUpgradeAfterOneThatWasNotFinished(t *testing.T) {
	t.Parallel()
	for service, at := range map[string]string{"features": "stop --time", "gateway": "stop --time", "worker": "workers drain"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			s := newScript(t)
			s.Interrupted = at
			if service == "gateway" {
				s.Containers[s.of("features")[0]].Commit = "new"
			}
			_, ok := s.upgrade()
			require.False(t, ok)
			s.Interrupted, s.Commit = "", "newer"
			said, ok := s.upgrade()
			require.True(t, ok, said)
			require.Equal(t, map[string][]string{"features": {"newer"}, "gateway": {"newer"}, "worker": {"newer", "newer", "newer"}}[service], s.runs(service))
		})
	}
}

// That Compose does not tell of containers is not that there are none.
func TestAnUpgradeThatDoesNotLearnWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, service := range ours {
		s := newScript(t)
		before := s.runs(service)
		s.Interrupted = "ps --all --quiet " + service
		said, ok := s.upgrade()
		require.False(t, ok, said)
		require.Equal(t, before, s.runs(service))
	}
}

func TestOneUpgradeAtATime(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("flock"); err != nil {
		t.Skip("there is no flock, and so no lock")
	}
	s := newScript(t)
	require.NoError(t, os.Mkdir(filepath.Join(s.dir, "infra/compose/secrets"), 0o700))
	lock := exec.CommandContext(t.Context(), "flock", "infra/compose/secrets", "sh", "-c", "echo; cat")
	lock.Dir = s.dir
	in, err := lock.StdinPipe()
	require.NoError(t, err)
	out, err := lock.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, lock.Start())
	_, err = out.Read(make([]byte, 1))
	require.NoError(t, err)
	said, ok := s.upgrade()
	require.False(t, ok)
	require.Contains(t, said, "another upgrade goes on")
	require.NoError(t, in.Close())
	require.NoError(t, lock.Wait())
	s.requireUpgraded()
}
