package workflows

import (
	"slices"
	"strings"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// compute brings what the offline store holds of views up to their sources. It returns what is there of the views that are named, in their order.
func (r *run) compute(ctx workflow.Context, views []string) (manifests []artifact.Ref, err error) {
	if len(views) == 0 {
		return nil, nil
	}
	found, err := do(ctx, r, activities.FindViews, "finding the views of features", activities.FindViewsInput{Views: views})
	if err != nil {
		return nil, err
	}
	computed, err := r.computeAll(ctx, found.Views)
	if err != nil {
		return nil, err
	}
	for _, name := range views {
		manifests = append(manifests, computed[name].Manifest)
	}
	return manifests, nil
}

// computeOne does the same for one view.
func (r *run) computeOne(ctx workflow.Context, name string) (view activities.FeatureView, computed activities.ComputeViewOutput, err error) {
	found, err := do(ctx, r, activities.FindViews, "finding the view, and what it is made of", activities.FindViewsInput{Views: []string{name}})
	if err != nil {
		return view, computed, err
	}
	all, err := r.computeAll(ctx, found.Views)
	view = found.Views[len(found.Views)-1]
	return view, all[view.ID()], err
}

// computeAll computes each view after those that its rows are made of and beside all others. Of a feed that is not taken what was taken before stays; the run's
// reasons say so.
func (r *run) computeAll(ctx workflow.Context, waiting []activities.FeatureView) (computed map[string]activities.ComputeViewOutput, err error) {
	began := feature.InstantOf(workflow.Now(ctx)) // before anything is read: what comes meanwhile is of the next run
	computed = map[string]activities.ComputeViewOutput{}
	for len(waiting) > 0 {
		var now, later []activities.FeatureView
		for _, v := range waiting {
			if slices.ContainsFunc(v.From, func(from string) bool { _, there := computed[from]; return !there }) {
				later = append(later, v)
			} else {
				now = append(now, v)
			}
		}
		if len(now) == 0 {
			return nil, temporal.NewNonRetryableApplicationError("views that are not to be computed are missing for "+names(later), string(fault.Internal), nil)
		}
		outs, err := r.computeNow(ctx, now, began, computed)
		if err != nil {
			return nil, err
		}
		for i, out := range outs {
			if out.Refused != "" {
				r.refusedFeeds = append(r.refusedFeeds, out.Summary())
			}
			computed[now[i].ID()] = out
		}
		waiting = later
	}
	return computed, nil
}

// names are those of views, in words.
func names(views []activities.FeatureView) string {
	all := make([]string, len(views))
	for i, v := range views {
		all[i] = v.ID()
	}
	return strings.Join(all, ", ")
}

// computeNow computes views side by side.
func (r *run) computeNow(ctx workflow.Context, views []activities.FeatureView, began feature.Instant, computed map[string]activities.ComputeViewOutput) ([]activities.ComputeViewOutput, error) {
	outs, errs := make([]activities.ComputeViewOutput, len(views)), make([]error, len(views))
	all := workflow.NewWaitGroup(ctx)
	for i, v := range views {
		in := activities.ComputeViewInput{View: v, Now: began}
		for _, from := range v.From {
			in.From = append(in.From, computed[from].Manifest)
			in.Now = min(in.Now, computed[from].Until) // its rows are as old as the oldest that they are made of
		}
		all.Add(1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			defer all.Done()
			stage := "computing " + v.ID()
			outs[i], errs[i] = doAs(ctx, r, options(activities.ComputeView.Queue(), activities.ComputeView.Patience, stage), activities.ComputeView, activities.ComputeView.Name+" "+v.ID(), stage, in)
		})
	}
	all.Wait(ctx)
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return outs, nil
}
