package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/retention"
)

// leastAge is the least limit. What a run makes is named by its records within hours, see artifact.Store.
const leastAge = 24 * time.Hour

func (a *app) pruneCommand() *cobra.Command {
	var age string
	var really bool
	c := &cobra.Command{
		Use: "prune", Short: "Remove objects that nothing needs any more; without --delete, say which", Args: between(0, 0),
		Example: "  loanops prune --older-than 90d\n  loanops prune --older-than 90d --delete --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			limit, err := parseAge(age)
			if err != nil {
				return err
			}
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			store, err := objects(ctx, s)
			if err != nil {
				return err
			}
			temporal, err := dial(ctx, s)
			if err != nil {
				return err
			}
			defer temporal.Close()
			p := pruning{registry: reg, objects: store, running: func(ctx context.Context) ([]retention.Root, error) { return runningRoots(ctx, reg, temporal) }}
			p.before = time.Now().UTC().Add(-limit)
			done, err := p.run(ctx, really)
			if err != nil {
				return err
			}
			return a.print(done, func() { a.describePruned(done) })
		},
	}
	c.Flags().StringVar(&age, "older-than", "", "`age` from which objects may go, such as 90d; at least 1d")
	c.Flags().BoolVar(&really, "delete", false, "remove them")
	_ = c.MarkFlagRequired("older-than")
	return c
}

// parseAge reads a number of days or a duration.
func parseAge(text string) (time.Duration, error) {
	age, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		var n int
		n, err = strconv.Atoi(days)
		n = min(n, 36_500) // a century: more of them are no duration
		age = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || age < leastAge {
		return 0, fault.New(fault.Invalid, "--older-than is %q; an age of at least 1d is wanted, such as 90d or 36h", text)
	}
	return age, nil
}

// pruning is what is asked while objects are removed.
type pruning struct {
	registry registry.Registry
	objects  *artifact.Store
	running  func(context.Context) ([]retention.Root, error)
	before   time.Time
}

// pruned is what was removed, or would be.
type pruned struct {
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

// run makes the plan and, where it is really meant, follows it. Cached steps are forgotten first, so that whatever happens none points to an object
// that is gone; then it is looked again at what is needed, for a run may have taken one of them until then.
func (p pruning) run(ctx context.Context, really bool) (pruned, error) {
	done := pruned{Before: p.before, Deleted: really, Objects: map[string]retention.Count{}}
	if err := p.mine(ctx); err != nil {
		return done, err
	}
	plan, others, err := p.plan(ctx)
	if err != nil {
		return done, err
	}
	done.CachedSteps, done.Others = len(plan.Steps), others
	if really {
		if done.CachedSteps, err = p.registry.DeleteCachedSteps(ctx, plan.Steps, p.before); err != nil {
			return done, err
		}
		again, _, err := p.plan(ctx)
		if err != nil {
			return done, err
		}
		plan.Objects, plan.Kept = both(plan.Objects, again.Objects), again.Kept
	}
	var uris []string
	for _, o := range plan.Objects {
		uris = append(uris, o.Name)
		kind := kindOf(o.Name)
		done.Objects[kind], done.Total = done.Objects[kind].Plus(o), done.Total.Plus(o)
	}
	done.Kept = plan.Kept
	if really {
		_, err = p.objects.Delete(ctx, uris)
	}
	return done, err
}

// mine refuses a bucket of another database: whatever stands in it would be needed by nothing.
func (p pruning) mine(ctx context.Context) error {
	database, err := p.registry.Identity(ctx)
	if err != nil {
		return err
	}
	err = p.objects.OwnedBy(ctx, database)
	if fault.CodeOf(err) == fault.NotFound {
		return fault.New(fault.Refused, "nothing says that the bucket is that of this metadata database, so that nothing is pruned: a worker that is started with both says so")
	}
	return err
}

// both are the objects of two plans: the second may let go what the first one kept with cached steps that point to it.
func both(first, second []retention.Object) (all []retention.Object) {
	goes := map[string]bool{}
	for _, o := range second {
		goes[o.Name] = true
	}
	for _, o := range first {
		if goes[o.Name] {
			all = append(all, o)
		}
	}
	return all
}

// plan looks at what there is.
func (p pruning) plan(ctx context.Context) (plan retention.Plan, others int, err error) {
	// Objects first: what is written while the rest is read is not among them.
	stored, others, err := p.objects.All(ctx)
	if err != nil {
		return plan, 0, err
	}
	s := retention.Store{Before: p.before}
	refs := map[string]artifact.Ref{}
	for _, o := range stored {
		s.Objects = append(s.Objects, retention.Object{Name: o.URI, Digest: o.SHA256, Bytes: o.Bytes, Modified: o.Modified})
		if o.Extension == "json" {
			refs[o.URI] = o.Ref()
		}
	}
	if s.Roots, err = recordedRoots(ctx, p.registry, p.before); err != nil {
		return plan, 0, err
	}
	running, err := p.running(ctx)
	if err != nil {
		return plan, 0, err
	}
	s.Roots = append(s.Roots, running...)
	steps, err := p.registry.CachedSteps(ctx)
	if err != nil {
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
		data, err := p.objects.Get(ctx, ref)
		return retention.Digests(data), err
	}
	plan, err = retention.New(s)
	return plan, others, err
}

// kindOf says what an object is, by its name.
func kindOf(uri string) string {
	kinds := map[string]string{"parquet": "rows", "json": "documents", "html": "pages", "model": "bundles", "slice": "slices"}
	if kind := kinds[extension(uri)]; kind != "" {
		return kind
	}
	return "raw files"
}

func (a *app) describePruned(p pruned) {
	said, hint := "would be removed", "; with --delete it is done"
	if p.Deleted {
		said, hint = "are removed", ""
	}
	fmt.Fprintf(a.out, "%d objects of %d bytes from before %s %s, and %d cached steps%s\n", p.Total.Objects, p.Total.Bytes, p.Before.Format(timeLayout), said, p.CachedSteps, hint)
	a.countTable("KIND", p.Objects)
	a.countTable("KEPT FOR", p.Kept)
	fmt.Fprintf(a.out, "\n%d other objects of the bucket are left alone\n", p.Others)
}

func (a *app) countTable(title string, counts map[string]retention.Count) {
	if len(counts) == 0 {
		return
	}
	rows := [][]string{{title, "OBJECTS", "BYTES"}}
	for _, name := range sortedKeys(counts) {
		rows = append(rows, []string{name, strconv.Itoa(counts[name].Objects), strconv.FormatInt(counts[name].Bytes, 10)})
	}
	fmt.Fprintln(a.out)
	a.table(rows)
}
