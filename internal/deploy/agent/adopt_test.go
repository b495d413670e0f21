package agent

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
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
	first := b.putUnder(7, contract.Blue, b.spec(9, deploytest.Behaviour{}))
	b.share(7, allBlue)
	old, wanted := b.spec(1, deploytest.Behaviour{}), b.spec(2, deploytest.Behaviour{})
	current := b.putUnder(7, contract.Blue, wanted)
	require.NotEqual(t, first.PID, current.PID)
	of := b.killed()
	strays := map[string]runtime.Instance{
		"another spec of an older generation":       b.stray(of, contract.Blue, old, 5),
		"the same spec, started before it was left": b.stray(of, contract.Blue, wanted, 5),
		"of a slot with nothing in it":              b.stray(of, contract.Green, old, 7),
	}
	again := b.next(of)
	require.Equal(t, current, again.track(contract.Blue))
	again.agent.work.Wait()
	for what, stray := range strays {
		require.False(t, runs(stray), what)
	}
	require.True(t, alive(current.PID))
	_, err := again.provider.Track(t.Context(), environment, product, contract.Green)
	require.True(t, contract.IsNotFound(err))
}

// An agent that has lost its folder knows nothing, and so stops nothing: gateways go by the routes that they have, until production is delivered again. Then
// what is named goes on, the rest ends, and the route is told.
func TestTheNextAgentOfALostFolder(t *testing.T) {
	t.Parallel()
	for name, strayed := range map[string]bool{"alone": false, "beside what nobody wants": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			require.NoError(t, b.provider.Teach(t.Context(), environment, product, 5))
			blue := b.putUnder(5, contract.Blue, b.spec(1, deploytest.Behaviour{}))
			b.share(5, allBlue)
			of, wanted := b.killed(), blue.Spec
			var stray runtime.Instance
			if strayed {
				stray = b.stray(of, contract.Green, b.spec(2, deploytest.Behaviour{}), 4)
			}
			starts := of.starts()
			require.NoError(t, os.Remove(b.agent.statePath))
			serves := func(b *bench) {
				t.Helper()
				b.agent.work.Wait()
				require.NotContains(t, b.poll("", -1).Pipelines, product, "gateways keep their routes")
				require.True(t, alive(blue.PID))
				require.True(t, stray == nil || runs(stray), "it is not known yet that nobody wants it")
			}

			b = b.next(of)
			_, err := b.provider.Track(t.Context(), environment, product, contract.Blue)
			require.True(t, contract.IsNotFound(err))
			serves(b)
			require.NoError(t, b.provider.Teach(t.Context(), environment, product, 5))
			serves(b)
			b = b.next(b.killed()) // nor does it forget that when it is killed once more
			serves(b)
			again := b.putUnder(5, contract.Blue, wanted)
			require.Equal(t, blue, again)
			serves(b)
			b = b.next(b.killed())
			serves(b)
			b.share(5, allBlue)
			require.Contains(t, b.poll("", -1).Pipelines, product)
			b.agent.work.Wait()
			require.True(t, alive(blue.PID))
			require.False(t, strayed && runs(stray))
			require.Equal(t, starts, of.starts())
		})
	}
}

// An agent on a folder of before, such as a backup's, sees by what runs that it is: it neither ends what was delivered since nor sends clients back to what was
// delivered then, until production is delivered again.
func TestTheNextAgentOfAnOldFolder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 5))
	old := b.putUnder(5, contract.Blue, b.spec(1, deploytest.Behaviour{}))
	b.share(5, allBlue)
	backup, err := os.ReadFile(b.agent.statePath)
	require.NoError(t, err)
	green := b.putUnder(6, contract.Green, b.spec(2, deploytest.Behaviour{}))
	b.share(6, map[string]int{contract.Green: 100})
	of := b.killed()
	require.NoError(t, os.WriteFile(b.agent.statePath, backup, 0o600))

	next := b.next(of)
	next.agent.work.Wait()
	require.True(t, alive(green.PID))
	require.NotContains(t, next.poll("", -1).Pipelines, product, "gateways keep their routes")
	require.NoError(t, next.provider.Teach(t.Context(), environment, product, 6))
	require.Equal(t, green, next.putUnder(6, contract.Green, green.Spec))
	next.share(6, map[string]int{contract.Green: 100})
	next.agent.work.Wait()
	require.Equal(t, 2, of.starts())
	require.True(t, alive(green.PID))
	require.False(t, alive(old.PID))
	require.Contains(t, next.poll("", -1).Pipelines, product)
}

// The way back from an upgrade: what the newer release wrote more is none of this one's business.
func TestTheStateOfANewerRelease(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	blue := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	of := b.killed()
	state, err := os.ReadFile(b.agent.statePath)
	require.NoError(t, err)
	newer := strings.NewReplacer(`"revision":`, `"shape": {"of": 2}, "revision":`, `"model_version":`, `"colour": "red", "model_version":`).Replace(string(state))
	require.Equal(t, 2, strings.Count(newer, "shape")+strings.Count(newer, "colour"), newer)
	require.NoError(t, os.WriteFile(b.agent.statePath, []byte(newer), 0o600))
	require.Equal(t, blue, b.next(of).track(contract.Blue))
}

// Nothing that gateways may go by ends before they know better: neither where another release makes predictors in another way, nor where another spec takes the
// slot.
func TestWhatIsReplacedAfterALostFolder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 5))
	blue := b.putUnder(5, contract.Blue, b.spec(1, deploytest.Behaviour{}))
	b.share(5, allBlue)
	of := b.killed()
	require.NoError(t, os.Remove(b.agent.statePath))
	b = b.next(of)
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 5))
	require.Equal(t, blue, b.putUnder(5, contract.Blue, blue.Spec))
	of = b.killed()
	of.release = "the next"
	b = b.next(of)
	b.agent.work.Wait()
	next := b.track(contract.Blue)
	require.NotEqual(t, blue.PID, next.PID)
	require.True(t, alive(blue.PID))
	other := b.putUnder(5, contract.Blue, b.spec(2, deploytest.Behaviour{}))
	require.True(t, alive(blue.PID))
	require.True(t, alive(next.PID))
	require.NotContains(t, b.poll("", -1).Pipelines, product)
	b.share(5, allBlue)
	b.agent.work.Wait()
	require.False(t, alive(blue.PID))
	require.False(t, alive(next.PID))
	require.True(t, alive(other.PID))
}

// What was deleted, and saved as that, does not serve on for ever because its agent was killed before it had ended.
func TestWhatWasDeletedByAKilledAgent(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec(1, deploytest.Behaviour{})
	b.put(contract.Blue, spec)
	b.share(1, allBlue)
	require.NoError(t, b.provider.DeleteRoute(t.Context(), environment, product, 1))
	require.NoError(t, b.provider.DeleteTrack(t.Context(), environment, product, contract.Blue, 1))
	of := b.killed()
	left := b.stray(of, contract.Blue, spec, 1)
	next := b.next(of)
	next.agent.work.Wait()
	require.False(t, runs(left))
}

// looking is an engine that looks at the saved state whenever it is asked something.
type looking struct {
	*engine
	look func()
}

// Identify looks before it answers.
func (l looking) Identify(spec contract.TrackSpec) (runtime.Identity, error) {
	l.look()
	return l.engine.Identify(spec)
}

// An agent that is killed while it begins leaves the state of all environments.
func TestTheStateIsWholeWhileAnAgentBegins(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	environments := []string{"production", "staging"}
	for _, one := range environments {
		require.NoError(t, b.provider.Teach(t.Context(), one, product, 5))
		_, err := b.provider.PutTrack(t.Context(), one, product, contract.Blue, b.spec(1, deploytest.Behaviour{}), 5)
		require.NoError(t, err)
	}
	of, path, looks := b.killed(), b.agent.statePath, 0
	look := func() {
		state, err := load(path)
		require.NoError(t, err)
		require.Len(t, state.Environments, len(environments))
		looks++
	}
	next := openBench(t, b.agent.cfg.Dir, b.bundleDir, func(a *agent) { a.cfg.Runtime = looking{of, look} })
	require.GreaterOrEqual(t, looks, len(environments))
	for _, one := range environments {
		track, err := next.provider.Track(t.Context(), one, product, contract.Blue)
		require.NoError(t, err)
		require.Equal(t, contract.TrackReady, track.State)
	}
}

// A platform that begins anew, at generation 1, where a killed one left predictors of generation 17: they are none of its.
func TestAFreshPlatformWhereAnotherWasKilled(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 17))
	old := b.putUnder(17, contract.Blue, b.spec(1, deploytest.Behaviour{}))
	of := b.killed()
	require.NoError(t, os.Remove(b.agent.statePath))
	fresh := b.next(of)
	require.NoError(t, fresh.provider.Teach(t.Context(), environment, product, 1))
	now := fresh.put(contract.Blue, old.Spec)
	require.NotEqual(t, old.PID, now.PID, "it was started under a newer generation")
	fresh.share(1, allBlue)
	fresh.agent.work.Wait()
	require.False(t, alive(old.PID))
}

// What an agent that lost its folder is told to remove goes, with what it did not know of.
func TestWhatIsDeletedAfterALostFolder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	blue, green := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{})), b.put(contract.Green, b.spec(2, deploytest.Behaviour{}))
	of := b.killed()
	require.NoError(t, os.Remove(b.agent.statePath))
	lost := b.next(of)
	require.NoError(t, lost.provider.Teach(t.Context(), environment, product, 2))
	require.NoError(t, lost.provider.DeleteTrack(t.Context(), environment, product, contract.Blue, 2))
	lost.agent.work.Wait()
	require.False(t, alive(blue.PID))
	require.True(t, alive(green.PID))
	require.NoError(t, lost.provider.DeleteRoute(t.Context(), environment, product, 2))
	lost.agent.work.Wait()
	require.False(t, alive(green.PID))
}

// Another release makes predictors in another way. What serves goes on until its successor is ready, which takes its place without a gap.
func TestAnUpgradeReplacesWhatServesWithoutAGap(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := filepath.Join(t.TempDir(), "gate")
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	old := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{Gate: gate}))
	b.share(1, allBlue)
	of := b.killed()
	of.release = "the next"
	next := b.next(of)
	require.Equal(t, old, next.track(contract.Blue), "it is ready in the first answer")
	require.NoError(t, os.Remove(gate))
	next.await("the successor is started", func() bool { return of.starts() == 2 })
	require.True(t, alive(old.PID))
	require.Equal(t, old, next.track(contract.Blue))
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	next.await("the successor serves", func() bool { return next.track(contract.Blue).PID != old.PID })
	next.agent.work.Wait()
	require.False(t, alive(old.PID))
	require.Equal(t, contract.TrackReady, next.track(contract.Blue).State)
}

// What is not ready when an agent is killed is not called ready by the next one.
func TestAnAdoptedPredictorIsAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := filepath.Join(t.TempDir(), "gate")
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	blue := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{Gate: gate}))
	require.NoError(t, os.Remove(gate))
	b.kill(contract.Blue)
	b.await("started again", func() bool { now := b.track(contract.Blue); return now.PID != blue.PID && now.PID != 0 })
	next := b.next(b.killed())
	require.Equal(t, contract.TrackStarting, next.track(contract.Blue).State)
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	next.await("ready", func() bool { return next.track(contract.Blue).State == contract.TrackReady })
}

// An engine that is restarted ends all predictors, and for a while none can be started. That is no crash of theirs.
func TestAnEngineThatIsAway(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	of := b.agent.cfg.Runtime.(*engine)
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	of.mu.Lock()
	of.away = maxCrashes + 1
	of.mu.Unlock()
	b.kill(contract.Blue)
	b.await("back", func() bool { return b.track(contract.Blue).State == contract.TrackReady })
	require.Equal(t, 1, b.track(contract.Blue).Restarts)
}

// Nor is it one of what the agent before had ready, as after a restart of the machine, whose engine starts nothing for a while.
func TestAnEngineThatIsAwayWhenTheAgentBegins(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	blue := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	of := b.killed()
	require.NoError(t, syscall.Kill(blue.PID, syscall.SIGKILL))
	of.mu.Lock()
	for instance := range of.alive {
		<-instance.Ended()
	}
	of.away = maxCrashes + 1
	of.mu.Unlock()
	next := b.next(of)
	next.await("back", func() bool { return next.track(contract.Blue).State == contract.TrackReady })
	require.Zero(t, next.track(contract.Blue).Restarts)
}

// What cannot be started for the engine is away may be asked for again.
func TestADeliveryWhileTheEngineIsAway(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	of := b.agent.cfg.Runtime.(*engine)
	of.mu.Lock()
	of.away = maxCrashes
	of.mu.Unlock()
	spec := b.spec(1, deploytest.Behaviour{})
	_, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, spec, 1)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	b.put(contract.Blue, spec)
}

// That the successor of what serves cannot be had is told, where the track is looked at and in the log.
func TestASuccessorThatDoesNotStart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	of := b.killed()
	of.release, of.broken = "the next", fault.New(fault.Refused, "the image is of another machine")
	var said bytes.Buffer
	next := openBench(t, b.agent.cfg.Dir, b.bundleDir, func(a *agent) {
		a.cfg.Runtime, a.log = of, slog.New(slog.NewTextHandler(&said, nil))
	})
	next.agent.work.Wait()
	now := next.track(contract.Blue)
	require.Equal(t, []any{contract.TrackReady, old.PID}, []any{now.State, now.PID})
	require.Contains(t, now.Message, "the image is of another machine")
	require.Contains(t, said.String(), "the image is of another machine")
}

// An agent that cannot go on ends nothing that serves.
func TestAnAgentThatCannotBeginLeavesWhatServes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	blue := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	of := b.killed()
	cfg := b.agent.cfg
	cfg.Runtime, cfg.Address = of, "127.0.0.1:0"
	require.NoError(t, os.Remove(b.agent.statePath))
	require.NoError(t, os.Mkdir(b.agent.statePath, 0o700)) // neither read nor written
	require.Error(t, Run(t.Context(), cfg))
	require.True(t, alive(blue.PID))
	require.NoError(t, syscall.Kill(blue.PID, syscall.SIGKILL))
}

// A predictor that outgrows its plan is told as that. Who has no share of the traffic is given up at once; who has is started again, be it the champion of a
// late step.
func TestKilledAtTheLimitOfMemory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	of := b.agent.cfg.Runtime.(*engine)
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 3))
	champion, challenger := b.spec(1, deploytest.Behaviour{}), b.spec(2, deploytest.Behaviour{})
	blue, green := b.putUnder(3, contract.Blue, champion), b.putUnder(3, contract.Green, challenger)
	_, err := b.provider.PutRoute(t.Context(), environment, product, allBlue, contract.Green, 3)
	require.NoError(t, err)
	require.NoError(t, of.outOfMemory(green.PID))
	b.await("given up", func() bool { return b.track(contract.Green).State == contract.TrackFailed })
	failed := b.track(contract.Green)
	require.Equal(t, "killed at 100 MiB, the plan's limit", failed.Message)
	require.Equal(t, &contract.Kill{LimitMiB: 100, Generation: 3}, failed.Killed)
	require.Zero(t, failed.Restarts)

	// Terraform, which finds that it does not run, puts it again: that it was killed is not forgotten, nor by an agent that is started anew.
	b.putUnder(3, contract.Green, challenger)
	require.Equal(t, failed.Killed, b.track(contract.Green).Killed)
	b = b.next(b.killed())
	require.Equal(t, failed.Killed, b.track(contract.Green).Killed)

	b.share(3, map[string]int{contract.Blue: 30, contract.Green: 70})
	require.NoError(t, of.outOfMemory(blue.PID))
	b.await("started again", func() bool {
		now := b.track(contract.Blue)
		return now.State == contract.TrackReady && now.PID != blue.PID
	})
	require.NotNil(t, b.track(contract.Blue).Killed)
	b.putUnder(3, contract.Blue, b.spec(3, deploytest.Behaviour{}))
	require.Nil(t, b.track(contract.Blue).Killed, "it was another's")
}

// The next agent learns of a container that was killed while none was there.
func TestKilledWhileNoAgentWasThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	green := b.put(contract.Green, b.spec(2, deploytest.Behaviour{}))
	of := b.killed()
	require.NoError(t, of.outOfMemory(green.PID))
	of.mu.Lock()
	for instance := range of.alive {
		<-instance.Ended()
	}
	of.mu.Unlock()
	require.Equal(t, &contract.Kill{LimitMiB: 100, Generation: 1}, b.next(of).track(contract.Green).Killed)
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

// Who starts a whole platform starts the registry beside the agent: what served is started when the image can be had.
func TestWhatServedWaitsForItsImage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec(1, deploytest.Behaviour{})
	b.put(contract.Blue, spec)
	b.close()
	asked := 0
	next := openBench(t, b.agent.cfg.Dir, b.bundleDir, func(a *agent) {
		good := deploytest.Programs(t)
		a.cfg.Runtime = programs(a.cfg.Dir, func(ctx context.Context, image string) (string, []string, error) {
			if asked++; asked < 3 {
				return "", nil, fault.New(fault.Unavailable, "connection refused")
			}
			return good(ctx, image)
		})
	})
	next.await("ready", func() bool { return next.track(contract.Blue).State == contract.TrackReady })
	require.Equal(t, spec, next.track(contract.Blue).Spec)
}
