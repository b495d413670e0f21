package activities

import (
	"context"
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/pipelines"
)

// site is a registry with three versions, an agent without processes and the Terraform that writes to it.
type site struct {
	t       *testing.T
	records *memory
	targets map[string]*target // by environment
	// generation is the newest that the run knows, see ChangeInput.After.
	generation int64
	// refuses is what the agent answers to who shifts traffic; lost is how many replies of it and of Terraform get lost.
	refuses error
	lost    int
	// running is the writer whose run is open.
	running string
	// applies is why Terraform cannot.
	applies error
	// before happens once, when Terraform begins.
	before  func()
	planned terraform.Desired
}

// target is one environment.
type target struct {
	fence  serving.Fence
	tracks map[string]contract.TrackSpec
	route  *contract.Route
}

func newTarget() *target { return &target{tracks: map[string]contract.TrackSpec{}} }

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, records: newMemory(), targets: map[string]*target{serving.Staging: newTarget(), serving.Production: newTarget()}}
	yaml, err := pipelines.FS.ReadFile(product + ".yaml")
	require.NoError(t, err)
	spec, err := pipeline.Parse(product+".yaml", yaml)
	require.NoError(t, err)
	require.NoError(t, s.records.PutPipeline(t.Context(), registry.NewPipelineSpec(spec, yaml)))
	for version := 1; version <= 3; version++ {
		digest := string(rune('a' + version))
		_, _, err := s.records.RegisterVersion(t.Context(), registry.ModelVersion{Name: product, Digest: digest, Meaning: "default", Bundle: artifact.Ref{URI: "s3://b/" + digest}})
		require.NoError(t, err)
	}
	return s
}

func (s *site) stage() *Environments {
	running := func(_ context.Context, by serving.Author) (bool, error) { return s.running == by.Writer, nil }
	return &Environments{Registry: s.records, Agent: s, Image: predictorImage, Running: running, Workspace: func(_, environment string, _ terraform.Step) Workspace { return workspace{s, environment} }}
}

// change is one that the run asks for, under an operation of its own.
func (s *site) change(version int, operation string) ChangeInput {
	s.t.Helper()
	return ChangeInput{Candidate: s.records.candidate(s.t, version), After: s.generation, Author: serving.Author{
		Writer: "delivery/run-1", Actor: "ada", Reason: "why", Operation: operation,
	}}
}

// did notes what the run knows after a change.
func (s *site) did(out ChangeOutput, err error) ChangeOutput {
	s.t.Helper()
	require.NoError(s.t, err)
	s.generation = out.Generation
	return out
}

func (s *site) newest() serving.Record { return s.records.newest(serving.Production) }

func (s *site) production() contract.Actual {
	actual, _ := s.Actual(context.Background(), serving.Production, product)
	return actual
}

// versions are those that run in production, by slot.
func (s *site) versions() map[string]int {
	found := map[string]int{}
	for slot, spec := range s.targets[serving.Production].tracks {
		found[slot] = spec.ModelVersion
	}
	return found
}

// weights is how production's traffic is shared; nil before there is a route.
func (s *site) weights() map[string]int {
	if route := s.targets[serving.Production].route; route != nil {
		return route.Weights
	}
	return nil
}

func (s *site) reply(err error) error {
	if err == nil && s.lost > 0 {
		s.lost--
		return fault.New(fault.Unavailable, "the reply was lost")
	}
	return err
}

func (s *site) Actual(_ context.Context, environment, _ string) (contract.Actual, error) {
	target := s.targets[environment]
	actual := contract.Actual{Tracks: map[string]contract.Track{}, Generation: target.fence.Newest, Route: target.route}
	for slot, spec := range target.tracks {
		actual.Tracks[slot] = contract.Track{Slot: slot, Spec: spec, State: contract.TrackReady, URL: "http://" + slot}
	}
	return actual, nil
}

func (s *site) Teach(_ context.Context, environment, _ string, generation int64) error {
	return s.targets[environment].fence.Teach(generation)
}

func (s *site) Rollback(_ context.Context, environment, _ string, weights map[string]int, generation int64) (contract.Route, error) {
	if s.refuses != nil {
		return contract.Route{}, s.refuses
	}
	return contract.Route{}, s.reply(s.targets[environment].putRoute(weights, generation))
}

func (t *target) putRoute(weights map[string]int, generation int64) error {
	if err := t.fence.Admit(generation); err != nil {
		return err
	}
	t.route = &contract.Route{Weights: weights, Generation: generation}
	return nil
}

// workspace is the Terraform of one environment: it writes as the provider does, each write under the generation.
type workspace struct {
	*site
	environment string
}

func (w workspace) BreakLock(context.Context, terraform.Lock) error {
	panic("nothing is locked here, see lock_test.go")
}

func (w workspace) Plan(_ context.Context, desired terraform.Desired) (terraform.PlanSummary, error) {
	w.planned = desired
	summary := terraform.PlanSummary{Planned: map[string]capacity.Grant{}}
	for slot, spec := range desired.Tracks {
		summary.Planned[slot] = capacity.Grant{MemoryMiB: spec.MemoryMiB, CPUMillis: spec.CPUMillis}
	}
	return summary, nil
}

func (w workspace) Apply(_ context.Context, desired terraform.Desired) error {
	if w.applies != nil {
		return w.applies
	}
	if before := w.before; before != nil {
		w.before = nil
		before()
	}
	target := w.targets[w.environment]
	if err := target.fence.Admit(desired.Generation); err != nil {
		return err
	}
	target.tracks = maps.Clone(desired.Tracks)
	target.route = nil
	if len(desired.Weights) > 0 {
		if err := target.putRoute(desired.Weights, desired.Generation); err != nil {
			return err
		}
	}
	return w.reply(nil)
}
