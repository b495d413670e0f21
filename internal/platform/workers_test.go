package platform

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/workers"
)

// otherWorker is a worker's program of another build than that of the programs' folder.
func otherWorker(t *testing.T, bin string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(bin, workerProgram))
	require.NoError(t, err)
	program := filepath.Join(t.TempDir(), "another")
	require.NoError(t, file.Write(program, fmt.Appendf(text, "# changed\n"), 0o700))
	return program
}

func TestAProgramIsKeptOnceAndWhole(t *testing.T) {
	bin, state := programs(t, workerProgram), t.TempDir()
	build, err := KeepWorker(state, filepath.Join(bin, workerProgram))
	require.NoError(t, err)
	kept := filepath.Join(state, keptWorkers, build, workerProgram)
	require.FileExists(t, kept)
	before, err := os.Stat(filepath.Dir(kept))
	require.NoError(t, err)
	again, err := KeepWorker(state, filepath.Join(bin, workerProgram))
	require.NoError(t, err)
	require.Equal(t, build, again)
	after, err := os.Stat(filepath.Dir(kept))
	require.NoError(t, err)
	require.Equal(t, before.ModTime(), after.ModTime(), "it is there since then")

	require.NoError(t, file.Write(kept, []byte("half of it"), 0o700))
	_, err = KeepWorker(state, filepath.Join(bin, workerProgram))
	require.NoError(t, err)
	whole, err := workers.BuildOf(kept)
	require.NoError(t, err)
	require.Equal(t, build, whole, "a damaged one is replaced")

	_, err = KeepWorker(state, filepath.Join(bin, "gone"))
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.Equal(t, fault.NotFound, fault.CodeOf(Running(state)))
}

// cluster says what Temporal would of the builds.
type cluster struct {
	mu       sync.Mutex
	versions []workers.Version
	asked    int
}

// looks waits until the platform has asked twice more: it has done then what it does about what it heard.
func (c *cluster) looks(t *testing.T) {
	t.Helper()
	now := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.asked
	}
	before := now()
	s := &service{name: "two looks"}
	require.NoError(t, s.await(t.Context(), func() bool { return now() >= before+2 }))
}

func (c *cluster) set(versions ...workers.Version) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.versions = versions
}

func (c *cluster) list(context.Context) ([]workers.Version, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	return c.versions, nil
}

// A worker of another build is started beside the platform's own, comes back with the platform, and ends when it is drained; so does the platform's own
// when it is the old one.
func TestWorkersOfSeveralBuilds(t *testing.T) {
	cleanEnvironment(t)
	bin, state := programs(t, "loanops-devserver", "loanops", "loanops-worker", "loanops-api"), t.TempDir()
	cfg := Config{State: state, BinDir: bin, Predictor: predictor(t), Pipeline: "cards", Say: (&heard{}).say}
	temporal := &cluster{}
	live := func() (*Platform, func()) {
		p, err := Start(t.Context(), cfg)
		require.NoError(t, err)
		require.NoError(t, p.Announce())
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			p.KeepWorkers(ctx, temporal.list)
			close(ended)
		}()
		return p, func() {
			cancel()
			<-ended
			p.Stop()
		}
	}
	p, stop := live()
	own := p.Build
	require.NoError(t, Running(state))
	build, err := KeepWorker(state, otherWorker(t, bin))
	require.NoError(t, err)
	require.NotEqual(t, own, build)
	started := published(t, state, func(e Endpoints) bool { return e.PID["worker-"+build] != 0 })
	require.True(t, alive(started.PID["worker-"+build]))
	stop()
	require.False(t, alive(started.PID["worker-"+build]))

	_, stop = live()
	defer func() { stop() }()
	again := published(t, state, func(e Endpoints) bool { return e.PID["worker-"+build] != 0 })

	// What is said of a time before the program was kept is not said of it: somebody goes back to that build.
	long, soon := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	temporal.set(
		workers.Version{Build: own, Status: workers.Drained, Since: long},
		workers.Version{Build: build, Status: workers.Current},
	)
	temporal.looks(t)
	same := published(t, state, func(Endpoints) bool { return true })
	require.Equal(t, again.PID, same.PID)

	temporal.set(
		workers.Version{Build: own, Status: workers.Drained, Since: soon, Runs: []workers.Run{{Workflow: "just-moved-to-it"}}},
		workers.Version{Build: build, Status: workers.Current, Since: soon},
	)
	temporal.looks(t)
	require.True(t, alive(again.PID["worker"]), "a run goes on on it")

	temporal.set(workers.Version{Build: own, Status: workers.Drained, Since: soon}, workers.Version{Build: build, Status: workers.Current, Since: soon})
	last := published(t, state, func(e Endpoints) bool { return e.PID["worker"] == 0 })
	require.False(t, alive(again.PID["worker"]))
	require.True(t, alive(last.PID["worker-"+build]))
	require.NoDirExists(t, filepath.Join(state, keptWorkers, own))
	stop()

	_, stop = live()
	both := published(t, state, func(e Endpoints) bool { return e.PID["worker"] != 0 && e.PID["worker-"+build] != 0 })
	require.NoError(t, DropWorker(state, build))
	published(t, state, func(e Endpoints) bool { return e.PID["worker-"+build] == 0 })
	require.False(t, alive(both.PID["worker-"+build]), "somebody has no use for it any more")
	require.True(t, alive(both.PID["worker"]))
}

// A program that is not what its folder says would end runs on other code than they began with.
func TestADamagedProgramIsNotStarted(t *testing.T) {
	cleanEnvironment(t)
	bin, state := programs(t, "loanops-devserver", "loanops", "loanops-worker", "loanops-api"), t.TempDir()
	build, err := KeepWorker(state, otherWorker(t, bin))
	require.NoError(t, err)
	kept := filepath.Join(state, keptWorkers, build, workerProgram)
	require.NoError(t, file.Write(kept, []byte("#!/bin/sh\nexit 0\n"), 0o700))
	said := &heard{}
	p, err := Start(t.Context(), Config{State: state, BinDir: bin, Predictor: predictor(t), Pipeline: "cards", Say: said.say})
	require.NoError(t, err)
	defer p.Stop()
	require.NoError(t, p.Announce())
	require.NotContains(t, p.Endpoints().PID, "worker-"+build)
	require.Contains(t, strings.Join(said.lines, "\n"), "build "+build+" is damaged")
	require.NoFileExists(t, kept)
}
