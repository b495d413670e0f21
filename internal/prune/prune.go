// Package prune removes the objects of the store that nothing needs any more, in an order in which whatever fails leaves nothing that points to an
// object that is gone. Package retention says which they are; this one reads what there is, and deletes.
package prune

import (
	"context"
	"path"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/retention"
)

// LeastAge is the least age of the limit: what a run makes is named by its records within hours, see artifact.Store.
const LeastAge = 24 * time.Hour

// Pruner is of one database and its bucket.
type Pruner struct {
	Registry registry.Registry
	Objects  *artifact.Store
	// Features is the feature database; nil where there is none.
	Features feature.Offline
	// Open says what goes on or will start. It is asked anew for each look at what is needed.
	Open func(context.Context) (Open, error)
	// Namespace is the ID of the Temporal namespace that Open asks.
	Namespace string
	// Before is the limit, LeastAge ago or earlier: what is younger stays.
	Before time.Time
}

// Result is what was removed, or would be.
type Result struct {
	// Before is the limit: what is younger stays.
	Before  time.Time `json:"before"`
	Deleted bool      `json:"deleted"` // false: nothing was removed, Objects would be
	// Objects are those that go, by what they are.
	Objects map[string]retention.Count `json:"objects"`
	Total   retention.Count            `json:"total"`
	// CachedSteps is how many finished steps are forgotten with them: they would be done again.
	CachedSteps int `json:"cached_steps"`
	// Kept is what stays, by the first reason.
	Kept map[string]retention.Count `json:"kept"`
	// Others is how many further objects are in the bucket, such as Terraform's states. They are left alone.
	Others int `json:"others"`
}

// Run makes the plan and, where it is really meant, follows it. Cached steps are forgotten first, so that whatever happens none points to an object
// that is gone; then it is looked again at what is needed, for a run may have taken one of them until then. A bucket that is not of the database, or
// in which runs of another namespace keep objects, is fault.Refused, and so is one of a feature database that is not named.
func (p Pruner) Run(ctx context.Context, really bool) (Result, error) {
	done := Result{Before: p.Before, Deleted: really, Objects: map[string]retention.Count{}}
	if err := p.mine(ctx); err != nil {
		return done, err
	}
	plan, others, err := p.plan(ctx)
	if err != nil {
		return done, err
	}
	done.CachedSteps, done.Others = len(plan.Steps), others
	if really {
		if done.CachedSteps, err = p.Registry.DeleteCachedSteps(ctx, plan.Steps, p.Before); err != nil {
			return done, err
		}
		again, _, err := p.plan(ctx)
		if err != nil {
			return done, err
		}
		// The second plan may let go what the first one kept with cached steps that point to it.
		plan.Objects, plan.Kept = named(plan.Objects, names(again.Objects)), again.Kept
		deleted, err := p.Objects.Delete(ctx, names(plan.Objects), p.Before)
		if err != nil {
			return done, err
		}
		plan.Objects = named(plan.Objects, deleted) // not what a run has put again since it was listed
	}
	for _, o := range plan.Objects {
		kind := kindOf(o.Name)
		done.Objects[kind], done.Total = done.Objects[kind].Plus(o), done.Total.Plus(o)
	}
	done.Kept = plan.Kept
	return done, nil
}

// mine refuses a bucket of another database: whatever stands in it would be needed by nothing. And one of another namespace: what goes on there would
// be needed by nobody.
func (p Pruner) mine(ctx context.Context) error {
	database, err := p.Registry.Identity(ctx)
	if err != nil {
		return err
	}
	err = p.Objects.OwnedBy(ctx, database)
	if fault.CodeOf(err) == fault.NotFound {
		return fault.New(fault.Refused, "nothing says that the bucket is that of this metadata database, so that nothing is pruned: a worker that is started with both says so")
	}
	if err != nil {
		return err
	}
	noted, err := p.Objects.Namespaces(ctx)
	if err != nil {
		return err
	}
	if len(noted) == 0 {
		return fault.New(fault.Refused, "nothing says in which Temporal namespace the runs are that keep objects in the bucket, so that nothing is pruned: a worker that is started says so")
	}
	for _, id := range noted {
		if id != p.Namespace {
			return fault.New(fault.Refused, "runs of another Temporal namespace than this one (%s) keep objects in the bucket, and what they need is not known: "+
				"name theirs (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE; its ID is %s), or remove %s where it is no more", p.Namespace, id, p.Objects.NamespaceURI(id))
		}
	}
	return nil
}

func names(objects []retention.Object) (all []string) {
	for _, o := range objects {
		all = append(all, o.Name)
	}
	return all
}

// named are those of the objects whose names are among names.
func named(objects []retention.Object, names []string) (all []retention.Object) {
	among := map[string]bool{}
	for _, name := range names {
		among[name] = true
	}
	for _, o := range objects {
		if among[o.Name] {
			all = append(all, o)
		}
	}
	return all
}

// plan looks at what there is.
func (p Pruner) plan(ctx context.Context) (plan retention.Plan, others int, err error) {
	// Objects first: what is written while the rest is read is not among them.
	stored, others, err := p.Objects.All(ctx)
	if err != nil {
		return plan, 0, err
	}
	s := retention.Store{Before: p.Before}
	refs := map[string]artifact.Ref{}
	for _, o := range stored {
		s.Objects = append(s.Objects, retention.Object{Name: o.URI, Digest: o.SHA256, Bytes: o.Bytes, Modified: o.Modified})
		if o.Extension == "json" {
			refs[o.URI] = o.Ref()
		}
	}
	if s.Roots, err = p.roots(ctx); err != nil {
		return plan, 0, err
	}
	steps, err := p.Registry.CachedSteps(ctx)
	if err != nil {
		return plan, 0, err
	}
	if err := p.features(ctx, &s, steps); err != nil {
		return plan, 0, err
	}
	for _, step := range steps {
		s.Steps = append(s.Steps, retention.Step{Key: step.Key, Created: step.CreatedAt, Names: retention.Digests(step.Result)})
	}
	// Documents name others: manifests, reports, sources. A kept slice does so too, in a form of its own, but is of use with its cached step alone,
	// which names all that it does.
	s.Read = func(o retention.Object) ([]string, error) {
		ref, names := refs[o.Name]
		if !names {
			return nil, nil
		}
		data, err := p.Objects.Get(ctx, ref)
		return retention.Digests(data), err
	}
	plan, err = retention.New(s)
	return plan, others, err
}

// kindOf says what an object is, by its name.
func kindOf(uri string) string {
	kinds := map[string]string{".parquet": "rows", ".json": "documents", ".html": "pages", ".model": "bundles", ".slice": "slices"}
	if kind := kinds[path.Ext(uri)]; kind != "" {
		return kind
	}
	return "raw files"
}
