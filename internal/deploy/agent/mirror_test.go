package agent

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/fault"
)

// mirrored puts one version into each slot, all traffic to blue and copies to green.
func mirrored(t *testing.T, does deploytest.Behaviour) (*bench, contract.Route) {
	t.Helper()
	b := newBench(t)
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	b.put(contract.Green, b.spec(2, does))
	route, err := b.provider.PutRoute(t.Context(), environment, product, allBlue, contract.Green, 1)
	require.NoError(t, err)
	require.Equal(t, contract.Route{Weights: allBlue, Mirror: contract.Green, Revision: route.Revision, Generation: 1, Writer: "terraform"}, route)
	return b, route
}

func TestMirrorIsChecked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	for _, test := range []struct {
		name, mirror string
		weights      map[string]int
		code         fault.Code
		says         string
	}{
		{"unknown slot", "red", allBlue, fault.Invalid, `no slot "red"`},
		{"has the traffic", contract.Blue, allBlue, fault.Invalid, "blue gets 100 %"},
		{"has some of it", contract.Green, map[string]int{"blue": 95, "green": 5}, fault.Invalid, "green gets 5 %"},
		{"nothing runs there", contract.Green, allBlue, fault.Conflict, "cannot get copies of requests: nothing runs there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := b.provider.PutRoute(t.Context(), environment, product, test.weights, test.mirror, 1)
			require.Equal(t, test.code, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
			_, err = b.provider.Route(t.Context(), environment, product)
			require.True(t, contract.IsNotFound(err), "nothing was set")
		})
	}
}

func TestGatewaysAreToldOfTheMirror(t *testing.T) {
	t.Parallel()
	b, route := mirrored(t, deploytest.Behaviour{})
	told := b.poll("", -1)
	require.Equal(t, route.Revision, told.Revision)
	require.Equal(t, contract.Green, told.Pipelines[product].Mirror)
	require.Equal(t, b.track(contract.Green).URL, told.Pipelines[product].Tracks[contract.Green].URL)

	again, err := b.provider.PutRoute(t.Context(), environment, product, allBlue, contract.Green, 1)
	require.NoError(t, err)
	require.Equal(t, route, again, "the same mirror keeps the revision")

	heard := make(chan contract.Routes, 1)
	go func() { heard <- b.poll("", told.Revision) }()
	_, err = b.provider.PutRoute(t.Context(), environment, product, allBlue, "", 1)
	require.NoError(t, err)
	require.Empty(t, (<-heard).Pipelines[product].Mirror, "a change of the mirror alone is one")
}

func TestMirrorSurvivesARestartOfTheAgent(t *testing.T) {
	t.Parallel()
	b, route := mirrored(t, deploytest.Behaviour{})
	b.close()
	again := openBench(t, b.agent.cfg.Dir, b.bundleDir)
	require.Equal(t, route, *again.actual().Route)
	require.Equal(t, contract.Green, again.poll("", -1).Pipelines[product].Mirror)
}

// A mirror is set once its predictor is ready, as traffic is.
func TestMirrorWaitsForItsTrack(t *testing.T) {
	t.Parallel()
	gate := filepath.Join(t.TempDir(), "gate")
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	b, _ := mirrored(t, deploytest.Behaviour{Gate: gate})
	_, err := b.provider.PutRoute(t.Context(), environment, product, allBlue, "", 1)
	require.NoError(t, err)
	require.NoError(t, os.Remove(gate))
	b.kill(contract.Green)
	done := make(chan error, 1)
	go func() {
		_, err := b.provider.PutRoute(t.Context(), environment, product, allBlue, contract.Green, 2)
		done <- err
	}()
	b.awaitGeneration(2)
	require.Empty(t, b.actual().Route.Mirror, "it is starting")
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	require.NoError(t, <-done)
	require.Equal(t, contract.Green, b.actual().Route.Mirror)
}

// Traffic that is shifted to safety is not copied, though the weights were the right ones already.
func TestRollbackTakesTheMirrorAway(t *testing.T) {
	t.Parallel()
	b, before := mirrored(t, deploytest.Behaviour{})
	after, err := b.rollback.Rollback(t.Context(), environment, product, allBlue, 1)
	require.NoError(t, err)
	require.Equal(t, contract.Route{Weights: allBlue, Revision: after.Revision, Generation: 1, Writer: "rollback"}, after)
	require.Greater(t, after.Revision, before.Revision, "the gateways are told")
	require.Empty(t, b.poll("", -1).Pipelines[product].Mirror)
	status, problem := b.send(t, "POST", base+"/rollback", "Bearer "+rollbackToken, "application/json", `{"weights":{"blue":100},"mirror":"green","generation":1}`)
	require.Equal(t, 422, status)
	require.Contains(t, problem.Detail, "mirror")
}

func TestTrackBehindAMirrorIsKept(t *testing.T) {
	t.Parallel()
	b, _ := mirrored(t, deploytest.Behaviour{})
	err := b.provider.DeleteTrack(t.Context(), environment, product, contract.Green, 1)
	require.Equal(t, fault.Conflict, fault.CodeOf(err))
	require.ErrorContains(t, err, "change the route first")
	_, err = b.provider.PutRoute(t.Context(), environment, product, allBlue, "", 1)
	require.NoError(t, err)
	require.NoError(t, b.provider.DeleteTrack(t.Context(), environment, product, contract.Green, 1))
}
