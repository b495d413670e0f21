package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy"
	"github.com/loanops/loanops/internal/fault"
)

// The tokens of the tests' agents.
const (
	providerToken = "provider-token-for-tests"
	rollbackToken = "rollback-token-for-tests"
)

// limit bounds every wait: far longer than anything takes, so that only a defect reaches it.
const limit = 30 * time.Second

// TestMain is also the predictor: the agents start this binary under the name loanops-api.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "predictor" {
		fakePredictor(os.Args[2:])
	}
	os.Exit(m.Run())
}

// behaviour is the content of a bundle, which tells the fake predictor what to do.
type behaviour struct {
	Name string
	// Exit ends the process at once.
	Exit bool
	// Gate is a file that must exist before the predictor is ready.
	Gate string
}

// fakePredictor serves /readyz and /environment.
func fakePredictor(args []string) {
	flag := func(name string) string { return args[slices.Index(args, name)+1] }
	data, err := os.ReadFile(flag("--bundle"))
	if err != nil {
		panic(err)
	}
	var b behaviour
	if err := json.Unmarshal(data, &b); err != nil {
		panic(err)
	}
	if b.Exit {
		os.Exit(3)
	}
	listener, err := net.Listen("tcp", flag("--address"))
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if b.Gate != "" {
			if _, err := os.Stat(b.Gate); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	})
	mux.HandleFunc("/environment", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(os.Environ()) })
	mux.HandleFunc("/arguments", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(args) })
	temporary := flag("--address-file") + ".tmp"
	if err := os.WriteFile(temporary, []byte("http://"+listener.Addr().String()), 0o600); err != nil {
		panic(err)
	}
	if err := os.Rename(temporary, flag("--address-file")); err != nil {
		panic(err)
	}
	panic(http.Serve(listener, mux))
}

// bench is one agent on a folder of its own.
type bench struct {
	t      *testing.T
	agent  *agent
	server *httptest.Server
	// provider writes tracks and routes, rollback only rolls back.
	provider, rollback *deploy.AgentClient
	bundleDir          string
}

// clock is a settable time.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// newBench starts an agent; change may replace what it is made of.
func newBench(t *testing.T, change ...func(*agent)) *bench {
	t.Helper()
	return openBench(t, t.TempDir(), t.TempDir(), change...)
}

func openBench(t *testing.T, dir, bundleDir string, change ...func(*agent)) *bench {
	t.Helper()
	a, err := open(testConfig(t, dir))
	require.NoError(t, err)
	for _, c := range change {
		c(a)
	}
	require.NoError(t, a.restore())
	b := &bench{t: t, agent: a, server: httptest.NewServer(a.handler()), bundleDir: bundleDir}
	b.provider = deploy.NewAgentClient(b.server.URL, providerToken)
	b.rollback = deploy.NewAgentClient(b.server.URL, rollbackToken)
	t.Cleanup(b.close)
	return b
}

// testConfig is an agent whose loanops-api is this test binary and whose bundles are local files.
func testConfig(t *testing.T, dir string) Config {
	t.Helper()
	bin := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(self, filepath.Join(bin, "loanops-api")))
	return Config{
		Dir: dir, BinDir: bin, ProviderToken: providerToken, RollbackToken: rollbackToken,
		Log: slog.New(slog.DiscardHandler),
		Fetch: func(_ context.Context, uri, _ string) (string, error) {
			path, ok := strings.CutPrefix(uri, "file://")
			if !ok {
				return "", fault.New(fault.NotFound, "no such bundle")
			}
			return path, nil
		},
	}
}

// close stops the agent as Run does.
func (b *bench) close() {
	b.agent.close()
	b.server.CloseClientConnections()
	b.server.Close()
}

// spec writes a bundle and returns a track that serves it as version.
func (b *bench) spec(version int, does behaviour) deploy.TrackSpec {
	b.t.Helper()
	does.Name = fmt.Sprint("version ", version)
	data, err := json.Marshal(does)
	require.NoError(b.t, err)
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	path := filepath.Join(b.bundleDir, digest)
	require.NoError(b.t, os.WriteFile(path, data, 0o600))
	return deploy.TrackSpec{
		ModelVersion: version, Digest: digest, BundleURI: "file://" + path,
		MemoryMiB: 100, CPUMillis: 1500, Cutoff: 0.3, Meaning: "default",
	}
}

const (
	environment = deploy.Production
	product     = "loan-eligibility"
)

// put makes the slot run spec and requires that it is ready.
func (b *bench) put(slot string, spec deploy.TrackSpec) deploy.Track {
	b.t.Helper()
	track, err := b.provider.PutTrack(b.t.Context(), environment, product, slot, spec)
	require.NoError(b.t, err)
	require.Equal(b.t, deploy.TrackReady, track.State)
	return track
}

// track returns what is in the slot now.
func (b *bench) track(slot string) deploy.Track {
	b.t.Helper()
	track, err := b.provider.Track(b.t.Context(), environment, product, slot)
	require.NoError(b.t, err)
	return track
}

// await waits for agent's events until ok holds.
func (b *bench) await(what string, ok func() bool) {
	b.t.Helper()
	deadline := time.After(limit)
	for {
		b.agent.mu.Lock()
		changed := b.agent.changes(environment)
		b.agent.mu.Unlock()
		if ok() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			b.t.Fatalf("%s: not within %s", what, limit)
		}
	}
}

// kill ends the slot's process and waits until the agent has seen it.
func (b *bench) kill(slot string) {
	b.t.Helper()
	before := b.track(slot)
	require.Equal(b.t, deploy.TrackReady, before.State)
	require.NoError(b.t, syscall.Kill(before.PID, syscall.SIGKILL))
	b.await("death noticed", func() bool {
		now := b.track(slot)
		return now.PID != before.PID || now.State != deploy.TrackReady
	})
}

// alive reports whether the process exists.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// getJSON reads a URL's JSON.
func getJSON(t *testing.T, url string, into any) {
	t.Helper()
	response, err := http.Get(url)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, json.NewDecoder(response.Body).Decode(into))
}
