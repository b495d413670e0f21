package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/platformtest"
)

// lone is the pipeline of a second platform, on which nothing was delivered yet.
const lone = "loan-first"

// fresh is that platform, started by the first test that needs it and ended with the shared one.
var fresh *platform

// withVersion returns the fresh platform with version 1 registered.
func withVersion(t *testing.T) *platform {
	t.Helper()
	if fresh == nil {
		p := newPlatform(filepath.Join(filepath.Dir(shared.State), "fresh"))
		require.NoError(t, p.Start("--no-run", "--pipeline", quickSpec(t, lone)))
		fresh = p
		var r result
		p.runJSON(t, &r, 0, "ct", "start", lone, "--register-only", "--wait")
		require.Equal(t, "registered", r.Verdict)
	}
	return fresh
}

func (p *platform) caller(t *testing.T, model string, version int) *platformtest.Caller {
	t.Helper()
	applications, err := p.Examples(model, strconv.Itoa(version))
	require.NoError(t, err)
	caller, err := p.Caller(model, applications...)
	require.NoError(t, err)
	return caller
}

// A first version has no champion behind it: while it is not known to be good, nobody gets an answer from it.
func TestADrilledFirstVersionIsNeverRouted(t *testing.T) {
	p := withVersion(t)
	require.Zero(t, p.aliasOf(t, lone, "champion"), "this test is about a first delivery")
	caller := p.caller(t, lone, 1)
	unrouted := always(t, func() error {
		if by, err := caller.Ask(); err == nil {
			return fmt.Errorf("version %d decided", by.Version)
		}
		actual, err := p.Actual("production", lone)
		if err == nil && len(actual.Shares()) > 0 {
			return fmt.Errorf("routed: %v", actual.Shares())
		}
		return err
	})
	var r result
	ended := p.begin(t, "cd", "start", lone, "--version", "1", "--drill", "crash_after=20", "--wait", "--output", "json")(t)
	require.Contains(t, []int{3, 4}, ended.Code, "refused or aborted")
	unrouted()

	p.runJSON(t, &r, 0, "cd", "start", lone, "--version", "1", "--wait")
	require.Equal(t, "bootstrapped", r.Verdict)
	p.requireServes(t, lone, 1)
	p.requireDecides(t, lone, 1)
	for slot, track := range p.production(t, lone).Tracks {
		require.Empty(t, track.Spec.Drill, slot)
	}
}

// requireDecides waits until the gateway, which hears of routes by a long poll, answers by the version.
func (p *platform) requireDecides(t *testing.T, model string, version int) {
	t.Helper()
	caller := p.caller(t, model, version)
	eventually(t, "a decision of version "+strconv.Itoa(version), 10*time.Second, func() bool {
		decided, err := caller.Ask()
		return err == nil && decided.Version == version
	})
}

// loseAgent ends the agent together with all that it remembers, and waits for the one that `up` starts in its place.
func (p *platform) loseAgent(t *testing.T, model string) {
	t.Helper()
	before := p.mustEndpoints(t).PID["agent"]
	require.NoError(t, syscall.Kill(before, syscall.SIGSTOP)) // it must not write its state again
	require.NoError(t, os.RemoveAll(filepath.Join(p.State, "agent")))
	require.NoError(t, syscall.Kill(before, syscall.SIGKILL))
	eventually(t, "another agent", time.Minute, func() bool {
		actual, err := p.Actual("production", model)
		return err == nil && p.mustEndpoints(t).PID["agent"] != before && len(actual.Tracks) == 0
	})
}

// A lost agent knows nothing: it takes no orders before it was told where the record stands, and is brought back by a delivery of
// what serves.
func TestAChampionThatTheAgentLostIsRestored(t *testing.T) {
	p := withVersion(t)
	var r result
	if p.aliasOf(t, lone, "champion") == 0 {
		p.runJSON(t, &r, 0, "cd", "start", lone, "--version", "1", "--wait")
		require.Equal(t, "bootstrapped", r.Verdict)
	}
	p.loseAgent(t, lone)
	require.Equal(t, 503, p.putRoute(t, lone, map[string]int{"blue": 100}, 1_000_000))
	_, err := p.caller(t, lone, 1).Ask()
	require.Error(t, err, "the predictors went with their agent")

	for _, verdict := range []string{"restored", "nothing"} {
		p.runJSON(t, &r, 0, "cd", "start", lone, "--version", "1", "--wait")
		require.Equal(t, verdict, r.Verdict)
		p.requireServes(t, lone, 1)
		p.requireDecides(t, lone, 1)
	}
	require.Equal(t, 0, plan(t, p.workspace(lone)))
}

// stopFresh ends the second platform, where a test started it.
func stopFresh() error {
	if fresh == nil {
		return nil
	}
	if err := fresh.Stop(); err != nil {
		return errors.Join(errors.New("the fresh platform"), err)
	}
	return nil
}
