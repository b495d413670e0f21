package activities

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// site is an environment and the Terraform that changes it.
type site struct {
	actual  contract.Actual
	applied []terraform.Desired
	plan    terraform.PlanSummary
}

func (s *site) Actual(context.Context, string, string) (contract.Actual, error) { return s.actual, nil }

func (s *site) Plan(context.Context, terraform.Desired) (terraform.PlanSummary, error) {
	return s.plan, nil
}

func (s *site) Apply(_ context.Context, desired terraform.Desired) error {
	s.applied = append(s.applied, desired)
	s.actual.Tracks = map[string]contract.Track{}
	for slot, spec := range desired.Tracks {
		s.actual.Tracks[slot] = contract.Track{Slot: slot, Spec: spec, State: contract.TrackReady, URL: "http://" + slot}
	}
	s.actual.Route = &contract.Route{Weights: desired.Weights}
	return nil
}

func (s *site) stage() *Environments {
	return &Environments{Agent: s, Workspace: func(string, string) Workspace { return s }}
}

func change(version int, champion *Deliverable, weight int) EnvironmentInput {
	spec := pipeline.Spec{Name: "loan-eligibility", Policy: pipeline.Policy{Cutoff: 0.25}}
	spec.Deploy.MemoryMiB, spec.Deploy.CPUMillis = 128, 500
	return EnvironmentInput{Spec: spec, Environment: contract.Production, Version: numbered(version), Champion: champion, Weight: weight}
}

func numbered(version int) Deliverable {
	return Deliverable{Version: version, Digest: string(rune('a' + version))}
}

// A whole life of production: bootstrap, a canary that is promoted, one that is aborted, all of them applied twice.
func TestProductionFromBootstrapToAbort(t *testing.T) {
	s := &site{}
	e := s.stage()
	first, second := numbered(1), numbered(2)
	for _, test := range []struct {
		name    string
		in      EnvironmentInput
		slot    string
		weights map[string]int
		tracks  map[string]int
	}{
		{"bootstrap", change(1, nil, 100), contract.Blue, map[string]int{"blue": 100}, map[string]int{"blue": 1}},
		{"canary", change(2, &first, 5), contract.Green, map[string]int{"blue": 95, "green": 5}, map[string]int{"blue": 1, "green": 2}},
		{"most of it", change(2, &first, 70), contract.Green, map[string]int{"blue": 30, "green": 70}, map[string]int{"blue": 1, "green": 2}},
		{"all of it", change(2, &first, 100), contract.Green, map[string]int{"blue": 0, "green": 100}, map[string]int{"blue": 1, "green": 2}},
		{"next canary", change(3, &second, 5), contract.Blue, map[string]int{"green": 95, "blue": 5}, map[string]int{"green": 2, "blue": 3}},
	} {
		for range 2 {
			out, err := e.Apply(t.Context(), test.in)
			require.NoError(t, err, test.name)
			require.Equal(t, ApplyOutput{Slot: test.slot, URL: "http://" + test.slot}, out, test.name)
			require.Equal(t, test.weights, s.actual.Route.Weights, test.name)
			require.Equal(t, test.tracks, versions(s), test.name)
		}
	}
	abort := change(3, &second, 0)
	abort.RemoveChallenger = true
	for range 2 {
		_, err := e.Apply(t.Context(), abort)
		require.NoError(t, err)
		require.Equal(t, map[string]int{"green": 100}, s.actual.Route.Weights)
		require.Equal(t, map[string]int{"green": 2}, versions(s), "the challenger's track is gone")
	}
	require.Len(t, s.applied, 12, "one apply each")
}

func versions(s *site) map[string]int {
	found := map[string]int{}
	for slot, track := range s.actual.Tracks {
		found[slot] = track.Spec.ModelVersion
	}
	return found
}

// After 2 was promoted in green, a rollback gave the traffic back to 1 in blue behind Terraform's back.
func TestARollbackIsAdopted(t *testing.T) {
	s := &site{}
	first := numbered(1)
	for _, in := range []EnvironmentInput{change(1, nil, 100), change(2, &first, 100)} {
		_, err := s.stage().Apply(t.Context(), in)
		require.NoError(t, err)
	}
	s.actual.Route.Weights = map[string]int{"blue": 100, "green": 0}
	out, err := s.stage().Apply(t.Context(), change(3, &first, 5))
	require.NoError(t, err)
	require.Equal(t, contract.Green, out.Slot, "version 2 makes room")
	require.Equal(t, map[string]int{"blue": 95, "green": 5}, s.actual.Route.Weights)
}

// The registry says that 1 is champion again, but the agent was not told before the rollback was interrupted.
func TestAChallengerNeverInheritsTraffic(t *testing.T) {
	s := &site{}
	first := numbered(1)
	for _, in := range []EnvironmentInput{change(1, nil, 100), change(2, &first, 100)} {
		_, err := s.stage().Apply(t.Context(), in)
		require.NoError(t, err)
	}
	before := len(s.applied)
	_, err := s.stage().Apply(t.Context(), change(3, &first, 5))
	require.NoError(t, err)
	steps := s.applied[before:]
	require.Len(t, steps, 2)
	require.Equal(t, map[string]int{"blue": 100}, steps[0].Weights, "first the champion has everything")
	require.Equal(t, map[string]int{"blue": 95, "green": 5}, steps[1].Weights)
}

func TestTheChampionKeepsRunningAsItRuns(t *testing.T) {
	s := &site{}
	first := numbered(1)
	drilled := change(1, nil, 100)
	drilled.Drill = "delay=1ms"
	_, err := s.stage().Apply(t.Context(), drilled)
	require.NoError(t, err)
	in := change(2, &first, 5)
	in.Spec.Policy.Cutoff, in.Spec.Deploy.MemoryMiB, in.Drill = 0.4, 256, "crash_after=20"
	_, err = s.stage().Apply(t.Context(), in)
	require.NoError(t, err)
	champion, challenger := s.actual.Tracks["blue"].Spec, s.actual.Tracks["green"].Spec
	require.InDelta(t, 0.25, champion.Cutoff, 0)
	require.EqualValues(t, 128, champion.MemoryMiB)
	require.Empty(t, champion.Drill, "a drill is for one delivery")
	require.InDelta(t, 0.4, challenger.Cutoff, 0)
	require.EqualValues(t, 256, challenger.MemoryMiB)
	require.Equal(t, "crash_after=20", challenger.Drill)
}

func TestStagingIsOneSlotWithoutADrill(t *testing.T) {
	s := &site{plan: terraform.PlanSummary{
		Planned: map[string]capacity.Grant{"blue": {MemoryMiB: 128, CPUMillis: 500}}, Drifted: []string{"a", "b"},
	}}
	first := numbered(1)
	in := change(2, &first, 100)
	in.Environment, in.Drill = contract.Staging, "delay=1s"
	planned, err := s.stage().Plan(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, capacity.Grant{MemoryMiB: 128, CPUMillis: 500}, planned.Planned)
	require.Equal(t, "a; b", planned.Adopted)
	out, err := s.stage().Apply(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, contract.Blue, out.Slot)
	require.Equal(t, map[string]int{"blue": 2}, versions(s))
	require.Empty(t, s.actual.Tracks["blue"].Spec.Drill)
	s.plan.Planned = nil
	_, err = s.stage().Plan(t.Context(), in)
	require.Equal(t, fault.Internal, fault.CodeOf(err))
}
