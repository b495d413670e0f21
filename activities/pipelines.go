package activities

import (
	"context"
	"io/fs"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
)

// Pipelines finds specs.
type Pipelines struct {
	Registry registry.Registry
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
	return PipelineOutput{Spec: spec, Digest: registered.Digest}, err
}

func (p *Pipelines) registerBuiltIn(ctx context.Context, name string) (registry.PipelineSpec, error) {
	data, err := fs.ReadFile(p.BuiltIn, name+".yaml")
	if err != nil {
		return registry.PipelineSpec{}, fault.New(fault.NotFound,
			"no pipeline %q is registered and none of that name comes with LoanOps; register a spec with: loanops ct start --pipeline SPEC.yaml", name)
	}
	spec := registry.NewPipelineSpec(name, data)
	return spec, p.Registry.PutPipeline(ctx, spec)
}

// currentSpec is the spec under which a model is delivered: its policy and limits may be newer than the model.
func currentSpec(ctx context.Context, reg registry.Registry, name string) (pipeline.Spec, error) {
	registered, err := reg.Pipeline(ctx, name)
	if err != nil {
		return pipeline.Spec{}, err
	}
	return pipeline.Parse(name+".yaml", registered.YAML)
}
