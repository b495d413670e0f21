package activities

import (
	"context"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/train/logit"
)

// Models keeps versions and moves aliases.
type Models struct {
	Registry registry.Registry
}

// Register writes a version; the same model again is the version that is there.
func (m *Models) Register(ctx context.Context, in RegisterInput) (RegisterOutput, error) {
	in.Version.Lineage.Steps = map[string]string{
		ExtractData: extractVersion, ValidateData: validateVersion, ProfileData: profileVersion, SplitData: splitVersion,
		TrainModel: logit.Version, EvaluateModel: evaluateVersion,
	}
	registered, created, err := m.Registry.RegisterVersion(ctx, in.Version)
	if err != nil {
		return RegisterOutput{}, err
	}
	aliases, err := m.Registry.Aliases(ctx, registered.Name)
	return RegisterOutput{
		Version: registered.Version, Digest: registered.Digest, Created: created, Champion: aliases[registry.Champion],
	}, err
}

// FindChampion returns the champion, if there is one; the rest of the output is empty.
func (m *Models) FindChampion(ctx context.Context, in ResolveInput) (ResolveOutput, error) {
	champion, err := m.champion(ctx, in.Model)
	return ResolveOutput{Champion: champion}, err
}

// Resolve finds the version to deliver, the newest when none is named, the spec to deliver it under and the champion.
func (m *Models) Resolve(ctx context.Context, in ResolveInput) (ResolveOutput, error) {
	version, err := m.version(ctx, in)
	if err != nil {
		return ResolveOutput{}, err
	}
	spec, err := currentSpec(ctx, m.Registry, in.Model)
	if err != nil {
		return ResolveOutput{}, err
	}
	champion, err := m.champion(ctx, in.Model)
	return ResolveOutput{Spec: spec, Version: deliverable(version), Champion: champion}, err
}

func (m *Models) version(ctx context.Context, in ResolveInput) (registry.ModelVersion, error) {
	if in.Version > 0 {
		return m.Registry.Version(ctx, in.Model, in.Version)
	}
	versions, err := m.Registry.Versions(ctx, in.Model)
	if err != nil {
		return registry.ModelVersion{}, err
	}
	if len(versions) == 0 {
		return registry.ModelVersion{}, fault.New(fault.NotFound,
			"the model %q has no version yet; train one with: loanops ct start %s", in.Model, in.Model)
	}
	return versions[0], nil
}

// champion is nil when the alias names nothing.
func (m *Models) champion(ctx context.Context, model string) (*Deliverable, error) {
	aliases, err := m.Registry.Aliases(ctx, model)
	if err != nil || aliases[registry.Champion] == 0 {
		return nil, err
	}
	version, err := m.Registry.Version(ctx, model, aliases[registry.Champion])
	if err != nil {
		return nil, err
	}
	d := deliverable(version)
	return &d, nil
}

func deliverable(v registry.ModelVersion) Deliverable {
	return Deliverable{Version: v.Version, Digest: v.Digest, Bundle: v.Bundle, Golden: v.Artifacts["golden"], Test: v.Artifacts["test"]}
}

// MoveAliases changes aliases together or not at all.
func (m *Models) MoveAliases(ctx context.Context, in AliasInput) (bool, error) {
	_, err := m.Registry.MoveAliases(ctx, in.Operation)
	return err == nil, err
}
