package cli

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/schema"
)

// taken is what somebody's columns take of views: features by view and version, and expressions by their names.
type taken struct {
	features    map[string]map[int][]string
	expressions []string
}

func takenBy(columns []pipeline.Column) taken {
	t := taken{features: map[string]map[int][]string{}}
	for _, c := range columns {
		view, name, looked := strings.Cut(c.Feature, ":")
		if c.Expression != "" {
			t.expressions = append(t.expressions, c.Name)
		}
		if !looked {
			continue
		}
		view, number, _ := strings.Cut(view, "@")
		version, _ := strconv.Atoi(number)
		if t.features[view] == nil {
			t.features[view] = map[int][]string{}
		}
		t.features[view][version] = append(t.features[view][version], name)
	}
	return t
}

// featureUsers are the pipelines and the models that take anything.
type featureUsers struct {
	pipelines []pipelineUser
	models    []modelUser
}

type pipelineUser struct {
	taken
	name      string
	published int
	asks      []string // as its spec writes them
}

type modelUser struct {
	taken
	name    string
	version int
	aliases []string
}

// usersOf reads what the current specs of pipelines, and all versions of models, take. A model's is what its schema says: the spec may have come to other versions of views since.
func usersOf(ctx context.Context, reg registry.Registry, store *artifact.Store) (u featureUsers, err error) {
	specs, err := reg.Pipelines(ctx)
	if err != nil {
		return u, err
	}
	for _, registered := range specs {
		spec, err := registered.Spec()
		if err != nil {
			spec.Features = nil // of one that this program cannot read it is known what it came to
		}
		if len(spec.Features) == 0 && len(registered.Features) == 0 {
			continue
		}
		user := pipelineUser{taken: takenBy(registered.Features), name: registered.Name, asks: spec.Features}
		versions, err := reg.PipelineVersions(ctx, registered.Name)
		if err != nil {
			return u, err
		}
		for _, v := range versions { // newest first
			if v.SpecDigest == registered.Digest {
				user.published = max(user.published, v.Version)
			}
		}
		u.pipelines = append(u.pipelines, user)
	}
	u.models, err = modelsOf(ctx, reg, store)
	return u, err
}

func modelsOf(ctx context.Context, reg registry.Registry, store *artifact.Store) (users []modelUser, err error) {
	versions, err := reg.Versions(ctx, "")
	if err != nil {
		return nil, err
	}
	schemas, aliases := map[string]taken{}, map[string]map[int][]string{}
	for _, v := range versions {
		ref, kept := v.Artifacts[artifact.Schema]
		if !kept {
			continue
		}
		of, read := schemas[ref.SHA256]
		if !read {
			if of, err = takenIn(ctx, store, ref); err != nil {
				return nil, err
			}
			schemas[ref.SHA256] = of
		}
		if len(of.features) == 0 && len(of.expressions) == 0 {
			continue
		}
		if aliases[v.Name] == nil {
			if aliases[v.Name], err = aliasesOf(ctx, reg, v.Name); err != nil {
				return nil, err
			}
		}
		users = append(users, modelUser{taken: of, name: v.Name, version: v.Version, aliases: aliases[v.Name][v.Version]})
	}
	return users, nil
}

// takenIn is what a schema that is kept takes; nothing where it was pruned.
func takenIn(ctx context.Context, store *artifact.Store, ref artifact.Ref) (taken, error) {
	data, err := store.Get(ctx, ref)
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		return taken{}, nil
	case err != nil:
		return taken{}, err
	}
	var s schema.Schema
	if err := json.Unmarshal(data, &s); err != nil {
		return taken{}, fault.Wrap(fault.Internal, err, "reading %s", ref.URI)
	}
	return takenBy(slices.Concat(s.Columns, s.Inputs)), nil
}

// aliasesOf are those of each version of a model, in their order.
func aliasesOf(ctx context.Context, reg registry.Registry, model string) (map[int][]string, error) {
	of := map[int][]string{}
	aliases, err := reg.Aliases(ctx, model)
	for _, alias := range slices.Sorted(maps.Keys(aliases)) {
		of[aliases[alias]] = append(of[aliases[alias]], alias)
	}
	return of, err
}

// of says who uses a definition, of a view in any version, or only one of its features.
func (u featureUsers) of(kind feature.Kind, name, only string) (used report.Used) {
	used.Definitions, used.Pipelines, used.Models = []string{}, []report.UsedPipeline{}, []report.UsedModel{}
	for _, p := range u.pipelines {
		switch kind {
		case feature.KindView:
			for version, features := range p.each(name, only) {
				used.Pipelines = append(used.Pipelines, report.UsedPipeline{Pipeline: p.name, Published: p.published, Version: version, Features: features})
			}
		case feature.KindExpression:
			if slices.Contains(p.expressions, name) {
				used.Pipelines = append(used.Pipelines, report.UsedPipeline{Pipeline: p.name, Published: p.published})
			}
		case feature.KindService:
			if slices.ContainsFunc(p.asks, func(asked string) bool { return named(asked) == name }) {
				used.Pipelines = append(used.Pipelines, report.UsedPipeline{Pipeline: p.name, Published: p.published})
			}
		case feature.KindEntity:
		}
	}
	for _, m := range u.models {
		model := report.UsedModel{Model: m.name, Version: m.version, Aliases: m.aliases}
		switch kind {
		case feature.KindView:
			for version, features := range m.each(name, only) {
				model.Of, model.Features = version, features
				used.Models = append(used.Models, model)
			}
		case feature.KindExpression:
			if slices.Contains(m.expressions, name) {
				used.Models = append(used.Models, model)
			}
		case feature.KindService, feature.KindEntity: // a model knows what it was trained on, and not under which name it was asked for
		}
	}
	return used
}

// each gives the features of each version of a view that are taken, in the order of versions; of only one feature where it is named.
func (t taken) each(view, only string) func(func(int, []string) bool) {
	return func(yield func(int, []string) bool) {
		for _, version := range slices.Sorted(maps.Keys(t.features[view])) {
			features := t.features[view][version]
			if only != "" {
				if !slices.Contains(features, only) {
					continue
				}
				features = []string{only}
			}
			if !yield(version, features) {
				return
			}
		}
	}
}

// named is the name of what a reference is to.
func named(reference string) string {
	name, _, _ := strings.Cut(reference, ":")
	name, _, _ = strings.Cut(name, "@")
	return name
}
