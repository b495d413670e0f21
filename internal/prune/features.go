package prune

import (
	"context"
	"slices"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/retention"
)

// ViewStep is the step that computes views.
const ViewStep = "ComputeView"

// features makes a root of what the feature database names: the manifests of views, and by them the partitions. The registry does not know of them, but it knows that views were computed: then a
// feature database must say what is needed, or all of it would go.
func (p Pruner) features(ctx context.Context, s *retention.Store, steps []registry.CachedStep) error {
	root := retention.Root{Why: views}
	if p.Features != nil {
		manifests, err := p.Features.Manifests(ctx)
		if err != nil {
			return err
		}
		for _, manifest := range manifests {
			root.Names = append(root.Names, retention.Digests(manifest)...)
		}
	}
	if len(root.Names) == 0 && slices.ContainsFunc(steps, func(step registry.CachedStep) bool { return step.Step == ViewStep }) {
		return fault.New(fault.Refused, "feature views were computed, and the feature database that says which rows of them are needed is not named (LOANOPS_FEATURES_DATABASE) or knows of none, so that nothing is pruned")
	}
	s.Roots = append(s.Roots, root)
	return nil
}
