package platform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

// await waits for a signal that must come.
func await[T any](t *testing.T, signal <-chan T, what string) T {
	t.Helper()
	select {
	case value := <-signal:
		return value
	case <-time.After(30 * time.Second):
		t.Fatal(what)
		panic("unreachable")
	}
}

// A program that cannot stay up is started again more and more slowly: the pauses double.
func TestRestartsBackOff(t *testing.T) {
	t.Parallel()
	restarted := make(chan time.Time, 100)
	s := &service{name: "fails", program: script(t, "exit 1"), logDir: t.TempDir(), changed: func() { restarted <- time.Now() }}
	require.NoError(t, s.start())
	defer s.stop()
	first := await(t, restarted, "not started again")
	for pause := 2 * firstRestart; pause <= 8*firstRestart; pause *= 2 {
		next := await(t, restarted, "not started again")
		require.GreaterOrEqual(t, next.Sub(first), pause, "the pause before the next start")
		first = next
	}
}

// A program whose file is away for a moment (a build replaces it) is tried until it is there.
func TestAProgramThatComesBackIsStarted(t *testing.T) {
	t.Parallel()
	program := script(t, "exec sleep 1000")
	changed := make(chan struct{}, 1)
	s := &service{name: "sleeper", program: program, logDir: t.TempDir(), env: os.Environ(), changed: func() { changed <- struct{}{} }}
	require.NoError(t, s.start())
	defer s.stop()
	require.NoError(t, os.Rename(program, program+".away"))
	log := filepath.Join(s.logDir, "sleeper.log")
	require.NoError(t, os.Remove(log))
	first := s.running()
	require.NoError(t, syscall.Kill(first, syscall.SIGKILL))
	awaitFile(t, log) // opened by an attempt, which fails
	require.NoError(t, os.Rename(program+".away", program))
	await(t, changed, "not started again")
	require.NotEqual(t, first, s.running())
}

// Stop between two starts ends at once.
func TestStopDuringAPause(t *testing.T) {
	t.Parallel()
	changed := make(chan struct{}, 100)
	s := &service{name: "fails", program: script(t, "exit 1"), logDir: t.TempDir(), changed: func() { changed <- struct{}{} }}
	require.NoError(t, s.start())
	await(t, changed, "not started again")
	stopped := make(chan struct{})
	go func() {
		s.stop()
		close(stopped)
	}()
	await(t, stopped, "stop waits for a process that has ended")
}

// The log goes on where it was: what a program said before it crashed is what a person looks for.
func TestTheLogOutlivesACrash(t *testing.T) {
	t.Parallel()
	changed := make(chan struct{}, 100)
	s := &service{name: "talks", program: script(t, "echo started with $1 and $KIND; exit 1"), args: []string{"argument"}, env: []string{"KIND=variable"}, logDir: t.TempDir(), changed: func() { changed <- struct{}{} }}
	require.NoError(t, s.start())
	await(t, changed, "not started again")
	await(t, changed, "not started a third time") // so the second has ended
	s.stop()
	data, err := os.ReadFile(filepath.Join(s.logDir, "talks.log"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, strings.Count(string(data), "started with argument and variable\n"), 2)
	info, err := os.Stat(filepath.Join(s.logDir, "talks.log"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

// An answer below 500 is an answer: a server that says 404 is up, one that says 503 is still starting.
func TestAwaitHTTPWaitsForAnAnswer(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status := http.StatusServiceUnavailable
		if asked.Add(1) > 2 {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	s := &service{name: "x", logDir: t.TempDir()}
	require.NoError(t, s.awaitHTTP(t.Context(), server.URL))
	require.EqualValues(t, 3, asked.Load())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.awaitHTTP(ctx, "http://127.0.0.1:1"), context.Canceled)
}

func TestLogTailOfAServiceWithoutALog(t *testing.T) {
	t.Parallel()
	require.Contains(t, (&service{name: "x", logDir: t.TempDir()}).logTail(), "no such file")
}

func TestASecretIsMadeOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	first, err := secret(path)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(first), 26, "128 bits in base 32")
	again, err := secret(path)
	require.NoError(t, err)
	require.Equal(t, first, again)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	other, err := secret(filepath.Join(t.TempDir(), "secret"))
	require.NoError(t, err)
	require.NotEqual(t, first, other)

	require.NoError(t, os.WriteFile(path, []byte("  one's own \n"), 0o600))
	own, err := secret(path)
	require.NoError(t, err)
	require.Equal(t, "one's own", own)

	require.NoError(t, os.WriteFile(path, nil, 0o600)) // a crash between creating and writing, of an older version
	made, err := secret(path)
	require.NoError(t, err)
	require.NotEmpty(t, made)

	_, err = secret(t.TempDir())
	require.Error(t, err, "what cannot be read is not replaced")
}

// The gateway compares SHA-256 digests; a key that a person put into keys.json is kept beside those that are made.
func TestKeysAreAddedAndHashed(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	require.NoError(t, os.WriteFile(p.path("keys.json"), []byte(`{"north-bank": "chosen", "my-bank": "mine"}`), 0o600))
	require.NoError(t, p.keys())
	read := func(file string, into any) {
		data, err := os.ReadFile(p.path(file))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, into))
	}
	var plain map[string]string
	read("keys.json", &plain)
	require.Equal(t, "chosen", plain["north-bank"])
	require.Equal(t, "mine", plain["my-bank"])
	var hashed map[string]struct{ SHA256, Type string }
	read("gateway-keys.json", &hashed)
	types := map[string]bool{}
	for name, kind := range institutions {
		sum := sha256.Sum256([]byte(plain[name]))
		require.Equal(t, hex.EncodeToString(sum[:]), hashed[name].SHA256, name)
		require.Equal(t, kind, hashed[name].Type)
		types[kind] = true
	}
	require.Len(t, types, 8, "the simulated population applies to eight types of institutions")
	synthetic, err := os.ReadFile(p.path("secrets", "synthetic.key"))
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(strings.TrimSpace(string(synthetic))))
	require.Equal(t, hex.EncodeToString(sum[:]), hashed["synthetic"].SHA256)
	require.NotContains(t, plain, "synthetic", "the platform's own key is not for callers")
}

// A damaged file costs the old addresses and nothing else.
func TestDamagedPortsAreReplaced(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	require.NoError(t, os.WriteFile(p.path("ports.json"), []byte("{"), 0o600))
	names := []string{"a", "b", "c", "d", "e", "f"}
	ports, err := p.ports(names...)
	require.NoError(t, err)
	different := map[int]bool{}
	for _, name := range names {
		require.Positive(t, ports[name])
		different[ports[name]] = true
	}
	require.Len(t, different, len(names))
	again, err := p.ports(names...)
	require.NoError(t, err)
	require.Equal(t, ports, again)
}

// Before all is ready there are no endpoints: who finds the file may use what it names.
func TestNothingIsPublishedBeforeAllIsReady(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	require.NoError(t, p.publish())
	require.NoFileExists(t, p.path("endpoints.json"))
	p.ready = true
	require.NoError(t, p.publish())
	require.FileExists(t, p.path("endpoints.json"))
}

func TestALockNeedsItsFolder(t *testing.T) {
	t.Parallel()
	_, err := lock(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}
