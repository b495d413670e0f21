package platform

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/sha256hex"
)

func newPlatform(t *testing.T) *Platform {
	t.Helper()
	p := &Platform{dir: t.TempDir()}
	require.NoError(t, os.Mkdir(p.path("secrets"), 0o700))
	return p
}

// Keys survive a restart; the gateway's file holds hashes only, and both are for their owner's eyes.
func TestKeysAreMadeOnceAndHashedForTheGateway(t *testing.T) {
	p := newPlatform(t)
	require.NoError(t, p.keys())
	first, err := os.ReadFile(p.path("keys.json"))
	require.NoError(t, err)
	require.NoError(t, p.keys())
	second, err := os.ReadFile(p.path("keys.json"))
	require.NoError(t, err)
	require.Equal(t, first, second)

	var plain map[string]string
	require.NoError(t, json.Unmarshal(first, &plain))
	require.Len(t, plain, 8, "one institution of each type")
	hashed, err := os.ReadFile(p.path("gateway-keys.json"))
	require.NoError(t, err)
	for name, key := range plain {
		require.NotContains(t, string(hashed), key)
		require.Contains(t, string(hashed), name)
	}
	for _, file := range []string{"keys.json", "gateway-keys.json", "secrets/synthetic.key"} {
		info, err := os.Stat(p.path(file))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
	}
}

// The feature store's keys are made once as well, are for their owner's eyes, and allow what they are called.
func TestKeysOfTheFeatureStore(t *testing.T) {
	p := newPlatform(t)
	require.NoError(t, p.featuresKeys())
	first, err := os.ReadFile(p.path("features-keys.json"))
	require.NoError(t, err)
	require.NoError(t, p.featuresKeys())
	second, err := os.ReadFile(p.path("features-keys.json"))
	require.NoError(t, err)
	require.Equal(t, first, second)
	var plain map[string]string
	require.NoError(t, json.Unmarshal(first, &plain))
	data, err := os.ReadFile(p.path("features-server-keys.json"))
	require.NoError(t, err)
	type entry struct {
		SHA256 string
		Rights []string
	}
	var hashed map[string]entry
	require.NoError(t, json.Unmarshal(data, &hashed))
	require.Equal(t, map[string]entry{
		"reader": {sha256hex.Of([]byte(plain["reader"])), []string{"read"}}, "writer": {sha256hex.Of([]byte(plain["writer"])), []string{"read", "write"}},
	}, hashed)
	for _, file := range []string{"features-keys.json", "features-server-keys.json"} {
		info, err := os.Stat(p.path(file))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
	}
}

func TestDamagedKeysAreNotReplaced(t *testing.T) {
	p := newPlatform(t)
	require.NoError(t, os.WriteFile(p.path("features-keys.json"), []byte("{"), 0o600))
	require.Equal(t, fault.Invalid, fault.CodeOf(p.featuresKeys()))
	require.NoError(t, os.WriteFile(p.path("keys.json"), []byte("{"), 0o600))
	require.Equal(t, fault.Invalid, fault.CodeOf(p.keys()))
}

// Addresses survive a restart, unless somebody took the port meanwhile.
func TestPortsAreKept(t *testing.T) {
	p := newPlatform(t)
	first, err := p.ports("a", "b")
	require.NoError(t, err)
	require.NotEqual(t, first["a"], first["b"])
	second, err := p.ports("a", "b")
	require.NoError(t, err)
	require.Equal(t, first, second)

	taken, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: first["a"]})
	require.NoError(t, err)
	defer taken.Close()
	third, err := p.ports("a", "b")
	require.NoError(t, err)
	require.NotEqual(t, first["a"], third["a"])
	require.Equal(t, first["b"], third["b"])
}

func TestAStateFolderIsForOnePlatform(t *testing.T) {
	dir := t.TempDir()
	held, err := lock(dir)
	require.NoError(t, err)
	_, err = lock(dir)
	require.Equal(t, fault.Conflict, fault.CodeOf(err))
	require.ErrorContains(t, err, dir)
	held.Close()
	again, err := lock(dir)
	require.NoError(t, err)
	again.Close()
}

// Servers of one's own are not silently replaced.
func TestStartRefusesAForeignEnvironment(t *testing.T) {
	for _, name := range []string{"TEMPORAL_ADDRESS", "AWS_ENDPOINT_URL_S3"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "elsewhere:7233")
			_, err := Start(t.Context(), Config{State: t.TempDir(), Say: func(string, ...any) {}})
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			require.ErrorContains(t, err, name)
		})
	}
}

// script writes a program.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	require.NoError(t, file.Write(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700))
	return path
}

func TestACrashedServiceIsStartedAgainUntilItIsStopped(t *testing.T) {
	started := make(chan struct{}, 100)
	s := &service{name: "sleeper", program: script(t, "exec sleep 1000"), logDir: t.TempDir(), env: os.Environ(), changed: func() { started <- struct{}{} }}
	require.NoError(t, s.start())
	first := s.running()
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	select {
	case <-started:
	case <-time.After(30 * time.Second):
		t.Fatal("not started again")
	}
	second := s.running()
	require.NotEqual(t, first, second)
	s.stop()
	require.ErrorIs(t, syscall.Kill(second, 0), syscall.ESRCH, "a stopped service is gone")
}

func TestAServiceThatIsNotThereIsNamed(t *testing.T) {
	s := &service{name: "worker", program: filepath.Join(t.TempDir(), "none"), logDir: t.TempDir()}
	err := s.start()
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "make build")
}

func TestALargeServiceLogIsPutAsideAtTheStart(t *testing.T) {
	s := &service{name: "sleeper", program: script(t, "exec sleep 1000"), logDir: t.TempDir(), env: os.Environ()}
	log := filepath.Join(s.logDir, "sleeper.log")
	require.NoError(t, os.WriteFile(log, nil, 0o600))
	require.NoError(t, os.Truncate(log, 8<<20+1))
	require.NoError(t, s.start())
	s.stop()
	require.FileExists(t, log+".1")
	info, err := os.Stat(log)
	require.NoError(t, err)
	require.Zero(t, info.Size())
}

func TestLogTailIsTheEnd(t *testing.T) {
	s := &service{name: "x", logDir: t.TempDir()}
	require.NoError(t, os.WriteFile(filepath.Join(s.logDir, "x.log"), []byte(strings.Repeat("a", 5000)+"the end"), 0o600))
	require.True(t, strings.HasSuffix(s.logTail(), "the end"))
	require.Len(t, s.logTail(), 1500)
}

// After a machine went down, a worker may be at work in a folder already: it has prepared it, and the platform comes up.
func TestAWorkspaceInWhichSomebodyWorksIsPrepared(t *testing.T) {
	p := &Platform{Settings: settings.Settings{WorkDir: t.TempDir()}}
	dir := terraform.Dir(p.Settings.WorkDir, "loans", "staging")
	require.NoError(t, os.MkdirAll(dir, 0o750))
	require.Error(t, p.prepareWorkspaces(t.Context()), "there is no Terraform here")
	busy := flock.New(filepath.Join(dir, ".loanops-lock"))
	taken, err := busy.TryLock()
	require.NoError(t, err)
	require.True(t, taken)
	defer busy.Close()
	require.NoError(t, p.prepareWorkspaces(t.Context()))
}
