package activities

import (
	"context"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// Publisher is who publishes a commit, and with what right.
type Publisher struct {
	// Repository is the one that the commit is of: its URL, or its folder.
	Repository string `json:"repository"`
	// Trigger says whether somebody pushed, or a person who may start workflows, an operator, started it.
	Trigger registry.Trigger `json:"trigger"`
	// TakeOver makes the pipeline the repository's own: pushes to it replace the pipeline from then on.
	TakeOver bool `json:"take_over,omitempty"`
}

// OwnerInput asks whether a commit may become a version of the pipeline that its spec names.
type OwnerInput struct {
	Pipeline string    `json:"pipeline"`
	By       Publisher `json:"by"`
}

// OwnerOutput is whose pushes replace the pipeline once the commit is published; empty for nobody's.
type OwnerOutput struct {
	Owner string `json:"owner"`
}

// Summary is the owner.
func (o OwnerOutput) Summary() string { return "pushes to " + o.Owner + " replace it" }

// CheckOwner refuses a push whose spec has the name of a pipeline that is not the repository's own: whoever can push there is no operator. It is asked before
// the tests, which hold a commit against that pipeline's champion; where a version is numbered, the registry asks once more.
func (p *Publication) CheckOwner(ctx context.Context, in OwnerInput) (OwnerOutput, error) {
	versions, err := p.Registry.PipelineVersions(ctx, in.Pipeline)
	if err != nil {
		return OwnerOutput{}, err
	}
	var owner string
	if len(versions) > 0 {
		owner, err = registry.NextOwner(versions[0].Owner, in.Pipeline, in.By.Repository, in.By.Trigger, in.By.TakeOver)
	} else {
		owner, err = p.firstOwner(ctx, in.Pipeline, in.By)
	}
	return OwnerOutput{Owner: owner}, err
}

// firstOwner is the owner of a pipeline of which this is to be the first version: whoever publishes it, but for one that people have registered.
func (p *Publication) firstOwner(ctx context.Context, name string, by Publisher) (string, error) {
	_, err := p.Registry.Pipeline(ctx, name)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return by.Repository, nil
	case err != nil:
		return "", err
	}
	return registry.NextOwner("", name, by.Repository, by.Trigger, by.TakeOver)
}
