package agent

import (
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
)

// killed ends the agent without a word and returns what runs its predictors on.
func (b *bench) killed() *engine {
	of := b.agent.cfg.Runtime.(*engine)
	of.crash()
	b.close()
	return of
}

// next is the agent after this one, on the same folder and engine.
func (b *bench) next(of *engine) *bench {
	b.t.Helper()
	return openBench(b.t, b.agent.cfg.Dir, b.bundleDir, func(a *agent) { a.cfg.Runtime = of })
}

// stray starts a predictor as an agent did whose order is not known any more.
func (b *bench) stray(of *engine, slot string, spec contract.TrackSpec, generation int64) runtime.Instance {
	b.t.Helper()
	start, err := of.Bring(b.t.Context(), spec.Image)
	require.NoError(b.t, err)
	instance, err := start(b.t.Context(), runtime.Launch{
		Owner: runtime.Owner{Environment: environment, Pipeline: product, Slot: slot, Generation: generation},
		Spec:  spec, Bundle: spec.BundleURI[len("file://"):], Log: nopCloser{io.Discard},
	})
	require.NoError(b.t, err)
	return instance
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func runs(of runtime.Instance) bool {
	select {
	case <-of.Ended():
		return false
	default:
		return true
	}
}

// No request is refused because an agent was killed: what was ready is ready in the first answer of the next one, at the same address. It is that one's to
// start again and to stop.
func TestThePredictorsOfAKilledAgentServeOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	blue, green := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{})), b.put(contract.Green, b.spec(2, deploytest.Behaviour{}))
	of := b.killed()
	require.True(t, alive(blue.PID))

	again := b.next(of)
	require.Equal(t, blue, again.track(contract.Blue))
	require.Equal(t, green, again.track(contract.Green))
	require.Equal(t, blue, again.put(contract.Blue, blue.Spec), "it is what is wanted")
	require.Equal(t, 2, of.starts())

	again.kill(contract.Blue)
	again.await("started again", func() bool { return again.track(contract.Blue).State == contract.TrackReady })
	require.Equal(t, 3, of.starts())
	now := again.track(contract.Blue)
	again.close()
	require.False(t, alive(now.PID))
	require.False(t, alive(green.PID))
}

// What the newest generation names is gone on with, and nothing else: neither what was started under an older one and should have been stopped, nor what nobody
// has told the agent of.
func TestOnlyWhatTheNewestGenerationNamesIsAdopted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 7))
	old, wanted := b.spec(1, deploytest.Behaviour{}), b.spec(2, deploytest.Behaviour{})
	current, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, wanted, 7)
	require.NoError(t, err)
	of := b.killed()
	strays := map[string]runtime.Instance{
		"another spec of an older generation":       b.stray(of, contract.Blue, old, 5),
		"the same spec, started before it was left": b.stray(of, contract.Blue, wanted, 5),
		"of a generation that was never told":       b.stray(of, contract.Blue, wanted, 8),
		"of a slot with nothing in it":              b.stray(of, contract.Green, old, 7),
	}
	again := b.next(of)
	require.Equal(t, current, again.track(contract.Blue))
	for what, stray := range strays {
		<-stray.Ended()
		require.False(t, runs(stray), what)
	}
	require.True(t, alive(current.PID))
	_, err = again.provider.Track(t.Context(), environment, product, contract.Green)
	require.True(t, contract.IsNotFound(err))
}

// An agent that has lost its folder knows nothing, and so stops nothing: gateways go by the routes that they have. A write under an older generation than what
// runs was started under is refused; once the newest is delivered again, what it names goes on and the rest ends.
func TestTheNextAgentOfALostFolder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 5))
	blue, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, b.spec(1, deploytest.Behaviour{}), 5)
	require.NoError(t, err)
	of := b.killed()
	stray := b.stray(of, contract.Green, b.spec(2, deploytest.Behaviour{}), 4)
	require.NoError(t, os.Remove(b.agent.statePath))

	lost := b.next(of)
	_, err = lost.provider.Track(t.Context(), environment, product, contract.Blue)
	require.True(t, contract.IsNotFound(err))
	require.NotContains(t, lost.poll("", -1).Pipelines, product, "gateways keep their routes")
	require.True(t, alive(blue.PID))
	require.True(t, runs(stray))

	err = lost.provider.Teach(t.Context(), environment, product, 4)
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "started under 5")
	require.NoError(t, lost.provider.Teach(t.Context(), environment, product, 5))
	again, err := lost.provider.PutTrack(t.Context(), environment, product, contract.Blue, blue.Spec, 5)
	require.NoError(t, err)
	require.Equal(t, blue, again)
	require.Equal(t, 2, of.starts(), "the first and the stray")
	require.True(t, runs(stray), "it is not known yet that nobody wants it")
	_, err = lost.provider.PutRoute(t.Context(), environment, product, allBlue, "", 5)
	require.NoError(t, err)
	<-stray.Ended()
	require.True(t, alive(blue.PID))
}

// A challenger that outgrows its plan is given up at once and says why; the champion, without which there is nothing, is started again.
func TestKilledAtTheLimitOfMemory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	of := b.agent.cfg.Runtime.(*engine)
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	challenger := b.put(contract.Green, b.spec(2, deploytest.Behaviour{}))
	_, err := b.provider.PutRoute(t.Context(), environment, product, map[string]int{contract.Blue: 90, contract.Green: 10}, "", 1)
	require.NoError(t, err)

	require.NoError(t, of.outOfMemory(challenger.PID))
	b.await("given up", func() bool { return b.track(contract.Green).State == contract.TrackFailed })
	failed := b.track(contract.Green)
	require.Equal(t, "killed at 100 MiB, the plan's limit", failed.Message)
	require.Equal(t, failed.Message, failed.Killed)
	require.Zero(t, failed.Restarts)

	champion := b.track(contract.Blue)
	require.NoError(t, of.outOfMemory(champion.PID))
	b.await("started again", func() bool {
		now := b.track(contract.Blue)
		return now.State == contract.TrackReady && now.PID != champion.PID
	})
	now := b.track(contract.Blue)
	require.Equal(t, "killed at 100 MiB, the plan's limit", now.Killed, "it is not forgotten")
	require.Empty(t, now.Message)
	require.Equal(t, 1, now.Restarts)
}

// A leak is drilled where something ends it.
func TestALeakIsDrilledInContainersAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec(1, deploytest.Behaviour{})
	spec.Drill = "leak=8MiB"
	_, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, spec, 1)
	require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "--runtime docker")
	_, err = b.provider.Track(t.Context(), environment, product, contract.Blue)
	require.True(t, contract.IsNotFound(err))
}
