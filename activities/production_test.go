package activities

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// site is one environment: an agent without processes, and the Terraform that writes to it.
type site struct {
	tracks map[string]contract.Track
	route  *contract.Route
	fence  serving.Fence
	fails  error // what the agent's writes answer
}

func newSite() *site { return &site{tracks: map[string]contract.Track{}} }

func (s *site) Actual(context.Context, string, string) (contract.Actual, error) {
	return contract.Actual{Tracks: s.tracks, Route: s.route, Generation: s.fence.Newest}, nil
}

func (s *site) Teach(_ context.Context, _, _ string, generation int64) error {
	if s.fails != nil {
		return s.fails
	}
	return s.fence.Teach(generation)
}

func (s *site) Rollback(_ context.Context, _, _ string, weights map[string]int, generation int64) (contract.Route, error) {
	if err := s.fence.Admit(generation); err != nil {
		return contract.Route{}, err
	}
	s.route = &contract.Route{Weights: weights, Generation: generation}
	return *s.route, nil
}

func (s *site) Plan(_ context.Context, desired terraform.Desired) (terraform.PlanSummary, error) {
	summary := terraform.PlanSummary{Planned: map[string]capacity.Grant{}}
	for slot, track := range desired.Tracks {
		summary.Planned[slot] = capacity.Grant{MemoryMiB: track.MemoryMiB, CPUMillis: track.CPUMillis}
	}
	return summary, nil
}

func (s *site) Apply(_ context.Context, desired terraform.Desired) error {
	if s.fails != nil {
		return s.fails
	}
	if err := s.fence.Admit(desired.Generation); err != nil {
		return err
	}
	tracks := map[string]contract.Track{}
	for slot, spec := range desired.Tracks {
		tracks[slot] = contract.Track{Slot: slot, Spec: spec, State: contract.TrackReady, URL: "http://" + slot}
	}
	s.tracks, s.route = tracks, nil
	if len(desired.Weights) > 0 {
		s.route = &contract.Route{Weights: desired.Weights, Generation: desired.Generation}
	}
	return nil
}

// production is a bench whose model has three versions, with an environment to bring them to.
func production(t *testing.T) (*bench, *Environments, *site) {
	t.Helper()
	b := newBench(t)
	for i := range 3 {
		digest := fmt.Sprintf("digest-%d", i+1)
		_, _, err := b.registry.RegisterVersion(t.Context(), registry.ModelVersion{Name: b.spec.Name, Digest: digest, Bundle: artifact.Ref{URI: "s3://b/" + digest}})
		require.NoError(t, err)
	}
	s := newSite()
	return b, &Environments{Registry: b.registry, Agent: s, Workspace: func(string, string) Workspace { return s }}, s
}

// change is what a run asks for that knows the newest generation.
func (b *bench) change(run string, version, weight int) ChangeInput {
	return ChangeInput{
		Candidate: b.candidate(version), After: b.registry.newest(serving.Production).Generation, Weight: weight,
		Author: serving.Author{Writer: run, Actor: "grace", Reason: "why", Operation: fmt.Sprintf("%s/%d/%d", run, version, weight)},
	}
}

func (s *site) versions() map[string]int {
	found := map[string]int{}
	for slot, track := range s.tracks {
		found[slot] = track.Spec.ModelVersion
	}
	return found
}

func (s *site) weights() map[string]int {
	if s.route == nil {
		return nil
	}
	return s.route.Weights
}

// A whole life of production. Each change is asked for twice, as after a lost reply: the second time it is the same row.
func TestProductionFromBootstrapToRollback(t *testing.T) {
	b, e, s := production(t)
	adopt := func(ctx context.Context, in ChangeInput) (ChangeOutput, error) {
		out, err := e.Promote(ctx, in)
		if err == nil {
			_, err = e.Adopt(ctx, FollowInput{Model: in.Candidate.Model, Generation: out.Generation, Spec: in.Candidate.Spec})
		}
		return out, err
	}
	for _, step := range []struct {
		name    string
		do      func(context.Context, ChangeInput) (ChangeOutput, error)
		run     string
		version int
		weight  int
		weights map[string]int
		tracks  map[string]int
	}{
		{"prepared without traffic", e.Prepare, "one", 1, 0, nil, map[string]int{"blue": 1}},
		{"bootstrapped", adopt, "one", 1, 100, map[string]int{"blue": 100}, map[string]int{"blue": 1}},
		{"canary", e.Weigh, "two", 2, 5, map[string]int{"blue": 95, "green": 5}, map[string]int{"blue": 1, "green": 2}},
		{"most of it", e.Weigh, "two", 2, 70, map[string]int{"blue": 30, "green": 70}, map[string]int{"blue": 1, "green": 2}},
		{"promoted", adopt, "two", 2, 100, map[string]int{"blue": 0, "green": 100}, map[string]int{"blue": 1, "green": 2}},
		{"next canary takes the place of the previous", e.Weigh, "three", 3, 5, map[string]int{"green": 95, "blue": 5}, map[string]int{"green": 2, "blue": 3}},
	} {
		in := b.change(step.run, step.version, step.weight)
		for range 2 {
			_, err := step.do(t.Context(), in)
			require.NoError(t, err, step.name)
			require.Equal(t, step.weights, s.weights(), step.name)
			require.Equal(t, step.tracks, s.versions(), step.name)
		}
	}
	aborted, err := e.Abort(t.Context(), b.change("three", 3, 0))
	require.NoError(t, err)
	require.Empty(t, aborted.Pending)
	require.Equal(t, map[string]int{"green": 100, "blue": 0}, s.weights(), "at once, by the agent")
	_, err = e.Adopt(t.Context(), FollowInput{Model: b.spec.Name, Generation: aborted.Generation})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"green": 2}, s.versions(), "the challenger's track is gone")
	require.Len(t, b.registry.serving[serving.Production], 7, "one row each")
	require.NoError(t, serving.Verify(b.registry.serving[serving.Production]))
}

// bootstrapped is production with version 1 as champion.
func bootstrapped(t *testing.T) (*bench, *Environments, *site) {
	t.Helper()
	b, e, s := production(t)
	_, err := e.Prepare(t.Context(), b.change("one", 1, 0))
	require.NoError(t, err)
	out, err := e.Promote(t.Context(), b.change("one", 1, 100))
	require.NoError(t, err)
	_, err = e.Adopt(t.Context(), FollowInput{Model: b.spec.Name, Generation: out.Generation})
	require.NoError(t, err)
	return b, e, s
}

func TestAChangeAfterSomebodyElsesIsOvertaken(t *testing.T) {
	b, e, s := bootstrapped(t)
	known := b.change("late", 2, 5)
	_, err := e.Weigh(t.Context(), b.change("another", 3, 20))
	require.NoError(t, err)
	for _, do := range []func(context.Context, ChangeInput) (ChangeOutput, error){e.Weigh, e.Prepare, e.Promote, e.Abort, e.Restore} {
		known.Ours = true // rows of another writer are never ours
		_, err := do(t.Context(), known)
		require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "by another: why")
	}
	_, err = e.Adopt(t.Context(), FollowInput{Model: b.spec.Name, Generation: known.After})
	require.Equal(t, fault.Overtaken, fault.CodeOf(err))
	_, err = e.Shift(t.Context(), FollowInput{Model: b.spec.Name, Generation: known.After})
	require.Equal(t, fault.Overtaken, fault.CodeOf(err))
	require.Equal(t, map[string]int{"blue": 80, "green": 20}, s.weights())
}

// A step that was given up writes after all: the abort of the same run accepts its row, and what the step does later is refused.
func TestAnAbortAcceptsWhatItsRunWroteAndStopsTheRest(t *testing.T) {
	b, e, s := bootstrapped(t)
	abort := b.change("two", 2, 0)
	abort.Ours = true
	first, second := b.change("two", 2, 5), b.change("two", 2, 20)
	_, err := e.Weigh(t.Context(), first)
	require.NoError(t, err)
	_, err = e.Abort(t.Context(), abort)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"blue": 100, "green": 0}, s.weights())
	for _, late := range []ChangeInput{first, second} {
		_, err = e.Weigh(t.Context(), late)
		require.Equal(t, fault.Overtaken, fault.CodeOf(err), "%v", err)
	}
	require.Equal(t, map[string]int{"blue": 100, "green": 0}, s.weights())
}

func TestAChangeWhoseReplyIsLostIsTheSameRow(t *testing.T) {
	b, e, _ := bootstrapped(t)
	in := b.change("two", 2, 5)
	b.registry.loseReply = true
	_, err := e.Weigh(t.Context(), in)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	out, err := e.Weigh(t.Context(), in)
	require.NoError(t, err)
	require.EqualValues(t, 3, out.Generation)
	require.Len(t, b.registry.serving[serving.Production], 3)
}

func TestADrilledCandidateIsNotPromoted(t *testing.T) {
	b, e, s := bootstrapped(t)
	in := b.change("two", 2, 5)
	in.Drill = "delay=1ms"
	_, err := e.Weigh(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "delay=1ms", s.tracks["green"].Spec.Drill)
	_, err = e.Promote(t.Context(), b.change("two", 2, 100))
	require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
}

// An abort that the agent does not take is recorded, and says what it waits for.
func TestAnAbortThatTheAgentDoesNotTakeIsPending(t *testing.T) {
	b, e, s := bootstrapped(t)
	_, err := e.Weigh(t.Context(), b.change("two", 2, 5))
	require.NoError(t, err)
	s.fails = fault.New(fault.Unauthorized, "needs the rollback token")
	out, err := e.Abort(t.Context(), b.change("two", 2, 0))
	require.NoError(t, err)
	require.Contains(t, out.Pending, "needs the rollback token")
	require.Equal(t, serving.Aborted, b.registry.newest(serving.Production).Change)
	require.Equal(t, 5, s.weights()["green"])
	s.fails = nil
	_, err = e.Shift(t.Context(), FollowInput{Model: b.spec.Name, Generation: out.Generation})
	require.NoError(t, err)
	require.Equal(t, 100, s.weights()["blue"])
}

func TestARollbackIsRecordedToldAndAdopted(t *testing.T) {
	b, e, s := bootstrapped(t)
	_, err := e.Weigh(t.Context(), b.change("two", 2, 5))
	require.NoError(t, err)
	out, err := e.RollBack(t.Context(), RollBackInput{Model: b.spec.Name, Author: serving.Author{Writer: "ada", Actor: "ada", Reason: "complaints", Operation: "r"}})
	require.NoError(t, err)
	require.Equal(t, RollBackOutput{Done: "from version 2 to 1: complaints", To: 1, Digest: "digest-1", Generation: 4}, out)
	require.Equal(t, 100, s.weights()["blue"])
	_, err = e.Adopt(t.Context(), FollowInput{Model: b.spec.Name, Generation: out.Generation})
	require.NoError(t, err)
	require.Equal(t, map[string]int{"blue": 1}, s.versions(), "what never was champion leaves")
	_, err = e.RollBack(t.Context(), RollBackInput{Model: b.spec.Name, Version: 3, Author: serving.Author{Writer: "ada", Actor: "ada", Reason: "x", Operation: "s"}})
	require.Equal(t, fault.Refused, fault.CodeOf(err))
}

func TestStagingIsOneSlotAndARecordOfItsOwn(t *testing.T) {
	b, e, s := production(t)
	planned, err := e.Plan(t.Context(), PlanInput{Candidate: b.candidate(1), Environment: serving.Staging})
	require.NoError(t, err)
	require.Equal(t, capacity.Grant{MemoryMiB: 128, CPUMillis: 500}, planned.Planned)
	require.Empty(t, b.registry.serving[serving.Staging], "a plan records nothing")
	for version := range 2 {
		in := b.change("stage", version+1, 0)
		in.Drill = "delay=1s"
		_, err := e.Stage(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, map[string]int{"blue": version + 1}, s.versions())
		require.Empty(t, s.tracks["blue"].Spec.Drill)
	}
	require.Len(t, b.registry.serving[serving.Staging], 2)
	require.Empty(t, b.registry.serving[serving.Production])
	_, err = e.Plan(t.Context(), PlanInput{Candidate: b.candidate(3), Environment: serving.Production})
	require.NoError(t, err)
}

func TestResolveLooksAtTraffic(t *testing.T) {
	b, e, _ := production(t)
	newest, err := e.Resolve(t.Context(), ResolveInput{Model: b.spec.Name})
	require.NoError(t, err)
	require.Equal(t, b.candidate(3), newest.Candidate)
	require.Nil(t, newest.Champion)
	require.Empty(t, newest.Astray)
	require.Equal(t, b.spec.Deploy.Canary, newest.Canary)
	b.registry.versions = nil
	_, err = e.Resolve(t.Context(), ResolveInput{Model: b.spec.Name})
	require.ErrorContains(t, err, "ct start")

	for name, test := range map[string]struct {
		spoil func(*testing.T, *bench, *Environments, *site)
		says  string
	}{
		"as recorded":              {func(*testing.T, *bench, *Environments, *site) {}, ""},
		"the agent lost its state": {func(_ *testing.T, _ *bench, _ *Environments, s *site) { *s = *newSite() }, "version 1 does not run"},
		"nothing is routed":        {func(_ *testing.T, _ *bench, _ *Environments, s *site) { s.route = nil }, "0 % of the traffic"},
		"a canary that was left behind": {func(t *testing.T, b *bench, e *Environments, _ *site) {
			_, err := e.Weigh(t.Context(), b.change("terminated", 2, 5))
			require.NoError(t, err)
		}, "the canary of version 2 is continued by nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			b, e, s := bootstrapped(t)
			test.spoil(t, b, e, s)
			out, err := e.Resolve(t.Context(), ResolveInput{Model: b.spec.Name, Version: 1})
			require.NoError(t, err)
			require.Equal(t, b.candidate(1).Track, *out.Champion)
			if test.says == "" {
				require.Empty(t, out.Astray)
				return
			}
			require.Contains(t, out.Astray, test.says)
			restored, err := e.Restore(t.Context(), b.change("restore", 1, 0))
			require.NoError(t, err)
			_, err = e.Adopt(t.Context(), FollowInput{Model: b.spec.Name, Generation: restored.Generation})
			require.NoError(t, err)
			out, err = e.Resolve(t.Context(), ResolveInput{Model: b.spec.Name, Version: 1})
			require.NoError(t, err)
			require.Empty(t, out.Astray)
		})
	}
}

// A champion whose policy the spec has given up since is brought back under its own.
func TestAChampionComesBackUnderItsOwnPolicy(t *testing.T) {
	b, e, s := bootstrapped(t)
	before := b.candidate(1)
	b.respec(t, "cutoff: 0.25", "cutoff: 0.4")
	require.NotEqual(t, before.Policy, b.candidate(1).Policy)
	fence := s.fence
	*s = *newSite()
	s.fence = fence
	_, err := e.Adopt(t.Context(), FollowInput{Model: b.spec.Name, Generation: 2})
	require.NoError(t, err)
	require.InDelta(t, 0.25, s.tracks["blue"].Spec.Cutoff, 0)
	require.Equal(t, before.Track, s.tracks["blue"].Spec.Identity())

	_, err = specAt(t.Context(), b.registry, b.spec.Name, "unknown")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	_, err = policyAt(t.Context(), b.registry, b.spec, "unknown")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}
