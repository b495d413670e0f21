// Package agenttest is a running deployment agent, for tests of those who write to one. Its predictors are package deploytest's.
package agenttest

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/agent"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/runtime/processes"
	"github.com/loanops/loanops/internal/fault"
)

// Pipeline is the one that the tests deliver.
const Pipeline = "loan-eligibility"

// ProviderToken is what the agent knows the provider by.
const ProviderToken = "provider-token-for-tests"

const rollbackToken = "rollback-token-for-tests"

// Limit bounds every wait: far longer than anything takes, so that only a defect reaches it.
const Limit = time.Minute

// Agent is an agent on a folder of its own.
type Agent struct {
	// URL is where it answers; another one after each start.
	URL string
	// Provider writes tracks and routes, Rollback only shifts traffic.
	Provider, Rollback *contract.AgentClient
	// Dir is the agent's folder.
	Dir string
	// Stop ends it and returns when it has ended. It is stopped with the test in any case.
	Stop func()

	t        *testing.T
	programs Programs
	bundles  string
}

// Programs brings the program of an image, see processes.Runtime.
type Programs func(ctx context.Context, image string) (path string, args []string, err error)

// Start starts an agent that takes programs from there.
func Start(t *testing.T, programs Programs) *Agent {
	t.Helper()
	a := &Agent{t: t, programs: programs, bundles: t.TempDir(), Dir: t.TempDir()}
	a.Start()
	t.Cleanup(func() { a.Stop() })
	return a
}

// Start starts it, again after Stop: on its folder, at a new address.
func (a *Agent) Start() {
	a.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	url := make(chan string, 1)
	ended := make(chan error, 1)
	cfg := agent.Config{
		Address: "127.0.0.1:0", Dir: a.Dir, Runtime: &processes.Runtime{Program: a.programs, Dir: filepath.Join(a.Dir, "run")},
		ProviderToken: ProviderToken, RollbackToken: rollbackToken,
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
	a.Stop = func() {
		cancel()
		require.NoError(a.t, <-ended)
		a.Stop = func() {}
	}
	select {
	case a.URL = <-url:
	case err := <-ended:
		a.t.Fatalf("agent ended: %v", err)
	}
	a.Provider = contract.NewAgentClient(a.URL, ProviderToken)
	a.Rollback = contract.NewAgentClient(a.URL, rollbackToken)
}

// Spec is a track that serves version.
func (a *Agent) Spec(version int, does deploytest.Behaviour) contract.TrackSpec {
	a.t.Helper()
	return deploytest.Spec(a.t, a.bundles, version, does)
}

// Actual is what it says of production.
func (a *Agent) Actual() contract.Actual {
	a.t.Helper()
	actual, err := a.Provider.Actual(a.t.Context(), contract.Production, Pipeline)
	require.NoError(a.t, err)
	return actual
}

// KillForGood kills the slot's predictor as often as the agent starts it, until it is given up.
func (a *Agent) KillForGood(slot string) {
	a.t.Helper()
	deadline := time.Now().Add(Limit)
	for {
		track, err := a.Provider.SettledTrack(a.t.Context(), contract.Production, Pipeline, slot)
		require.NoError(a.t, err)
		if track.State == contract.TrackFailed {
			return
		}
		require.True(a.t, time.Now().Before(deadline), "not given up within %s", Limit)
		_ = syscall.Kill(track.PID, syscall.SIGKILL) // it may be dead already
	}
}
