package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
)

func TestPutStartsOnceAndKeepsTheProcess(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec(1, deploytest.Behaviour{})
	first := b.put(contract.Blue, spec)
	require.Equal(t, spec, first.Spec)
	require.True(t, alive(first.PID))
	require.Equal(t, first, b.put(contract.Blue, spec), "the same spec again changes nothing")
	require.Equal(t, first, b.track(contract.Blue))
}

func TestPredictorGetsItsLimitsAndNothingElse(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "must not reach a predictor")
	b := newBench(t)
	spec := b.spec(7, deploytest.Behaviour{})
	spec.Drill = "delay=1ms"
	track := b.put(contract.Green, spec)
	var environ, args []string
	getJSON(t, track.URL+"/environment", &environ)
	// 100 MiB x 1024 x 0.95; 1,500 thousandths rounded up to whole cores.
	require.ElementsMatch(t, []string{"GOMEMLIMIT=97280KiB", "GOMAXPROCS=2", "LOANOPS_DRILL=delay=1ms"}, environ)
	getJSON(t, track.URL+"/arguments", &args)
	require.Contains(t, args, spec.Digest)
	require.Contains(t, args, "7")
}

func TestCrashedPredictorIsStartedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	b.kill(contract.Blue)
	after, err := b.provider.SettledTrack(t.Context(), environment, product, contract.Blue)
	require.NoError(t, err)
	require.Equal(t, contract.TrackReady, after.State)
	require.Equal(t, 1, after.Restarts)
	require.NotEqual(t, before.PID, after.PID)
	require.True(t, alive(after.PID))
}

func TestGivenUpAfterFiveCrashesWithinAMinuteUntilTheNextPut(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec(1, deploytest.Behaviour{})
	b.put(contract.Blue, spec)
	for range 5 {
		b.await("ready", func() bool { return b.track(contract.Blue).State == contract.TrackReady })
		b.kill(contract.Blue)
	}
	failed, err := b.provider.SettledTrack(t.Context(), environment, product, contract.Blue)
	require.NoError(t, err)
	require.Equal(t, contract.TrackFailed, failed.State)
	require.Zero(t, failed.PID)
	require.Contains(t, failed.Message, "5 crashes within 1m0s")
	require.Equal(t, 4, failed.Restarts)

	again := b.put(contract.Blue, spec)
	require.True(t, alive(again.PID))
}

func TestCrashesFarApartAreNeverGivenUp(t *testing.T) {
	t.Parallel()
	c := &clock{now: time.Unix(0, 0)}
	b := newBench(t, func(a *agent) { a.now = c.Now })
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	for range 7 {
		b.await("ready", func() bool { return b.track(contract.Blue).State == contract.TrackReady })
		c.advance(crashWindow)
		b.kill(contract.Blue)
	}
	b.await("ready", func() bool { return b.track(contract.Blue).State == contract.TrackReady })
	require.Equal(t, 7, b.track(contract.Blue).Restarts)
}

func TestReplacementHasNoGap(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(a *agent) { a.acknowledgeWait = limit })
	old := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	routes := b.poll("gateway", -1)
	gate := filepath.Join(t.TempDir(), "gate")
	next := b.spec(2, deploytest.Behaviour{Gate: gate})
	done := make(chan error, 1)
	go func() {
		_, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, next, 1)
		done <- err
	}()
	b.await("the new process", func() bool { return b.launchedProcesses() == 2 })
	require.Equal(t, old, b.track(contract.Blue), "the old one serves until the new one is ready")
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	// The gateway acknowledges what it knows and is told of the change; until it acknowledges that, the old one lives.
	changed := b.poll("gateway", routes.Revision)
	require.Greater(t, changed.Revision, routes.Revision)
	require.True(t, alive(old.PID))
	require.Equal(t, 2, b.track(contract.Blue).Spec.ModelVersion)
	go b.poll("gateway", changed.Revision)
	require.NoError(t, <-done)
	require.False(t, alive(old.PID))
}

func TestReplacementThatDoesNotStartLeavesTheOldOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	old := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	_, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, b.spec(2, deploytest.Behaviour{Exit: true}), 1)
	require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "exit status 3")
	require.Equal(t, old, b.track(contract.Blue))
	require.True(t, alive(old.PID))
}

func TestBundleMustBeWhatTheDigestSays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec(1, deploytest.Behaviour{})
	require.NoError(t, os.WriteFile(filepath.Join(b.bundleDir, spec.Digest), []byte("tampered"), 0o600))
	_, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, spec, 1)
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, spec.Digest)
	require.Equal(t, contract.TrackFailed, b.track(contract.Blue).State)

	spec.BundleURI = "s3://loanops/absent"
	_, err = b.provider.PutTrack(t.Context(), environment, product, contract.Blue, spec, 1)
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)
}

func TestKeptBundleThatWasDamagedIsFetchedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec(1, deploytest.Behaviour{})
	kept := filepath.Join(b.agent.bundles.dir, spec.Digest)
	require.NoError(t, os.WriteFile(kept, []byte("damaged"), 0o600))
	b.put(contract.Blue, spec)
	found, _, err := file.Digest(kept)
	require.NoError(t, err)
	require.Equal(t, spec.Digest, found)
}

func TestInterruptedPutGoesOnAndIsJoined(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := filepath.Join(t.TempDir(), "gate")
	spec := b.spec(1, deploytest.Behaviour{Gate: gate})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := b.provider.PutTrack(ctx, environment, product, contract.Blue, spec, 1)
		done <- err
	}()
	b.await("starting", func() bool { return b.launchedProcesses() == 1 })
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	b.put(contract.Blue, spec)
	require.Equal(t, 1, b.launchedProcesses(), "the second put joined the first's process")
}

func TestAnotherSpecSupersedesOneThatIsStillStarting(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	never := b.spec(1, deploytest.Behaviour{Gate: filepath.Join(t.TempDir(), "never")})
	done := make(chan error, 1)
	go func() {
		_, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, never, 1)
		done <- err
	}()
	b.await("starting", func() bool { return b.launchedProcesses() == 1 })
	track := b.put(contract.Blue, b.spec(2, deploytest.Behaviour{}))
	require.Equal(t, 2, track.Spec.ModelVersion)
	require.Equal(t, fault.Unavailable, fault.CodeOf(<-done))
}

func TestDelete(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	track := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	_, err := b.provider.PutRoute(t.Context(), environment, product, map[string]int{contract.Blue: 100}, "", 1)
	require.NoError(t, err)
	err = b.provider.DeleteTrack(t.Context(), environment, product, contract.Blue, 1)
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "a track with traffic stays")
	require.True(t, alive(track.PID))

	require.NoError(t, b.provider.DeleteRoute(t.Context(), environment, product, 1))
	require.NoError(t, b.provider.DeleteRoute(t.Context(), environment, product, 1), "again is fine")
	require.NoError(t, b.provider.DeleteTrack(t.Context(), environment, product, contract.Blue, 1))
	require.NoError(t, b.provider.DeleteTrack(t.Context(), environment, product, contract.Blue, 1), "again is fine")
	require.False(t, alive(track.PID))
	_, err = b.provider.Track(t.Context(), environment, product, contract.Blue)
	require.True(t, contract.IsNotFound(err))
	actual, err := b.provider.Actual(t.Context(), environment, product)
	require.NoError(t, err)
	require.Equal(t, contract.Actual{Tracks: map[string]contract.Track{}, Generation: 1}, actual)
}

func TestRestartRestoresTracksAndRouteWithoutTheObjectStore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	blue, green := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{})), b.put(contract.Green, b.spec(2, deploytest.Behaviour{}))
	_, err := b.provider.PutRoute(t.Context(), environment, product, map[string]int{contract.Blue: 90, contract.Green: 10}, "", 1)
	require.NoError(t, err)
	before := b.poll("", -1)
	b.close()
	require.False(t, alive(blue.PID))
	require.False(t, alive(green.PID))

	again := openBench(t, b.agent.cfg.Dir, b.bundleDir, func(a *agent) {
		a.bundles.fetch = func(context.Context, string, string) (string, error) {
			return "", errors.New("the object store is not there")
		}
	})
	for slot, spec := range map[string]contract.TrackSpec{contract.Blue: blue.Spec, contract.Green: green.Spec} {
		track, err := again.provider.SettledTrack(t.Context(), environment, product, slot)
		require.NoError(t, err)
		require.Equal(t, contract.TrackReady, track.State)
		require.Equal(t, spec, track.Spec)
	}
	after := again.poll("", -1)
	require.Greater(t, after.Revision, before.Revision)
	require.Equal(t, before.Pipelines[product].Weights, after.Pipelines[product].Weights)
	require.NotEqual(t, before.Pipelines[product].Tracks[contract.Blue].URL, after.Pipelines[product].Tracks[contract.Blue].URL)
}

func TestTrackThatNeverStartedIsNotRestored(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, b.spec(1, deploytest.Behaviour{Exit: true}), 1)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	b.close()
	again := openBench(t, b.agent.cfg.Dir, b.bundleDir)
	_, err = again.provider.Track(t.Context(), environment, product, contract.Blue)
	require.True(t, contract.IsNotFound(err))
}

// launchedProcesses is how many predictors the agent has started so far.
func (b *bench) launchedProcesses() int { return b.agent.cfg.Runtime.(*engine).starts() }
