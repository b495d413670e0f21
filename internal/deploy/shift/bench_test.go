package shift_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/agent"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/fault"
)

const (
	product       = "loan-eligibility"
	providerToken = "provider-token-for-tests"
	rollbackToken = "rollback-token-for-tests"
	// limit bounds every wait: far longer than anything takes, so that only a defect reaches it.
	limit = time.Minute
)

// TestMain is also the predictor that the agent starts.
func TestMain(m *testing.M) {
	deploytest.Main()
	os.Exit(m.Run())
}

// bench is a running agent.
type bench struct {
	t                  *testing.T
	url                string
	provider, rollback *contract.AgentClient
	binDir, bundleDir  string
	agentDir           string
	stopAgent          func()
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, binDir: deploytest.BinDir(t), bundleDir: t.TempDir(), agentDir: t.TempDir()}
	b.startAgent()
	t.Cleanup(func() { b.stopAgent() })
	return b
}

// startAgent starts the agent on its folder, at a new address.
func (b *bench) startAgent() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	url := make(chan string, 1)
	ended := make(chan error, 1)
	cfg := agent.Config{
		Address: "127.0.0.1:0", Dir: b.agentDir, BinDir: b.binDir,
		ProviderToken: providerToken, RollbackToken: rollbackToken,
		Log:   slog.New(slog.DiscardHandler),
		Ready: func(base string) { url <- base },
		Fetch: func(_ context.Context, uri, _ string) (string, error) {
			path, ok := strings.CutPrefix(uri, "file://")
			if !ok {
				return "", fault.New(fault.NotFound, "there is no bundle %s", uri)
			}
			return path, nil
		},
	}
	go func() { ended <- agent.Run(ctx, cfg) }()
	b.stopAgent = func() {
		cancel()
		require.NoError(b.t, <-ended)
		b.stopAgent = func() {}
	}
	select {
	case b.url = <-url:
	case err := <-ended:
		b.t.Fatalf("agent ended: %v", err)
	}
	b.provider = contract.NewAgentClient(b.url, providerToken)
	b.rollback = contract.NewAgentClient(b.url, rollbackToken)
}

// spec is a track that serves version.
func (b *bench) spec(version int, does deploytest.Behaviour) contract.TrackSpec {
	b.t.Helper()
	return deploytest.Spec(b.t, b.bundleDir, version, does)
}

// actual is what the agent says.
func (b *bench) actual() contract.Actual {
	b.t.Helper()
	actual, err := b.provider.Actual(b.t.Context(), contract.Production, product)
	require.NoError(b.t, err)
	return actual
}

// killForGood kills the slot's predictor as often as the agent starts it, until it is given up.
func (b *bench) killForGood(slot string) {
	b.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		track, err := b.provider.SettledTrack(b.t.Context(), contract.Production, product, slot)
		require.NoError(b.t, err)
		if track.State == contract.TrackFailed {
			return
		}
		require.True(b.t, time.Now().Before(deadline), "not given up within %s", limit)
		_ = syscall.Kill(track.PID, syscall.SIGKILL) // it may be dead already
	}
}
