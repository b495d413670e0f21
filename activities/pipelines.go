package activities

import (
	"context"
	"fmt"
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

// PipelineOutput is a parsed spec's identity, its schema and the small parts of it that steps read.
type PipelineOutput struct {
	Digest string `json:"digest"`
	// Version is the newest pipeline version that has this spec; 0 for one that is of none.
	Version int             `json:"pipeline_version,omitempty"`
	Schema  SchemaState     `json:"schema"`
	Evolve  pipeline.Evolve `json:"evolve"`
	// Refused says what a person must accept before anything is trained; empty otherwise.
	Refused    string              `json:"refused,omitempty"`
	Source     pipeline.Source     `json:"source"`
	Outcomes   *pipeline.Outcomes  `json:"outcomes,omitempty"`
	Limits     pipeline.Limits     `json:"limits"`
	Quarantine pipeline.Quarantine `json:"quarantine"`
	Rules      []pipeline.Rule     `json:"rules,omitempty"`
	Leakage    pipeline.Leakage    `json:"leakage"`
	Split      pipeline.Split      `json:"split"`
	Algorithm  pipeline.Algorithm  `json:"algorithm"`
	Training   pipeline.Training   `json:"training"`
	Gates      []pipeline.Gate     `json:"gates"`
	Monitor    pipeline.Monitor    `json:"monitor"`
}

// Summary is the beginning of the digest, enough for people, and the version of the schema.
func (o PipelineOutput) Summary() string {
	if o.Refused != "" {
		return o.Refused
	}
	text := fmt.Sprintf("spec %.12s, schema version %d", o.Digest, o.Schema.Version)
	if o.Version > 0 {
		text += fmt.Sprintf(", pipeline version %d", o.Version)
	}
	return text
}

// Validation holds what was extracted against the schema.
func (o PipelineOutput) Validation(extracted ExtractOutput, knownAt string) ValidateInput {
	return ValidateInput{
		Schema: o.Schema.Ref, Unused: o.Schema.Unused, Dataset: extracted.Dataset, Facts: extracted.Facts,
		Quarantine: o.Quarantine, Evolve: o.Evolve, Rules: o.Rules, KnownAt: knownAt,
	}
}

// Extraction reads the rows of a run. Data and uploads are a person's, where one has given any; see ExtractInput for these and for the days.
func (o PipelineOutput) Extraction(data string, uploads map[string][]string, asOf, after, knownAt string) ExtractInput {
	return ExtractInput{
		Schema: o.Schema.Ref, Version: o.Schema.Version, Source: o.Source, Outcomes: o.Outcomes, Limits: o.Limits, Data: data, Uploads: uploads,
		AsOf: asOf, After: after, KnownAt: knownAt,
	}
}

// Artifacts is the schema.
func (o PipelineOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Schema: o.Schema.Ref}
}

// Pipelines finds specs.
type Pipelines struct {
	Registry registry.Registry
	Objects  Objects
	// BuiltIn holds the specs that come with LoanOps, for names that nobody registered.
	BuiltIn fs.FS
	// Register records a spec and does with schedules what it declares, see schedule.Schedules.
	Register func(context.Context, registry.Registry, registry.PipelineSpec) error
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
	out := taken(spec)
	out.Digest = registered.Digest
	if out.Version, err = p.published(ctx, in.Pipeline, registered.Digest); err != nil {
		return PipelineOutput{}, err
	}
	out.Schema, out.Refused, err = p.schemaOf(ctx, spec)
	return out, err
}

// published is the newest version that a spec was published as; 0 where it never was. It is the spec that counts, not who registered it last.
func (p *Pipelines) published(ctx context.Context, name, digest string) (int, error) {
	versions, err := p.Registry.PipelineVersions(ctx, name)
	for _, v := range versions { // newest first
		if v.SpecDigest == digest {
			return v.Version, err
		}
	}
	return 0, err
}

// taken keeps of a spec what steps read.
func taken(spec pipeline.Spec) PipelineOutput {
	return PipelineOutput{
		Source: spec.Source, Outcomes: spec.Outcomes, Limits: spec.Limits, Quarantine: spec.Schema.Quarantine, Evolve: spec.Schema.Evolve, Rules: spec.Rules, Leakage: spec.Leakage,
		Split: spec.Split, Algorithm: spec.Algorithm, Training: spec.Training, Gates: spec.Gates, Monitor: spec.Monitor,
	}
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
	return registered, p.Register(ctx, p.Registry, registered)
}
