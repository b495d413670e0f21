package activities

import (
	"context"
	"io/fs"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
)

// PipelineInput names the spec to load.
type PipelineInput struct {
	Pipeline string `json:"pipeline"`
}

// PipelineOutput is a parsed spec's identity, its schema and the small parts of it that a training's steps read.
type PipelineOutput struct {
	Digest     string              `json:"digest"`
	Schema     artifact.Ref        `json:"schema"` // JSON, see Schema
	Source     pipeline.Source     `json:"source"`
	Limits     pipeline.Limits     `json:"limits"`
	Quarantine pipeline.Quarantine `json:"quarantine"`
	Rules      []pipeline.Rule     `json:"rules,omitempty"`
	Leakage    pipeline.Leakage    `json:"leakage"`
	Split      pipeline.Split      `json:"split"`
	Algorithm  pipeline.Algorithm  `json:"algorithm"`
	Gates      []pipeline.Gate     `json:"gates"`
}

// Summary is the beginning of the digest, enough for people.
func (o PipelineOutput) Summary() string { return "spec " + o.Digest[:min(len(o.Digest), 12)] }

// Artifacts is the schema.
func (o PipelineOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Schema: o.Schema}
}

// Pipelines finds specs.
type Pipelines struct {
	Registry registry.Registry
	Objects  Objects
	// BuiltIn holds the specs that come with LoanOps, for names that nobody registered.
	BuiltIn fs.FS
}

// Load reads a pipeline's current spec from the registry, or registers the one that comes with LoanOps.
func (p *Pipelines) Load(ctx context.Context, in PipelineInput) (PipelineOutput, error) {
	registered, err := p.Registry.Pipeline(ctx, in.Pipeline)
	if fault.CodeOf(err) == fault.NotFound {
		registered, err = p.registerBuiltIn(ctx, in.Pipeline)
	}
	if err != nil {
		return PipelineOutput{}, err
	}
	spec, err := pipeline.Parse(in.Pipeline+".yaml", registered.YAML)
	if err != nil {
		return PipelineOutput{}, err
	}
	return p.take(ctx, spec, registered.Digest)
}

// take stores the schema and keeps of the rest what steps read.
func (p *Pipelines) take(ctx context.Context, spec pipeline.Spec, digest string) (PipelineOutput, error) {
	schema, err := putSchema(ctx, p.Objects, spec)
	return PipelineOutput{
		Digest: digest, Schema: schema, Source: spec.Source, Limits: spec.Limits, Quarantine: spec.Schema.Quarantine, Rules: spec.Rules, Leakage: spec.Leakage, Split: spec.Split, Algorithm: spec.Algorithm, Gates: spec.Gates,
	}, err
}

func (p *Pipelines) registerBuiltIn(ctx context.Context, name string) (registry.PipelineSpec, error) {
	data, err := fs.ReadFile(p.BuiltIn, name+".yaml")
	if err != nil {
		return registry.PipelineSpec{}, fault.New(fault.NotFound,
			"no pipeline %q is registered and none of that name comes with LoanOps; register a spec with: loanops ct start --pipeline SPEC.yaml", name)
	}
	spec, err := pipeline.Parse(name+".yaml", data)
	if err != nil {
		return registry.PipelineSpec{}, err
	}
	registered := registry.NewPipelineSpec(spec, data)
	return registered, p.Registry.PutPipeline(ctx, registered)
}
