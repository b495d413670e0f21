package activities

import (
	"context"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
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
	history, err := reg.PipelineHistory(ctx, model)
	if err != nil {
		return pipeline.Spec{}, err
	}
	for _, registered := range history {
		if registered.Digest == digest {
			return pipeline.Parse(model+".yaml", registered.YAML)
		}
	}
	return pipeline.Spec{}, fault.New(fault.NotFound, "no spec of pipeline %q with digest %s is registered", model, digest)
}

// policyAt is the policy of that digest: that of spec, or of the newest registered spec that has it.
func policyAt(ctx context.Context, reg registry.Registry, spec pipeline.Spec, digest string) (pipeline.Policy, error) {
	if spec.Policy.Digest() == digest {
		return spec.Policy, nil
	}
	history, err := reg.PipelineHistory(ctx, spec.Name)
	if err != nil {
		return pipeline.Policy{}, err
	}
	for _, registered := range history {
		other, err := pipeline.Parse(spec.Name+".yaml", registered.YAML)
		if err == nil && other.Policy.Digest() == digest {
			return other.Policy, nil
		}
	}
	return pipeline.Policy{}, fault.New(fault.NotFound, "no spec of pipeline %q has the policy %s", spec.Name, digest)
}

// trackSpec is how a track is started under the spec's limits.
func trackSpec(ctx context.Context, reg registry.Registry, spec pipeline.Spec, track serving.Track) (contract.TrackSpec, error) {
	version, err := reg.Version(ctx, spec.Name, track.Version)
	if err != nil {
		return contract.TrackSpec{}, err
	}
	policy, err := policyAt(ctx, reg, spec, track.Policy)
	return contract.TrackSpec{
		ModelVersion: version.Version, Digest: version.Digest, BundleURI: version.Bundle.URI, PolicyDigest: track.Policy,
		MemoryMiB: int64(spec.Deploy.MemoryMiB), CPUMillis: int64(spec.Deploy.CPUMillis),
		Cutoff: policy.Cutoff, Meaning: string(version.Meaning),
	}, err
}

// golden and test are the version's artifacts of those roles.
func golden(v registry.ModelVersion) artifact.Ref { return v.Artifacts[artifact.Golden] }
func test(v registry.ModelVersion) artifact.Ref   { return v.Artifacts[artifact.Test] }
