package agent

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/runtime/processes"
	"github.com/loanops/loanops/internal/fault"
)

// The tokens of the tests' agents.
const (
	providerToken = "provider-token-for-tests"
	rollbackToken = "rollback-token-for-tests"
	gatewayToken  = "gateway-token-for-tests" // of the few that have one
)

// limit bounds every wait: far longer than anything takes, so that only a defect reaches it.
const limit = 30 * time.Second

// TestMain is also the predictor: the agents start this binary under the name loanops-api.
func TestMain(m *testing.M) {
	deploytest.Main()
	os.Exit(m.Run())
}

// bench is one agent on a folder of its own.
type bench struct {
	t      *testing.T
	agent  *agent
	server *httptest.Server
	cancel context.CancelFunc // of all requests
	// provider writes tracks and routes, rollback only rolls back.
	provider, rollback *contract.AgentClient
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

// newBench starts an agent that knows generation 1; change may replace what it is made of.
func newBench(t *testing.T, change ...func(*agent)) *bench {
	t.Helper()
	b := openBench(t, t.TempDir(), t.TempDir(), change...)
	for _, environment := range []string{contract.Staging, contract.Production} {
		require.NoError(t, b.provider.Teach(t.Context(), environment, product, 1))
	}
	return b
}

func openBench(t *testing.T, dir, bundleDir string, change ...func(*agent)) *bench {
	t.Helper()
	a, err := open(testConfig(t, dir))
	require.NoError(t, err)
	for _, c := range change {
		c(a)
	}
	require.NoError(t, a.restore(t.Context()))
	requests, cancel := context.WithCancel(context.Background())
	server := httptest.NewUnstartedServer(a.handler())
	server.Config.BaseContext = func(net.Listener) context.Context { return requests }
	server.Start()
	b := &bench{t: t, agent: a, server: server, cancel: cancel, bundleDir: bundleDir}
	b.provider = contract.NewAgentClient(b.server.URL, providerToken)
	b.rollback = contract.NewAgentClient(b.server.URL, rollbackToken)
	t.Cleanup(b.close)
	return b
}

// testConfig is an agent whose loanops-api is this test binary and whose bundles are local files.
func testConfig(t *testing.T, dir string) Config {
	t.Helper()
	return Config{
		Dir: dir, Runtime: programs(dir, deploytest.Programs(t)), ProviderToken: providerToken, RollbackToken: rollbackToken,
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

// programs is a runtime of processes, for an agent on the folder.
func programs(dir string, program func(context.Context, string) (string, []string, error)) *engine {
	return newEngine(&processes.Runtime{Program: program, Dir: filepath.Join(dir, "run")})
}

// close stops the agent as Run does.
func (b *bench) close() {
	b.cancel()
	b.server.Close()
	b.agent.close()
}

// spec writes a bundle and returns a track that serves it as version.
func (b *bench) spec(version int, does deploytest.Behaviour) contract.TrackSpec {
	b.t.Helper()
	return deploytest.Spec(b.t, b.bundleDir, version, does)
}

const (
	environment = contract.Production
	product     = "loan-eligibility"
)

// put makes the slot run spec and requires that it is ready.
func (b *bench) put(slot string, spec contract.TrackSpec) contract.Track {
	b.t.Helper()
	return b.putUnder(1, slot, spec)
}

// putUnder is put under a generation.
func (b *bench) putUnder(generation int64, slot string, spec contract.TrackSpec) contract.Track {
	b.t.Helper()
	track, err := b.provider.PutTrack(b.t.Context(), environment, product, slot, spec, generation)
	require.NoError(b.t, err)
	require.Equal(b.t, contract.TrackReady, track.State)
	return track
}

// share puts the route under a generation, without a mirror.
func (b *bench) share(generation int64, weights map[string]int) {
	b.t.Helper()
	_, err := b.provider.PutRoute(b.t.Context(), environment, product, weights, "", generation)
	require.NoError(b.t, err)
}

// track returns what is in the slot now.
func (b *bench) track(slot string) contract.Track {
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
	require.Equal(b.t, contract.TrackReady, before.State)
	require.NoError(b.t, syscall.Kill(before.PID, syscall.SIGKILL))
	b.await("death noticed", func() bool {
		now := b.track(slot)
		return now.PID != before.PID || now.State != contract.TrackReady
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
