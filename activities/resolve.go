package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// ResolveInput names a model; version 0 is the newest.
type ResolveInput struct {
	Model   string `json:"model"`
	Version int    `json:"version"`
	// Policy is the digest of a registered policy, or how that begins; empty is that of the newest spec.
	Policy string `json:"policy,omitempty"`
}

// ResolveOutput is what a delivery needs to know.
type ResolveOutput struct {
	Candidate Candidate `json:"candidate"`
	Digest    string    `json:"digest"` // of the bundle
	// Generation is the newest of production's record: a later row by another writer overtakes the delivery.
	Generation int64          `json:"generation"`
	Champion   *serving.Track `json:"champion"` // nil before the first delivery
	// ChampionDigest is of its bundle.
	ChampionDigest string `json:"champion_digest,omitempty"`
	// OutOfSync says why production does not serve as recorded; empty when it does.
	OutOfSync string `json:"out_of_sync"`
	// Approval, TargetRate and Canary are of the spec.
	Approval   string          `json:"approval"`
	TargetRate float64         `json:"target_rate"`
	Canary     pipeline.Canary `json:"canary"`
}

// Summary says what will be compared with what.
func (o ResolveOutput) Summary() string {
	text := fmt.Sprintf("version %d; there is no champion yet", o.Candidate.Version)
	if o.Champion != nil {
		text = fmt.Sprintf("version %d against champion %d", o.Candidate.Version, o.Champion.Version)
	}
	if o.OutOfSync != "" {
		text += "; production is not as recorded: " + o.OutOfSync
	}
	return text
}

// Resolve finds the version to deliver, the newest when none is named, the spec to deliver it under, and what serves.
func (e *Environments) Resolve(ctx context.Context, in ResolveInput) (ResolveOutput, error) {
	version, err := e.version(ctx, in)
	if err != nil {
		return ResolveOutput{}, err
	}
	registered, err := e.Registry.Pipeline(ctx, in.Model)
	if err != nil {
		return ResolveOutput{}, err
	}
	spec, err := registered.Spec()
	if err != nil {
		return ResolveOutput{}, err
	}
	policy, err := e.policy(ctx, in, registered)
	if err != nil {
		return ResolveOutput{}, err
	}
	newest, err := e.Registry.Serving(ctx, in.Model, serving.Production)
	if err != nil {
		return ResolveOutput{}, err
	}
	actual, err := e.Agent.Actual(ctx, serving.Production, in.Model)
	if err != nil {
		return ResolveOutput{}, err
	}
	out := ResolveOutput{
		Candidate: Candidate{Model: in.Model, Spec: registered.Digest, Track: serving.Track{Version: version.Version, Policy: policy}},
		Digest:    version.Digest, Generation: newest.Generation, Champion: newest.Champion, OutOfSync: shift.OutOfSync(newest, actual),
		Approval: spec.Deploy.Approval, TargetRate: spec.Deploy.TargetRate, Canary: spec.Deploy.Canary,
	}
	if newest.Champion != nil {
		champion, err := e.Registry.Version(ctx, in.Model, newest.Champion.Version)
		if err != nil {
			return ResolveOutput{}, err
		}
		out.ChampionDigest = champion.Digest
	}
	if out.OutOfSync == "" && newest.Champion != nil {
		if out.OutOfSync, err = e.decidesOtherwise(ctx, spec, *newest.Champion, actual); err != nil {
			return ResolveOutput{}, err
		}
	}
	// One delivery of a model runs at a time, as all should have one workflow ID. The canary of another one is what a delivery that was terminated
	// left behind, or one that a person started under an ID of their own.
	if newest.InCanary() {
		running, err := e.Running(ctx, newest.Author)
		if err != nil {
			return ResolveOutput{}, err
		}
		if running {
			return ResolveOutput{}, fault.New(fault.Refused, "version %d of %s is in its canary, by %s: one delivery of a model runs at a time; abort that one, or wait for its end",
				newest.Challenger.Version, in.Model, newest.Writer)
		}
		out.OutOfSync = fmt.Sprintf("the canary of version %d is continued by nobody", newest.Challenger.Version)
	}
	return out, nil
}

// decidesOtherwise says why a champion that runs does not decide as its version and policy say, as after somebody's own terraform apply; empty
// when it does.
func (e *Environments) decidesOtherwise(ctx context.Context, spec pipeline.Spec, champion serving.Track, actual contract.Actual) (string, error) {
	want, err := trackSpec(ctx, e.Registry, spec, champion, e.Image)
	if err != nil {
		return "", err
	}
	runs := actual.Tracks[actual.SlotOf(champion)].Spec
	if runs.DecidesAs(want) {
		return "", nil
	}
	return fmt.Sprintf("version %d runs as bundle %.12s with label meaning %s instead of bundle %.12s, %s",
		champion.Version, runs.Digest, runs.Meaning, want.Digest, want.Meaning), nil
}

// policy is the digest of the policy to deliver.
func (e *Environments) policy(ctx context.Context, in ResolveInput, newest registry.PipelineSpec) (string, error) {
	if in.Policy == "" {
		return newest.Policy.Digest, nil
	}
	history, err := e.Registry.PipelineHistory(ctx, in.Model)
	if err != nil {
		return "", err
	}
	declared := make([]string, len(history))
	for i, spec := range history {
		declared[i] = spec.Policy.Digest
	}
	return registry.PolicyNamed(in.Model, declared, in.Policy)
}

func (e *Environments) version(ctx context.Context, in ResolveInput) (registry.ModelVersion, error) {
	if in.Version > 0 {
		return e.Registry.Version(ctx, in.Model, in.Version)
	}
	versions, err := e.Registry.Versions(ctx, in.Model)
	if err != nil {
		return registry.ModelVersion{}, err
	}
	if len(versions) == 0 {
		return registry.ModelVersion{}, fault.New(fault.NotFound,
			"the model %q has no version yet; train one with: loanops ct start %s", in.Model, in.Model)
	}
	return versions[0], nil
}
