package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/sha256hex"
)

// StepCache keeps the outputs of steps: a step that ran with the same input is not run again. Without a registry nothing is kept.
type StepCache struct {
	Registry CachedSteps
	Objects  Objects
	// Turns are of the steps of this process; nil of one that takes each step as it comes.
	Turns *Turns
}

// CachedSteps are the outputs that are kept, see registry.Registry.
type CachedSteps interface {
	CachedStep(ctx context.Context, key string) (registry.CachedStep, error)
	PutCachedStep(ctx context.Context, step registry.CachedStep) error
}

// Reused is the part of a cached step's output that says whether the work was done now.
type Reused struct {
	Cached bool `json:"cached"`
}

func (r *Reused) reuse() { r.Cached = true }

// mark follows a summary.
func (r Reused) mark() string {
	if r.Cached {
		return " (cached)"
	}
	return ""
}

// reusable is an output that can be kept: it names its objects and embeds Reused.
type reusable[Out any] interface {
	*Out
	producer
	reuse()
}

// cached returns the step's output for in, from the cache when it is there and every object that it names still exists, with the parts of datasets.
// The key is
// the step's name, its version and in as JSON; work is given what that JSON says, so that nothing it sees can be missing from the key.
func cached[StepIn, In any, Out Output, P reusable[Out]](ctx context.Context, c StepCache, step Step[StepIn, Out], in In, work func(context.Context, In) (Out, error)) (out Out, err error) {
	input, err := json.Marshal(in)
	if err != nil {
		return out, fault.Wrap(fault.Internal, err, "encoding the input of %s", step.Name)
	}
	key := stepKey(step.Name, step.Version, input)
	release, err := c.Turns.take(ctx, key)
	if err != nil {
		return out, err
	}
	defer release()
	out, hit, err := lookup[Out, P](ctx, c, key)
	if hit || err != nil {
		return out, err
	}
	var keyed In
	if err := json.Unmarshal(input, &keyed); err != nil {
		return out, fault.Wrap(fault.Internal, err, "decoding the input of %s", step.Name)
	}
	if out, err = work(ctx, keyed); err != nil {
		return out, err
	}
	result, err := json.Marshal(out)
	if err != nil {
		return out, fault.Wrap(fault.Internal, err, "encoding the output of %s", step.Name)
	}
	if c.Registry == nil {
		return out, nil
	}
	return out, c.Registry.PutCachedStep(ctx, registry.CachedStep{Key: key, Step: step.Name, Result: result})
}

// lookup finds an output. One of a shape that is not understood any more, or whose objects are gone, is no hit.
func lookup[Out Output, P reusable[Out]](ctx context.Context, c StepCache, key string) (out Out, hit bool, err error) {
	if c.Registry == nil {
		return out, false, nil
	}
	row, err := c.Registry.CachedStep(ctx, key)
	if fault.CodeOf(err) == fault.NotFound {
		return out, false, nil
	}
	if err != nil {
		return out, false, err
	}
	var found Out
	if json.Unmarshal(row.Result, &found) != nil {
		return out, false, nil //nolint:nilerr // a record of another form is no hit: the step runs again
	}
	for _, ref := range P(&found).Artifacts() {
		whole, err := c.whole(ctx, ref)
		if err != nil || !whole {
			return out, false, err
		}
	}
	P(&found).reuse()
	return found, true, nil
}

// whole reports whether an object is there, and if it is a dataset or what is held of a view, its parts: who reads it would fail without one of them, in every run.
func (c StepCache) whole(ctx context.Context, ref artifact.Ref) (bool, error) {
	exists, err := c.Objects.Exists(ctx, ref)
	if err == nil && exists && ref.MediaType == viewType {
		return c.wholeView(ctx, ref)
	}
	if err != nil || !exists || ref.MediaType != datasetType {
		return exists, err
	}
	_, parts, err := manifest(ctx, c.Objects, ref)
	if err != nil {
		return false, err
	}
	for _, part := range parts {
		if exists, err := c.Objects.Exists(ctx, part); err != nil || !exists {
			return false, err
		}
	}
	return true, nil
}

func (c StepCache) wholeView(ctx context.Context, ref artifact.Ref) (bool, error) {
	m, err := viewManifest(ctx, c.Objects, ref)
	if err != nil {
		return false, err
	}
	are, err := there(ctx, c.Objects, m.Partitions)
	return !slices.Contains(are, false), err
}

// stepKey is the SHA-256 of a step's name, its version and its input. A zero byte, which no name and no JSON holds, parts them.
func stepKey(name, version string, input []byte) string {
	return sha256hex.Of(fmt.Appendf(nil, "%s\x00%s\x00%s", name, version, input))
}
