package activities

import (
	"context"
	"fmt"
	"io/fs"
	"reflect"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
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
	// Views are the versions of views, view@version, that columns are features of.
	Views []string `json:"views,omitempty"`
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
	// Features is the register of definitions that specs name features of; nil of a worker without a feature store.
	Features feature.Register
	// BuiltInFeatures holds the definitions that come with LoanOps, for a register without any.
	BuiltInFeatures fs.FS
	// KeepFresh does with schedules what the register says, see schedule.Schedules.
	KeepFresh func(context.Context, feature.Register) error
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
	version, err := p.published(ctx, in.Pipeline, registered.Digest)
	if err != nil {
		return PipelineOutput{}, err
	}
	spec, err := p.resolved(ctx, registered, version)
	if err != nil {
		return PipelineOutput{}, err
	}
	out := taken(spec)
	out.Digest, out.Version = registered.Digest, version
	out.Schema, out.Refused, err = p.schemaOf(ctx, spec)
	return out, err
}

// resolved is the spec with the columns that its references to the feature store come to now. Where these are others than they were, it is registered with them: who
// decides by the spec reads them there. A pipeline version (0 is none) keeps the columns that it was tested with, see feature.Lock: others come with another commit.
func (p *Pipelines) resolved(ctx context.Context, registered registry.PipelineSpec, version int) (pipeline.Spec, error) {
	spec, err := pipeline.Parse(registered.Name+".yaml", registered.YAML)
	if err != nil || len(spec.Features) == 0 {
		return spec, err
	}
	if version > 0 && len(registered.Features) > 0 {
		spec.Look(registered.Features)
		return spec, nil
	}
	if p.Features == nil {
		return spec, fault.New(fault.Invalid, "%s: features: this worker has no feature store (LOANOPS_FEATURES_DATABASE)", spec.Name)
	}
	_, catalogue, err := feature.Load(ctx, p.Features)
	if err != nil {
		return spec, err
	}
	columns, err := catalogue.Columns(spec)
	if err != nil {
		return spec, fault.Wrap(fault.Invalid, err, "%s: features", spec.Name)
	}
	spec.Look(columns)
	now := registry.NewPipelineSpec(spec, registered.YAML)
	if !reflect.DeepEqual(now.Features, registered.Features) {
		err = p.Register(ctx, p.Registry, now)
	}
	return spec, err
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
		Split: spec.Split, Algorithm: spec.Algorithm, Training: spec.Training, Gates: spec.Gates, Monitor: spec.Monitor, Views: ViewsOf(spec.Looked()),
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
	if p.Features != nil && len(spec.Features) > 0 {
		_, err := feature.DeclareShipped(ctx, p.Features, p.BuiltInFeatures, "the pipeline "+name)
		if err == nil {
			err = p.KeepFresh(ctx, p.Features)
		}
		if err != nil {
			return registry.PipelineSpec{}, err
		}
	}
	registered := registry.NewPipelineSpec(spec, data)
	return registered, p.Register(ctx, p.Registry, registered)
}
