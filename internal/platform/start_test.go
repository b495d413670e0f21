package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/image/imagetest"
	"github.com/loanops/loanops/internal/settings"
)

// playVariable makes this test program play one of the platform's programs; its value is the folder in which it leaves its traces.
const playVariable = "LOANOPS_TEST_PLATFORM_PLAY"

func init() {
	if dir := os.Getenv(playVariable); dir != "" {
		if err := play(dir, os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// play answers on every port that the arguments name, writes the ready file, and serves until it is asked to end, which it records.
func play(dir, program string, args []string) error {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	answer := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	stored := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	for i, flag := range args[:max(0, len(args)-1)] {
		address := args[i+1]
		switch flag {
		case "--port", "--http-port", "--ui-port", "--s3-port", "--registry-port":
			address = "127.0.0.1:" + address
		case "--ready-file":
			if err := os.WriteFile(address, nil, 0o600); err != nil {
				return err
			}
			continue
		case "--address":
		default:
			continue
		}
		handler := http.Handler(answer)
		if flag == "--registry-port" {
			handler = stored
		}
		go func() { _ = http.ListenAndServe(address, handler) }() //nolint:gosec // ends with the process
	}
	fmt.Println(program, "serves")
	<-terminate
	log, err := os.OpenFile(filepath.Join(dir, "ended"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(log, program)
	return errors.Join(err, log.Close())
}

// predictor is a program that an image can be made of, which the stand-ins are not.
func predictor(t *testing.T) string { return imagetest.Build(t, imagetest.Hello, false) }

// programs makes a folder with stand-ins of the platform's programs.
func programs(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	for _, name := range names {
		text := fmt.Sprintf("#!/bin/sh\n%s='%s' exec '%s' %s \"$@\"\n", playVariable, dir, self, name)
		require.NoError(t, file.Write(filepath.Join(dir, name), []byte(text), 0o700))
	}
	return dir
}

// cleanEnvironment forgets what a platform puts into the environment, now and after the test. A terraform is on PATH, so that none is
// fetched.
func cleanEnvironment(t *testing.T) {
	t.Helper()
	t.Setenv("PATH", programs(t, "terraform")+":"+os.Getenv("PATH"))
	names := []string{"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
	for _, line := range (settings.Settings{}).Environ() {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	for _, name := range names {
		t.Setenv(name, "") // restored after the test
		require.NoError(t, os.Unsetenv(name))
	}
}

// heard collects what a platform says.
type heard struct {
	mu    sync.Mutex
	lines []string
}

func (h *heard) say(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lines = append(h.lines, fmt.Sprintf(format, args...))
}

// published waits until endpoints.json is as wanted.
func published(t *testing.T, state string, wanted func(Endpoints) bool) Endpoints {
	t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(30 * time.Second)
	for {
		var e Endpoints
		if data, err := os.ReadFile(filepath.Join(state, "endpoints.json")); err == nil && json.Unmarshal(data, &e) == nil && wanted(e) {
			return e
		}
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("endpoints.json is not as wanted: %+v", e)
		}
	}
}

// awaitFile polls, since a file is announced to nobody.
func awaitFile(t *testing.T, path string) {
	t.Helper()
	s := &service{name: filepath.Base(path)}
	require.NoError(t, s.await(t.Context(), func() bool { _, err := os.Stat(path); return err == nil }))
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// One life of a platform: it comes up, a program of it is killed and comes back, a second platform is refused, it ends in order, and the
// next one has the same addresses and secrets.
func TestLifeOfAPlatform(t *testing.T) {
	cleanEnvironment(t)
	bin, state := programs(t, "loanops-devserver", "loanops", "loanops-worker", "loanops-api"), t.TempDir()
	var said heard
	cfg := Config{State: state, BinDir: bin, Predictor: predictor(t), Pipeline: "cards", Say: said.say}
	p, err := Start(t.Context(), cfg)
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(cfg.State, "endpoints.json"), "whoever waits for it waits for what is registered as well")
	require.NoError(t, p.Announce())
	t.Cleanup(func() { p.Stop() })

	first := published(t, state, func(Endpoints) bool { return true })
	require.Equal(t, p.Endpoints(), first, "the file says what the platform says")
	for name, pid := range first.PID {
		require.True(t, alive(pid), name)
	}
	require.Equal(t, os.Getpid(), first.PID["up"])
	require.Len(t, first.PID, 7, "up and its six programs")
	for _, url := range []string{first.TemporalUI, first.TemporalHTTP, first.S3, first.Gateway, first.Features, "http://" + first.Registry + "/v2/"} {
		response, err := http.Get(url)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	require.Equal(t, filepath.Join(state, "keys.json"), first.KeysFile)
	require.Equal(t, filepath.Join(state, "features-keys.json"), first.FeaturesKeysFile)
	require.Equal(t, "sqlite://"+filepath.Join(state, "loanops.db"), first.Database)
	require.Equal(t, map[string]string{
		"staging": filepath.Join(state, "work", "terraform", "cards", "staging"), "production": filepath.Join(state, "work", "terraform", "cards", "production"),
	}, first.TerraformDir)
	info, err := os.Stat(filepath.Join(state, "endpoints.json"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NotEmpty(t, said.lines)

	t.Run("a second platform on the folder is refused and harms nothing", func(t *testing.T) {
		cleanEnvironment(t)
		_, err := Start(t.Context(), cfg)
		require.Equal(t, fault.Conflict, fault.CodeOf(err))
		require.Equal(t, first, published(t, state, func(Endpoints) bool { return true }))
	})

	t.Run("a killed program comes back and its new process is published", func(t *testing.T) {
		ready := filepath.Join(state, "work", "worker.ready")
		awaitFile(t, ready) // whoever starts a platform does not wait for its worker
		require.NoError(t, os.Remove(ready))
		require.NoError(t, syscall.Kill(first.PID["worker"], syscall.SIGKILL))
		awaitFile(t, ready)
		second := published(t, state, func(e Endpoints) bool { return e.PID["worker"] != first.PID["worker"] })
		require.True(t, alive(second.PID["worker"]))
		for _, name := range []string{"devserver", "agent", "gateway", "features", "hooks", "up"} {
			require.Equal(t, first.PID[name], second.PID[name], "%s was left alone", name)
		}
	})

	last := p.Endpoints()
	p.Stop()
	for name, pid := range last.PID {
		require.Equal(t, name == "up", alive(pid), name)
	}
	for _, file := range []string{"endpoints.json", settings.PlatformEnv} {
		require.NoFileExists(t, filepath.Join(state, file), "nobody must take a platform for running")
	}
	ended, err := os.ReadFile(filepath.Join(bin, "ended"))
	require.NoError(t, err)
	require.Equal(t, "loanops\nloanops-worker\nloanops\nloanops-api\nloanops\nloanops-devserver\n", string(ended), "who needs others ends before them")

	secrets, err := os.ReadFile(filepath.Join(state, "keys.json"))
	require.NoError(t, err)
	cleanEnvironment(t)
	again, err := Start(t.Context(), cfg)
	require.NoError(t, err)
	require.NoError(t, again.Announce())
	defer again.Stop()
	e := again.Endpoints()
	e.PID, first.PID = nil, nil
	require.Equal(t, first, e, "addresses survive a restart")
	same, err := os.ReadFile(filepath.Join(state, "keys.json"))
	require.NoError(t, err)
	require.Equal(t, secrets, same)
}

// Somebody took the gateway's port while the platform was down: it comes up with another, and everything else is where it was.
func TestATakenPortIsReplacedAtARestart(t *testing.T) {
	cleanEnvironment(t)
	bin, state := programs(t, "loanops-devserver", "loanops", "loanops-worker", "loanops-api"), t.TempDir()
	cfg := Config{State: state, BinDir: bin, Predictor: predictor(t), Pipeline: "cards", Say: (&heard{}).say}
	p, err := Start(t.Context(), cfg)
	require.NoError(t, err)
	require.NoError(t, p.Announce())
	before := p.Endpoints()
	p.Stop()

	taken, err := net.Listen("tcp", strings.TrimPrefix(before.Gateway, "http://"))
	require.NoError(t, err)
	defer taken.Close()
	again, err := Start(t.Context(), cfg)
	require.NoError(t, err)
	require.NoError(t, again.Announce())
	defer again.Stop()
	after := again.Endpoints()
	require.NotEqual(t, before.Gateway, after.Gateway)
	require.Equal(t, []string{before.Temporal, before.TemporalUI, before.TemporalHTTP, before.S3, before.Registry}, []string{after.Temporal, after.TemporalUI, after.TemporalHTTP, after.S3, after.Registry})
}

// What was started before a failure is stopped, and the folder is free again.
func TestAFailedStartLeavesNothingBehind(t *testing.T) {
	cleanEnvironment(t)
	bin, state := programs(t, "loanops-devserver", "loanops"), t.TempDir() // no gateway
	_, err := Start(t.Context(), Config{State: state, BinDir: bin, Predictor: predictor(t), Pipeline: "cards", Say: (&heard{}).say})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "starting gateway")
	ended, err := os.ReadFile(filepath.Join(bin, "ended"))
	require.NoError(t, err)
	require.Equal(t, "loanops\nloanops-devserver\n", string(ended))
	require.NoFileExists(t, filepath.Join(state, "endpoints.json"))
	held, err := lock(state)
	require.NoError(t, err, "the folder is free")
	held.Close()
}

func TestAnInterruptedStartEnds(t *testing.T) {
	cleanEnvironment(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	bin, state := programs(t, "loanops-devserver", "loanops"), t.TempDir()
	_, err := Start(ctx, Config{State: state, BinDir: bin, Predictor: predictor(t), Pipeline: "cards", Say: (&heard{}).say})
	require.ErrorIs(t, err, context.Canceled)
	require.NoFileExists(t, filepath.Join(state, settings.PlatformEnv))
}

// A platform that was killed leaves its endpoints behind; who starts the next must not find them.
func TestEndpointsOfAKilledPlatformAreForgotten(t *testing.T) {
	cleanEnvironment(t)
	state := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(state, "endpoints.json"), []byte("{}"), 0o600))
	bin := programs(t, "loanops-devserver", "loanops") // no worker: the start fails
	said := 0
	_, err := Start(t.Context(), Config{State: state, BinDir: bin, Predictor: predictor(t), Say: func(string, ...any) {
		said++
		require.NoFileExists(t, filepath.Join(state, "endpoints.json"), "while the next one starts")
	}})
	require.Error(t, err)
	require.Positive(t, said)
}

// Everything in the state folder is its owner's: it holds keys, tokens and applicants.
func TestTheStateFolderIsPrivate(t *testing.T) {
	cleanEnvironment(t)
	state := filepath.Join(t.TempDir(), "new", "state")
	bin := programs(t, "loanops-devserver", "loanops", "loanops-worker", "loanops-api")
	p, err := Start(t.Context(), Config{State: state, BinDir: bin, Predictor: predictor(t), Pipeline: "cards", Say: (&heard{}).say})
	require.NoError(t, err)
	require.NoError(t, p.Announce())
	defer p.Stop()
	require.NoError(t, filepath.WalkDir(state, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		require.Zero(t, info.Mode().Perm()&0o077, "%s is readable by others", path)
		return nil
	}))
	environment, err := os.ReadFile(filepath.Join(state, settings.PlatformEnv))
	require.NoError(t, err)
	for line := range strings.Lines(string(environment)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		require.NotEmpty(t, value, name)
		require.NotContains(t, []string{"PATH", "HOME", "TMPDIR"}, name, "a person's shell keeps its own")
	}
}
