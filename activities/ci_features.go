package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/sha256hex"
)

// registered is what a feature store has declared.
type registered struct {
	*feature.Catalogue
	digest string // of all rows; empty of none
}

// registeredIn is what a register has; nothing of a worker without one.
func registeredIn(ctx context.Context, register feature.Register) (r registered, err error) {
	r.Catalogue = &feature.Catalogue{}
	if register == nil {
		return r, nil
	}
	rows, catalogue, err := feature.Load(ctx, register)
	if err != nil || len(rows) == 0 {
		return r, err
	}
	r.Catalogue = catalogue
	data, err := json.Marshal(rows)
	r.digest = sha256hex.Of(data)
	return r, fault.Wrap(fault.Internal, err, "encoding the register of features")
}

// keeper puts files of a tree into the store, and says where they are.
func keeper(ctx context.Context, objects Objects, tree *ci.Tree) func(path string) (string, error) {
	return func(path string) (string, error) {
		file, _ := tree.File(path)
		ref, err := objects.Put(ctx, file.Data, rawType, artifact.Extension(path))
		return ref.URI, err
	}
}

func putLock(ctx context.Context, objects Objects, lock feature.Lock) (map[string]artifact.Ref, error) {
	data, err := lock.Encode()
	if err != nil {
		return nil, err
	}
	ref, err := objects.Put(ctx, data, jsonType, "json")
	return map[string]artifact.Ref{artifact.FeatureLock: ref}, err
}

func getLock(ctx context.Context, objects Objects, ref artifact.Ref) (*feature.Lock, error) {
	data, err := objects.Get(ctx, ref)
	if err != nil {
		return nil, err
	}
	lock, err := feature.DecodeLock(data)
	return &lock, err
}

// readLocked reads a repository by the lock that its first test made.
func readLocked(ctx context.Context, objects Objects, tree *ci.Tree, made map[string]artifact.Ref) (ci.Repository, error) {
	ref, has := made[artifact.FeatureLock]
	if !has {
		return readBy(ctx, objects, tree, nil)
	}
	return readBy(ctx, objects, tree, &ref)
}

// readBy reads a repository by the lock of its features; nil is of one that has none.
func readBy(ctx context.Context, objects Objects, tree *ci.Tree, ref *artifact.Ref) (ci.Repository, error) {
	if ref == nil && ci.Featured(tree) {
		return ci.Repository{}, fault.New(fault.Internal, "the commit has features, and no lock of what they came to is given")
	}
	var over ci.Over
	if ref != nil {
		var err error
		if over.Lock, err = getLock(ctx, objects, *ref); err != nil {
			return ci.Repository{}, err
		}
	}
	return ci.Read(tree, over)
}

// views computes what the views of a spec's features say of the rows that the repository has for them, and says in a line each of which: a manifest for each in the
// order of ViewsOf. A simulated feed is its own sample; of a view without rows nothing is known of anybody.
func (i *Integration) views(ctx context.Context, tree *ci.Tree, repository ci.Repository) (manifests []artifact.Ref, said []string, err error) {
	wanted := ViewsOf(repository.Spec.Looked())
	if len(wanted) == 0 {
		return nil, nil, nil
	}
	rows := repository.Lock.Rows()
	empty := map[string]bool{} // name@version
	for n := range rows {
		if rows[n].Kind != feature.KindView {
			continue
		}
		from, err := i.onSample(ctx, tree, repository, &rows[n])
		if err != nil {
			return nil, nil, err
		}
		view := fmt.Sprintf("%s@%d", rows[n].Name, rows[n].Version)
		empty[view] = from == ""
		said = append(said, fmt.Sprintf("view %s: %s", view, orNone(from)))
	}
	reading := i.Desk.extraction()
	computing := FeatureViews{Register: sampled{rows: rows}, Offline: sampled{}, Reading: &reading, Warehouse: i.Desk.Views}
	found, err := computing.Find(ctx, FindViewsInput{Views: wanted})
	if err != nil {
		return nil, nil, err
	}
	made := map[string]artifact.Ref{}
	for _, view := range found.Views {
		in := ComputeViewInput{View: view}
		for _, from := range view.From {
			in.From = append(in.From, made[from])
		}
		if empty[view.ID()] {
			if made[view.ID()], err = i.nothingOf(ctx, view); err != nil {
				return nil, nil, err
			}
			continue
		}
		out, err := computing.Compute(ctx, in)
		if err != nil {
			return nil, nil, fault.Wrap(fault.CodeOf(err), err, "the rows of view %s (%s)", view.ID(), orNone(repository.ViewRows[view.Name]))
		}
		made[view.ID()] = out.Manifest
		said = append(said, out.Summary())
	}
	for _, view := range wanted {
		manifests = append(manifests, made[view])
	}
	return manifests, said, nil
}

func orNone(from string) string {
	if from == "" {
		return "the repository has no rows of it: every feature is unknown, and takes its default"
	}
	return from
}

// onSample is a registered view that reads the rows which the repository has for it, and where these are; nowhere where there are none.
func (i *Integration) onSample(ctx context.Context, tree *ci.Tree, repository ci.Repository, row *feature.Registered) (from string, err error) {
	var view feature.View
	if err := json.Unmarshal(row.Document, &view); err != nil {
		return "", fault.Wrap(fault.Internal, err, "the definition of view %s", row.Name)
	}
	view.Events = false // nobody posts to a test
	file, has := repository.ViewRows[row.Name]
	switch {
	case view.SQL != nil:
		from = "its SQL"
	case has:
		from = file
		ref, err := i.keepFile(ctx, tree, file)
		if err != nil {
			return "", err
		}
		of := feature.Source{Relation: pipeline.Relation{URI: ref.URI}}
		if view.Source != nil && view.Source.Simulate == nil && view.Source.Postgres == nil {
			of.Relation = view.Source.At(ref.URI) // as its own files are read
		}
		view.Source = &of
	case view.Source != nil && view.Source.Simulate != nil:
		from = "simulated"
	default:
		view.Source = nil
	}
	row.Document, err = json.Marshal(view)
	return from, fault.Wrap(fault.Internal, err, "encoding view %s", row.Name)
}

// nothingOf is what the offline store holds of a view without rows.
func (i *Integration) nothingOf(ctx context.Context, view FeatureView) (artifact.Ref, error) {
	of, err := computable(ctx, i.Cache.Objects, view.Definition)
	if err != nil {
		return artifact.Ref{}, err
	}
	m := feature.Manifest{Computable: of}
	data, err := m.Encode()
	if err != nil {
		return artifact.Ref{}, err
	}
	return i.Cache.Objects.Put(ctx, data, viewType, "json")
}

// sampled is a feature store for one test: it has these definitions, and keeps nothing.
type sampled struct{ rows []feature.Registered }

func (s sampled) Registered(_ context.Context, after int64) ([]feature.Registered, error) {
	return slices.DeleteFunc(slices.Clone(s.rows), func(r feature.Registered) bool { return r.Nth <= after }), nil
}

func (sampled) Register(context.Context, int64, []feature.Registered) ([]feature.Registered, error) {
	return nil, fault.New(fault.Internal, "a test applies no definitions")
}

func (sampled) Manifest(context.Context, string, int) (json.RawMessage, error) { return nil, nil }

func (sampled) Manifests(context.Context) ([]json.RawMessage, error) { return nil, nil }

func (sampled) PutManifest(context.Context, string, int, json.RawMessage) error { return nil }

// readers are the names of the feature store's definitions that other pipelines than one read, each with whose they are.
func readers(specs []pipeline.Spec, but string) map[string]string {
	read := map[string]string{}
	for _, spec := range specs {
		if spec.Name == but {
			continue
		}
		note := func(name string) {
			name, _, _ = strings.Cut(name, ":")
			name, _, _ = strings.Cut(name, "@")
			if name != "" && read[name] == "" {
				read[name] = spec.Name
			}
		}
		for _, name := range spec.Features {
			note(name)
		}
		for _, column := range spec.Looked() {
			note(column.Feature)
			if column.Expression != "" {
				note(column.Name)
			}
		}
	}
	return read
}
