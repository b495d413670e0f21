package agent

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/fault"
)

var allBlue = map[string]int{contract.Blue: 100}

// writes is every way to change what serves, each against an environment in which blue serves spec with all traffic.
func (b *bench) writes(spec contract.TrackSpec) map[string]func(generation int64) error {
	ctx, cancel := context.WithTimeout(b.t.Context(), limit)
	b.t.Cleanup(cancel)
	return map[string]func(int64) error{
		"put track": func(generation int64) error {
			_, err := b.provider.PutTrack(ctx, environment, product, contract.Blue, spec, generation)
			return err
		},
		"delete track": func(generation int64) error {
			return b.provider.DeleteTrack(ctx, environment, product, contract.Green, generation)
		},
		"put route": func(generation int64) error {
			_, err := b.provider.PutRoute(ctx, environment, product, allBlue, "", generation)
			return err
		},
		"rollback": func(generation int64) error {
			_, err := b.rollback.Rollback(ctx, environment, product, allBlue, generation)
			return err
		},
		"delete route": func(generation int64) error {
			return b.provider.DeleteRoute(ctx, environment, product, generation)
		},
	}
}

// actual is what the agent says.
func (b *bench) actual() contract.Actual {
	b.t.Helper()
	actual, err := b.provider.Actual(b.t.Context(), environment, product)
	require.NoError(b.t, err)
	return actual
}

// awaitGeneration asks until the agent has accepted generation: no event tells of one, as it concerns no gateway.
func (b *bench) awaitGeneration(generation int64) {
	b.t.Helper()
	deadline := time.Now().Add(limit)
	for b.actual().Generation < generation {
		require.True(b.t, time.Now().Before(deadline), "not within %s", limit)
	}
}

func TestOlderGenerationIsRefusedOnEveryWrite(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec(1, deploytest.Behaviour{})
	b.put(contract.Blue, spec)
	_, err := b.provider.PutRoute(t.Context(), environment, product, allBlue, "", 1)
	require.NoError(t, err)
	require.NoError(t, b.rollback.Teach(t.Context(), environment, product, 3))
	before := b.actual()
	require.Equal(t, int64(3), before.Generation)
	require.Equal(t, int64(1), before.Route.Generation, "telling confirms no route")
	writes := b.writes(spec)
	writes["teach"] = func(generation int64) error { return b.provider.Teach(t.Context(), environment, product, generation) }
	for name, write := range writes {
		for generation, want := range map[int64]fault.Code{-1: fault.Invalid, 0: fault.Invalid, 1: fault.Conflict, 2: fault.Conflict} {
			require.Equal(t, want, fault.CodeOf(write(generation)), "%s under generation %d", name, generation)
		}
	}
	require.Equal(t, before, b.actual(), "nothing was changed")
	require.ErrorContains(t, writes["put route"](2), "loan-eligibility in production: generation 2 is overtaken: the newest is 3")
	for name, write := range writes {
		require.NoError(t, write(3), name)
	}
	require.NoError(t, b.provider.Teach(t.Context(), contract.Staging, product, 2), "another environment has its own")
}

func TestLostAgentRefusesEveryWriteUntilItIsTaught(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec(1, deploytest.Behaviour{})
	b.put(contract.Blue, spec)
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 5))
	b.close()
	require.NoError(t, os.Remove(b.agent.statePath))

	lost := openBench(t, b.agent.cfg.Dir, b.bundleDir)
	require.Equal(t, contract.Actual{Tracks: map[string]contract.Track{}}, lost.actual())
	for name, write := range lost.writes(spec) {
		for _, generation := range []int64{1, 4, 5, 6} {
			require.Equal(t, fault.Unavailable, fault.CodeOf(write(generation)), "%s under generation %d", name, generation)
		}
	}
	require.Zero(t, lost.launchedProcesses())
	require.NoError(t, lost.provider.Teach(t.Context(), environment, product, 5))
	for name, write := range lost.writes(spec) {
		require.Equal(t, fault.Conflict, fault.CodeOf(write(4)), name)
	}
	_, err := lost.provider.PutTrack(t.Context(), environment, product, contract.Blue, spec, 5)
	require.NoError(t, err)
}

func TestLateJobUnderAnOlderGenerationDoesNotReplaceASlot(t *testing.T) {
	t.Parallel()
	for _, slot := range contract.Slots() { // blue serves, green is empty
		t.Run(slot, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			old := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
			gate := filepath.Join(t.TempDir(), "gate")
			late := b.spec(2, deploytest.Behaviour{Gate: gate})
			done := make(chan error, 1)
			go func() {
				_, err := b.provider.PutTrack(t.Context(), environment, product, slot, late, 1)
				done <- err
			}()
			b.await("the new process", func() bool { return b.launchedProcesses() == 2 })
			_, err := b.rollback.Rollback(t.Context(), environment, product, allBlue, 2)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(gate, nil, 0o600))
			err = <-done
			require.Equal(t, fault.Conflict, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, "generation 1, which is overtaken: the newest is 2")
			require.Equal(t, old, b.track(contract.Blue))
			require.True(t, alive(old.PID))
			if slot == contract.Green {
				require.Equal(t, contract.TrackFailed, b.track(slot).State)
				require.Zero(t, b.track(slot).PID)
			}
			_, err = b.provider.PutTrack(t.Context(), environment, product, slot, late, 2)
			require.NoError(t, err, "who follows the newest generation may put the same")
		})
	}
}

func TestJobThatANewerGenerationWantsTooIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := filepath.Join(t.TempDir(), "gate")
	spec := b.spec(1, deploytest.Behaviour{Gate: gate})
	done := make(chan error, 2)
	put := func(generation int64) {
		_, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, spec, generation)
		done <- err
	}
	go put(1)
	b.await("starting", func() bool { return b.launchedProcesses() == 1 })
	go put(2)
	b.awaitGeneration(2)
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	require.Equal(t, 1, b.launchedProcesses())
}

func TestRestartRestoresGenerationAndTracksUnderANewerOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := filepath.Join(t.TempDir(), "gate")
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	spec := b.spec(1, deploytest.Behaviour{Gate: gate})
	b.put(contract.Blue, spec)
	_, err := b.provider.PutRoute(t.Context(), environment, product, allBlue, "", 4)
	require.NoError(t, err)
	b.close()
	require.NoError(t, os.Remove(gate))

	again := openBench(t, b.agent.cfg.Dir, b.bundleDir)
	require.Equal(t, int64(4), again.actual().Generation)
	require.Equal(t, int64(4), again.actual().Route.Generation)
	for name, write := range again.writes(spec) {
		require.Equal(t, fault.Conflict, fault.CodeOf(write(3)), name)
	}
	again.await("the restored process", func() bool { return again.launchedProcesses() == 1 })
	require.NoError(t, again.provider.Teach(t.Context(), environment, product, 5))
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	again.agent.mu.Lock()
	restored := again.agent.tracks[key{environment, product, contract.Blue}].job.done
	again.agent.mu.Unlock()
	<-restored
	require.Equal(t, contract.TrackReady, again.track(contract.Blue).State, "what was there comes back, whatever was told meanwhile")
}

// The database was restored from a backup, so that the agent is ahead of the record. The runbook's way back: the generations in the
// agent's file are set to 0 while it is stopped. What runs goes on, and the agent waits to be taught.
func TestAnAgentAheadOfARestoredRecordCanBeBroughtBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec(1, deploytest.Behaviour{})
	b.put(contract.Blue, spec)
	_, err := b.provider.PutRoute(t.Context(), environment, product, allBlue, "", 12)
	require.NoError(t, err)
	b.close()
	state, err := os.ReadFile(b.agent.statePath)
	require.NoError(t, err)
	state = regexp.MustCompile(`"generation": [0-9]*`).ReplaceAll(state, []byte(`"generation": 0`))
	require.NoError(t, os.WriteFile(b.agent.statePath, state, 0o600))

	back := openBench(t, b.agent.cfg.Dir, b.bundleDir)
	back.await("the process", func() bool { return back.track(contract.Blue).State == contract.TrackReady })
	require.Equal(t, allBlue, back.actual().Route.Weights)
	told := back.agentRoutes(environment).Pipelines[product]
	require.Equal(t, allBlue, told.Weights, "gateways are told where what runs is now")
	require.Equal(t, back.track(contract.Blue).URL, told.Tracks[contract.Blue].URL)
	for name, write := range back.writes(spec) {
		require.Equal(t, fault.Unavailable, fault.CodeOf(write(12)), name)
	}
	require.NoError(t, back.provider.Teach(t.Context(), environment, product, 3))
	_, err = back.provider.PutRoute(t.Context(), environment, product, allBlue, "", 3)
	require.NoError(t, err)
	require.EqualValues(t, 3, back.actual().Generation)
	require.EqualValues(t, 3, back.actual().Route.Generation)
}

func TestRouteThatIsOvertakenWhileItWaitsForATrackIsAConflict(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := filepath.Join(t.TempDir(), "gate")
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{Gate: gate}))
	b.close()
	require.NoError(t, os.Remove(gate))
	again := openBench(t, b.agent.cfg.Dir, b.bundleDir)
	done := make(chan error, 1)
	go func() {
		_, err := again.provider.PutRoute(t.Context(), environment, product, allBlue, "", 2)
		done <- err
	}()
	again.awaitGeneration(2)
	require.NoError(t, again.rollback.Teach(t.Context(), environment, product, 3))
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	require.Equal(t, fault.Conflict, fault.CodeOf(<-done))
	require.Nil(t, again.actual().Route)
}

func TestNewerGenerationConfirmsARouteWithoutTellingTheGateways(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	route, err := b.provider.PutRoute(t.Context(), environment, product, allBlue, "", 1)
	require.NoError(t, err)
	revision := b.poll("", -1).Revision
	confirmed, err := b.provider.PutRoute(t.Context(), environment, product, allBlue, "", 2)
	require.NoError(t, err)
	require.Equal(t, contract.Route{Weights: allBlue, Revision: route.Revision, Generation: 2, Writer: "terraform"}, confirmed)
	require.Equal(t, revision, b.poll("", -1).Revision)
	require.Equal(t, confirmed, *b.actual().Route)
	saved, err := load(b.agent.statePath)
	require.NoError(t, err)
	require.Equal(t, confirmed, *saved.Environments[environment][product].Route)
	require.Equal(t, int64(2), saved.Environments[environment][product].Generation)
}

// A rollback names both slots, what adopts it perhaps only one: nothing moves, and there is nothing to tell the gateways.
func TestWeightOfZeroIsLikeNone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	both := map[string]int{"blue": 100, "green": 0}
	set, err := b.rollback.Rollback(t.Context(), environment, product, both, 1)
	require.NoError(t, err)
	told := b.poll("", -1)
	for i, weights := range []map[string]int{allBlue, both} {
		generation := int64(2 + i)
		adopted, err := b.provider.PutRoute(t.Context(), environment, product, weights, "", generation)
		require.NoError(t, err)
		require.Equal(t, contract.Route{Weights: both, Revision: set.Revision, Generation: generation, Writer: "rollback"}, adopted)
		require.Equal(t, told, b.poll("", -1))
	}
}

// Shifting traffic to safety must not need Terraform to bring the safe predictor up.
func TestRollbackStartsAGivenUpPredictorAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.spec(1, deploytest.Behaviour{})
	b.put(contract.Blue, spec)
	for range maxCrashes {
		b.await("ready", func() bool { return b.track(contract.Blue).State == contract.TrackReady })
		b.kill(contract.Blue)
	}
	b.await("given up", func() bool { return b.track(contract.Blue).State == contract.TrackFailed })
	_, err := b.provider.PutRoute(t.Context(), environment, product, allBlue, "", 2)
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "Terraform puts the track first: %v", err)
	_, err = b.rollback.Rollback(t.Context(), environment, product, allBlue, 2)
	require.NoError(t, err)
	track := b.track(contract.Blue)
	require.Equal(t, contract.TrackReady, track.State)
	require.Equal(t, spec, track.Spec)
	require.True(t, alive(track.PID))
}

func TestRollbackToAPredictorThatDoesNotStartAgainIsAConflict(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	b.close()
	again := openBench(t, b.agent.cfg.Dir, b.bundleDir, func(a *agent) {
		a.settleLimit = time.Second // it is tried again for as long as it takes
		a.bundles.dir = filepath.Join(a.cfg.Dir, "emptied")
		a.bundles.fetch = func(context.Context, string, string) (string, error) {
			return "", fault.New(fault.Unavailable, "the object store is not there")
		}
	})
	_, err := again.rollback.Rollback(t.Context(), environment, product, allBlue, 2)
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "the object store is not there")
	require.Equal(t, int64(2), again.actual().Generation, "what is older stops all the same")
}

func TestGatewaysAreToldOfPipelinesWhoseGenerationIsKnown(t *testing.T) {
	t.Parallel()
	b := openBench(t, t.TempDir(), t.TempDir())
	require.Empty(t, b.poll("", -1).Pipelines)
	told := make(chan contract.Routes, 1)
	go func() { told <- b.poll("gateway", 0) }()
	b.await("the gateway", func() bool {
		b.agent.mu.Lock()
		defer b.agent.mu.Unlock()
		return len(b.agent.gateways[environment]) == 1
	})
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 7))
	require.Equal(t, map[string]contract.PipelineRoute{
		product: {Weights: map[string]int{}, Tracks: map[string]contract.RouteTrack{}},
	}, (<-told).Pipelines)
	require.Empty(t, b.agentRoutes("staging").Pipelines)
}

func (b *bench) agentRoutes(environment string) contract.Routes {
	b.agent.mu.Lock()
	defer b.agent.mu.Unlock()
	return b.agent.routesOf(environment)
}

func TestGenerationThatCannotBeSavedIsNotAccepted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.agent.mu.Lock()
	saved := b.agent.statePath
	b.agent.statePath = filepath.Join(t.TempDir(), "absent", "state.json")
	b.agent.mu.Unlock()
	require.Equal(t, fault.Internal, fault.CodeOf(b.provider.Teach(t.Context(), environment, product, 2)))
	require.Equal(t, fault.Internal, fault.CodeOf(b.provider.DeleteRoute(t.Context(), environment, product, 2)))
	require.Equal(t, int64(1), b.actual().Generation)
	b.agent.mu.Lock()
	b.agent.statePath = saved
	b.agent.mu.Unlock()
	require.NoError(t, b.provider.DeleteRoute(t.Context(), environment, product, 1))
}

// Whatever is written, taught or restarted in whatever order: what was accepted never goes down, and an older one never passes.
func TestAcceptedGenerationNeverGoesDown(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, t.TempDir())
	rapid.Check(t, func(t *rapid.T) {
		p := pair{environment, product}
		require.NoError(t, os.RemoveAll(cfg.Dir))
		a, err := open(cfg)
		require.NoError(t, err)
		defer func() { a.close() }()
		var newest int64
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			generation := rapid.Int64Range(-1, 9).Draw(t, "generation")
			switch rapid.SampledFrom([]string{"write", "teach", "restart"}).Draw(t, "step") {
			case "write":
				err := a.deleteRoute(context.Background(), p, generation)
				require.Equal(t, generation > 0 && newest > 0 && generation >= newest, err == nil, "%v", err)
				if err == nil {
					newest = generation
				}
			case "teach":
				err := a.teach(p, generation)
				require.Equal(t, generation > 0 && generation >= newest, err == nil, "%v", err)
				if err == nil {
					newest = generation
				}
			case "restart":
				a.close()
				a, err = open(cfg)
				require.NoError(t, err)
				require.NoError(t, a.restore(t.Context()))
			}
			require.Equal(t, newest, a.actual(p).Generation)
		}
	})
}
