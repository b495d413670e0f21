package activities

import (
	"cmp"
	"context"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// Candidate is the track that a run delivers, under the pipeline spec that it resolved. What else there is to know of it stands in the
// registry and never changes.
type Candidate struct {
	Model string `json:"model"`
	// Spec is the digest of the registered spec: limits and checks of the delivery.
	Spec string `json:"spec"`
	serving.Track
}

// read is the spec and the version.
func (c Candidate) read(ctx context.Context, reg registry.Registry) (pipeline.Spec, registry.ModelVersion, error) {
	spec, err := specAt(ctx, reg, c.Model, c.Spec)
	if err != nil {
		return spec, registry.ModelVersion{}, err
	}
	version, err := reg.Version(ctx, c.Model, c.Version)
	return spec, version, err
}

// specAt is the registered spec of that digest.
func specAt(ctx context.Context, reg registry.Registry, model, digest string) (pipeline.Spec, error) {
	registered, err := reg.PipelineAt(ctx, model, digest)
	if err != nil {
		return pipeline.Spec{}, err
	}
	return registered.Spec()
}

// trackSpec is how a track is started under the spec's limits: in the image that its version names, in the worker's where it names none.
func trackSpec(ctx context.Context, reg registry.Registry, spec pipeline.Spec, track serving.Track, workers string) (contract.TrackSpec, error) {
	version, err := reg.Version(ctx, spec.Name, track.Version)
	if err != nil {
		return contract.TrackSpec{}, err
	}
	policy, err := reg.Policy(ctx, spec.Name, track.Policy)
	return contract.TrackSpec{
		ModelVersion: version.Version, Digest: version.Digest, BundleURI: version.Bundle.URI,
		PolicyDigest: policy.Digest, Policy: string(policy.Document), Meaning: string(version.Meaning),
		Image: cmp.Or(version.Predictor, workers), MemoryMiB: int64(spec.Deploy.MemoryMiB), CPUMillis: int64(spec.Deploy.CPUMillis),
	}, err
}

// decider is what a track decides by: the model and the meaning of its version, under its policy.
func decider(ctx context.Context, reg registry.Registry, objects Objects, version registry.ModelVersion, policyDigest string) (decision.Decider, error) {
	registered, err := reg.Policy(ctx, version.Name, policyDigest)
	if err != nil {
		return decision.Decider{}, err
	}
	policy, err := registered.Read()
	if err != nil {
		return decision.Decider{}, err
	}
	m, err := getModel(ctx, objects, version.Bundle)
	return decision.Decider{Model: m, Meaning: version.Meaning, Policy: policy}, err
}

// golden and test are the version's artifacts of those roles.
func golden(v registry.ModelVersion) artifact.Ref { return v.Artifacts[artifact.Golden] }
func test(v registry.ModelVersion) artifact.Ref   { return v.Artifacts[artifact.Test] }
