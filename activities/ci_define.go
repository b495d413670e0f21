package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
)

// defined reads a repository by its lock, with its definitions as they lie over what is registered now, and says what applying these would do. It is fault.Refused where
// the lock would not hold then: something else was registered since the tests.
func (p *Publication) defined(ctx context.Context, tree *ci.Tree, ref *artifact.Ref, by Publisher) (ci.Repository, *feature.Plan, error) {
	if ref == nil {
		repository, err := readBy(ctx, p.Objects, tree, nil)
		return repository, &feature.Plan{}, err
	}
	lock, err := getLock(ctx, p.Objects, *ref)
	if err != nil {
		return ci.Repository{}, nil, err
	}
	if p.Features == nil {
		return ci.Repository{}, nil, fault.New(fault.Invalid, "the commit has features, and this worker has no feature store (LOANOPS_FEATURES_DATABASE)")
	}
	known, err := registeredIn(ctx, p.Features)
	if err != nil {
		return ci.Repository{}, nil, err
	}
	repository, err := ci.Read(tree, ci.Over{Registered: known.Catalogue, Keep: keeper(ctx, p.Objects, tree), Lock: lock})
	if fault.CodeOf(err) == fault.Invalid {
		err = fault.New(fault.Refused, "what is registered in the feature store has changed since the tests: %s", err)
	}
	if err != nil {
		return repository, nil, err
	}
	plan, err := p.plan(ctx, known.Catalogue, repository, by)
	if err != nil {
		return repository, nil, err
	}
	after, err := known.After(plan)
	if err != nil {
		return repository, nil, err
	}
	return repository, plan, lock.Holds(after)
}

// plan is what becomes of the register when the repository's definitions are applied. Who can push is no operator: what a name means to others is not moved by a push. So
// a meaning that changes under a name which another pipeline reads, or which somebody else has registered, is staged: this pipeline reads it by its version, and nobody
// else learns of it before a person says so; what is only told otherwise of such a name (a default, a description) is left. Everything that changes is staged where
// something that is registered would work no more otherwise.
func (p *Publication) plan(ctx context.Context, known *feature.Catalogue, repository ci.Repository, by Publisher) (*feature.Plan, error) {
	if len(repository.DefinitionFiles) == 0 {
		return &feature.Plan{}, nil
	}
	specs, err := p.Registry.Pipelines(ctx)
	if err != nil {
		return nil, err
	}
	others := make([]pipeline.Spec, len(specs))
	for i, registered := range specs {
		if others[i], err = registered.Spec(); err != nil { // of an earlier LoanOps: what it was resolved to is known all the same
			others[i] = pipeline.Spec{Name: registered.Name}
			others[i].Look(registered.Features)
		}
	}
	read := readers(others, repository.Spec.Name)
	registered := func(kind feature.Kind, name string) bool { return len(known.Versions(kind, name)) > 0 }
	foreign := func(kind feature.Kind, name string) bool {
		readByOthers := kind != feature.KindEntity && read[name] != ""
		return registered(kind, name) && (readByOthers || by.Trigger != registry.ByHand && known.Owner(kind, name) != by.Repository)
	}
	plan, err := known.PlanEach(repository.Definitions, foreign)
	if fault.CodeOf(err) == fault.Refused {
		plan, err = known.PlanEach(repository.Definitions, registered)
	}
	if err != nil {
		return nil, err
	}
	for i := range plan.Changes {
		if c := &plan.Changes[i]; c.Do == feature.Described && foreign(c.Kind, c.Name) {
			c.Do = feature.Unchanged
		}
	}
	return plan, nil
}

// apply does what a plan says. Where it is overtaken by another one it is fault.Conflict, and the next try plans anew.
func (p *Publication) apply(ctx context.Context, plan *feature.Plan, in RegisterPipelineInput) (done []string, err error) {
	rows := plan.Rows(fmt.Sprintf("commit %.12s of repository %s", in.Commit, in.By.Repository))
	if len(rows) == 0 {
		return nil, nil
	}
	for i := range rows {
		rows[i].Repository = in.By.Repository
	}
	if _, err := p.Features.Register(ctx, plan.After, rows); err != nil {
		return nil, err
	}
	for _, c := range plan.Changes {
		if c.Do == feature.Unchanged {
			continue
		}
		text := fmt.Sprintf("%s %s@%d %s", c.Kind, c.Name, c.Version, c.Do)
		switch {
		case c.Stage != feature.Staged:
		case c.Do == feature.New:
			text += " and staged: its name means nothing yet"
		default:
			text += " and staged: its name means what it meant"
		}
		done = append(done, text)
	}
	return done, nil
}
