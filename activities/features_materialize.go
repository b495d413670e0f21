package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// MaterializeViewInput is a version of a view, and what the offline store holds of it.
type MaterializeViewInput struct {
	View     FeatureView  `json:"view"`
	Manifest artifact.Ref `json:"manifest"`
	// Until is the moment up to which what was known is written, in microseconds since 1970.
	Until feature.Instant `json:"until"`
	// Anew writes what is there already as well, whatever is held of it.
	Anew bool `json:"anew,omitempty"`
}

// MaterializeViewOutput is what was written.
type MaterializeViewOutput struct {
	View string `json:"view"` // name@version
	// Entities is how many were written: those of whom anything may have changed.
	Entities   int             `json:"entities"`
	Generation int64           `json:"generation"`
	Until      feature.Instant `json:"until"`
	// Overtaken says that the online store holds what a later run found, so that nothing was written.
	Overtaken bool `json:"overtaken,omitempty"`
}

// Summary says how many.
func (o MaterializeViewOutput) Summary() string {
	if o.Overtaken {
		return fmt.Sprintf("%s: nothing is written, for a later run has written what was known until %s", o.View, o.Until.Time().Format(time.RFC3339))
	}
	if o.Entities == 0 {
		return fmt.Sprintf("%s: nothing is new until %s", o.View, o.Until.Time().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s: %d entities, as known until %s", o.View, o.Entities, o.Until.Time().Format(time.RFC3339))
}

// soFar is how far a try came: the one after it goes on there, unless another writer took over meanwhile. Heartbeats say it, so it names nobody.
type soFar struct {
	Generation int64
	// Entities is how many are written, in an order that is the same for every try.
	Entities int
}

// chunk is how many entities are written in one transaction.
const chunk = 500

// Materialize brings the online store up to what the offline store holds, unless a later run did. Only entities of whom anything may have changed since the last time are written, or
// with Anew all, and the watermark moves when all are.
func (f *FeatureViews) Materialize(ctx context.Context, in MaterializeViewInput) (MaterializeViewOutput, error) {
	out := MaterializeViewOutput{View: in.View.ID(), Until: in.Until}
	m, err := viewManifest(ctx, f.Reading.Cache.Objects, in.Manifest)
	if err != nil {
		return out, err
	}
	progress, err := f.Online.Progress(ctx, in.View.Name, in.View.Version)
	if err != nil {
		return out, err
	}
	named, err := json.Marshal(in.Manifest)
	if err != nil {
		return out, fault.Wrap(fault.Internal, err, "encoding a reference")
	}
	name := string(named)
	if in.Until < progress.Until && name != progress.Manifest { // runs by hand and by schedule overlap, and what they find is not written in the order in which they looked
		if !in.Anew {
			out.Until, out.Generation, out.Overtaken = progress.Until, progress.Generation, true
			return out, nil
		}
		if in.Manifest, err = heldManifest(out.View, progress); err != nil {
			return out, err
		}
		if m, err = viewManifest(ctx, f.Reading.Cache.Objects, in.Manifest); err != nil {
			return out, err
		}
		name = progress.Manifest
	}
	in.Until = max(in.Until, progress.Until) // what is held already is not forgotten, whatever a clock says
	out.Until = in.Until
	w := writer{FeatureViews: f, in: in, of: m.Computable, reader: m.View.Reader()}
	if w.days, err = dayFiles(ctx, f.Reading.Cache.Objects, m); err != nil {
		return out, err
	}
	if !in.Anew {
		if w.changed, err = w.since(ctx, m, name, progress); err != nil {
			return out, err
		}
	}
	if err := w.refold(ctx); err != nil {
		return out, err
	}
	var tried soFar
	reached(ctx, &tried)
	if tried.Generation > 0 && tried.Generation == progress.Generation && progress.Begun == name {
		w.soFar = tried
	} else if progress, err = f.Online.Begin(ctx, in.View.Name, in.View.Version, progress.Generation, name); err != nil {
		return out, err
	}
	w.Generation = progress.Generation
	if err := w.write(ctx); err != nil {
		return out, err
	}
	out.Entities, out.Generation = w.Entities, w.Generation
	_, err = f.Online.Finish(ctx, in.View.Name, in.View.Version, w.Generation, in.Until)
	return out, err
}

// writer writes what files say of entities.
type writer struct {
	*FeatureViews
	soFar
	in     MaterializeViewInput
	of     feature.Computable
	reader *feature.Reader
	days   []feature.DayFiles
	// changed is what the online store holds, beside what there is now; nil where all entities must be written.
	changed *feature.Since
}

// refold brings what is held up to the log.
func (w *writer) refold(ctx context.Context) error {
	if !w.of.View.Events {
		return nil
	}
	if w.in.Anew {
		if err := w.Log.Unfold(ctx, w.in.View.Name, w.in.View.Version); err != nil {
			return err
		}
	}
	return w.Log.Refold(ctx, w.in.View.Name, w.in.View.Version, func(_ feature.Registered, _ feature.Key, state []byte, rows []feature.Logged, extent feature.Extent) ([]byte, error) {
		return w.reader.Fold(w.readable(state), rows, extent, w.in.Until)
	})
}

// readable is a state, or nothing in place of one that is to be written anew and is damaged.
func (w *writer) readable(state []byte) []byte {
	if w.in.Anew {
		if _, err := w.reader.Decode(state); err != nil {
			return nil
		}
	}
	return state
}

// heldManifest is where the manifest of a version is that the online store holds as a whole.
func heldManifest(version string, progress feature.Progress) (ref artifact.Ref, err error) {
	err = json.Unmarshal([]byte(progress.Manifest), &ref)
	return ref, fault.Wrap(fault.Internal, err, "what the online store has of %s", version)
}

// held is the manifest that the online store holds, but for what the newest generation has written of this one; nil where it holds none, or nobody knows which.
func (w *writer) held(ctx context.Context, name string, progress feature.Progress) (*feature.Manifest, error) {
	interrupted := progress.Begun != progress.Manifest
	if progress.Manifest == "" || interrupted && (progress.Begun != name || progress.Generation != progress.Whole+1) {
		return nil, nil
	}
	ref, err := heldManifest(w.in.View.ID(), progress)
	if err != nil {
		return nil, nil //nolint:nilerr // it was written in another form: all is written again
	}
	m, err := viewManifest(ctx, w.Reading.Cache.Objects, ref)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, nil
	}
	return &m, err
}

// since is what there was when the online store was written, where that differs from what there is. Nil where nobody knows.
func (w *writer) since(ctx context.Context, m feature.Manifest, name string, progress feature.Progress) (*feature.Since, error) {
	before, err := w.held(ctx, name, progress)
	if err != nil || before == nil {
		return nil, err
	}
	was := map[feature.Period]feature.Partition{}
	for _, p := range before.Partitions {
		was[p.Period] = p
	}
	since := &feature.Since{Moment: progress.Until}
	for i, p := range m.Partitions {
		if old, there := was[p.Period]; there && old.Objects.Rows == p.Objects.Rows {
			delete(was, p.Period)
		} else {
			since.New = append(since.New, w.days[i])
		}
	}
	var gone feature.Manifest
	for _, p := range before.Partitions {
		if _, is := was[p.Period]; is {
			gone.Partitions = append(gone.Partitions, p)
		}
	}
	since.Gone, err = dayFiles(ctx, w.Reading.Cache.Objects, gone)
	if fault.CodeOf(err) == fault.NotFound {
		return nil, nil
	}
	return since, err
}

// write writes the entities, in the order of their keys.
func (w *writer) write(ctx context.Context) error {
	var entities []feature.Computed
	put := func() error {
		if len(entities) == 0 {
			return nil
		}
		err := w.put(ctx, entities)
		if err == nil {
			reach(ctx, w.soFar)
		}
		entities = entities[:0]
		return err
	}
	err := w.Warehouse.States(ctx, w.of.View, w.days, w.changed, w.Entities, w.in.Until, func(key feature.Key, part feature.Part) error {
		state := feature.State{Files: part}
		entities = append(entities, feature.Computed{Key: key, Files: state.Encode()})
		if len(entities) < chunk {
			return nil
		}
		return put()
	})
	if err == nil {
		err = put()
	}
	if err != nil || w.changed != nil {
		return err
	}
	return w.sweep(ctx)
}

// put writes some entities.
func (w *writer) put(ctx context.Context, entities []feature.Computed) error {
	if err := w.Online.Put(ctx, w.in.View.Name, w.in.View.Version, w.Generation, entities, w.merge); err != nil {
		return err
	}
	w.Entities += len(entities)
	say(ctx, fmt.Sprintf("%d entities", w.Entities))
	return nil
}

// sweep forgets, once all entities of the view are written, what earlier generations wrote of others: files say nothing of these any more.
func (w *writer) sweep(ctx context.Context) error {
	var nothing feature.State
	for after := feature.Key(""); ; {
		held, err := w.Online.Held(ctx, w.in.View.Name, w.in.View.Version, after, chunk)
		if err != nil || len(held) == 0 {
			return err
		}
		var gone []feature.Computed
		for _, h := range held {
			if h.Generation > 0 && h.Generation < w.Generation {
				gone = append(gone, feature.Computed{Key: h.Key, Files: nothing.Encode()})
			}
		}
		if err := w.put(ctx, gone); err != nil {
			return err
		}
		after = held[len(held)-1].Key
	}
}

// merge puts what files say beside what was posted.
func (w *writer) merge(_ feature.Key, state, files []byte) ([]byte, error) {
	var held feature.State
	var err error
	if state = w.readable(state); state != nil {
		if held, err = w.reader.Decode(state); err != nil {
			return nil, err
		}
	}
	if w.in.Anew {
		held.Generation = 0 // whatever it says: only the newest writes
	}
	computed, err := w.reader.Decode(files)
	if err != nil {
		return nil, err
	}
	held = w.reader.Computed(held, w.Generation, computed.Files, w.in.Until)
	if held.Nothing() {
		return nil, nil
	}
	return held.Encode(), nil
}
