package feature

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// reference names a definition, maybe one version of it, and maybe one feature of a view.
type reference struct {
	name    string
	version int // 0 is the one that the name means
	feature string
}

var referencePattern = regexp.MustCompile(`^([a-z][a-z0-9_]{0,62})(?:@([1-9][0-9]{0,8}))?(?::([a-z][a-z0-9_]{0,62}))?$`)

func readReference(text string) (reference, error) {
	parts := referencePattern.FindStringSubmatch(text)
	if parts == nil {
		return reference{}, fault.New(fault.Invalid, "%q is no reference; view:feature, view, service or expression are, with a version as in view@2:feature", clip(text))
	}
	ref := reference{name: parts[1], feature: parts[3]}
	if parts[2] != "" {
		version, err := strconv.Atoi(parts[2])
		if err != nil {
			return reference{}, err
		}
		ref.version = version
	}
	return ref, nil
}

// Resolved is what references come to.
type Resolved struct {
	// Views are those that are read, each version once, in the order in which they are needed first.
	Views []*Version
	// Features are those of views, each once: what is asked for in the order of the references, then what only expressions read.
	Features []ResolvedFeature
	// Expressions are those that are asked for, in the order of the references.
	Expressions []ResolvedExpression
	// Names are those of all that is asked for, in the order of the references: the columns of an answer. They are unique.
	Names []string
}

// ResolvedFeature is one feature of a version of a view.
type ResolvedFeature struct {
	// View is the place in Resolved.Views, Feature that in its View.Features.
	View, Feature int
	// Asked is false of what only an expression reads.
	Asked bool
}

// ResolvedExpression is one expression and what it reads.
type ResolvedExpression struct {
	*Version
	// Features are the places in Resolved.Features of those that it reads, in the order of Expression.Features.
	Features []int
}

// Of is the version of the view and the feature.
func (r *Resolved) Of(f ResolvedFeature) (*Version, *Feature) {
	v := r.Views[f.View]
	return v, &v.View.Features[f.Feature]
}

// Resolve finds what references name: view:feature, a view for all of its features, an expression, a service for all that it names; each may name a version
// (view@2:feature), and means the active one without. What an expression reads without naming a version is of the version that the other references bring,
// else of the active one. What is not there is fault.NotFound; two features of one name are fault.Invalid, for nobody could tell them apart in an answer.
func (c *Catalogue) Resolve(references []string) (*Resolved, error) {
	r := resolver{Catalogue: c, result: &Resolved{}, origin: map[string]string{}}
	for _, text := range references {
		if err := r.add(text, false); err != nil {
			return nil, err
		}
	}
	declared := make([]map[string]bool, len(r.result.Expressions))
	for i := range r.result.Expressions {
		var err error
		if declared[i], err = r.inputs(&r.result.Expressions[i]); err != nil {
			return nil, err
		}
	}
	for i := range r.result.Expressions { // once it is known who has which name
		if err := r.unclear(&r.result.Expressions[i], declared[i]); err != nil {
			return nil, err
		}
	}
	return r.result, nil
}

type resolver struct {
	*Catalogue
	result *Resolved
	origin map[string]string // by name, the full reference of what has it; also of what only expressions read
}

func (r *resolver) add(text string, inService bool) error {
	ref, err := readReference(text)
	if err != nil {
		return err
	}
	kinds := []Kind{KindView, KindExpression, KindService}
	switch {
	case inService:
		kinds = kinds[:2]
	case ref.feature != "":
		kinds = kinds[:1]
	}
	v, err := r.find(ref, kinds...)
	if err != nil {
		return err
	}
	switch v.Kind {
	case KindService:
		for _, of := range v.Service.Features {
			if err := r.add(of, true); err != nil {
				return fault.Wrap(fault.NotFound, err, "service %s@%d", v.Name, v.Version)
			}
		}
	case KindExpression:
		fresh, err := r.claim(v.Name, fmt.Sprintf("%s@%d", v.Name, v.Version))
		if err != nil || !fresh {
			return err
		}
		r.result.Names = append(r.result.Names, v.Name)
		r.result.Expressions = append(r.result.Expressions, ResolvedExpression{Version: v})
	case KindView:
		return r.addView(v, ref.feature)
	case KindEntity:
	}
	return nil
}

// addView adds one feature of a view, or all.
func (r *resolver) addView(v *Version, feature string) error {
	if feature != "" {
		i, err := featureOf(v, feature)
		if err != nil {
			return err
		}
		return r.addFeature(v, i)
	}
	if len(v.View.Features) == 0 {
		return fault.New(fault.Invalid, "view %s@%d has no features, only rows that views in SQL read; name another", v.Name, v.Version)
	}
	for i := range v.View.Features {
		if err := r.addFeature(v, i); err != nil {
			return err
		}
	}
	return nil
}

func (r *resolver) addFeature(v *Version, i int) error {
	fresh, err := r.claimFeature(v, i)
	if err == nil && fresh {
		r.result.Names = append(r.result.Names, v.View.Features[i].Name)
		r.result.Features = append(r.result.Features, ResolvedFeature{View: r.view(v), Feature: i, Asked: true})
	}
	return err
}

// claimFeature is claim of a feature of a view.
func (r *resolver) claimFeature(v *Version, i int) (fresh bool, err error) {
	name := v.View.Features[i].Name
	return r.claim(name, fmt.Sprintf("%s@%d:%s", v.Name, v.Version, name))
}

// claim notes who has a name. It is not fresh where the same was asked for before.
func (r *resolver) claim(name, full string) (fresh bool, err error) {
	switch other, taken := r.origin[name]; {
	case !taken:
		r.origin[name] = full
		return true, nil
	case other != full:
		return false, fault.New(fault.Invalid, "%s and %s have one name, and nobody could tell them apart; ask for one of them, or for each by itself", other, full)
	}
	return false, nil
}

// view is the place of a version among those that are read.
func (r *resolver) view(v *Version) int {
	i := slices.Index(r.result.Views, v)
	if i < 0 {
		i, r.result.Views = len(r.result.Views), append(r.result.Views, v)
	}
	return i
}

// inputs finds what an expression reads. Declared are the names of it.
func (r *resolver) inputs(e *ResolvedExpression) (declared map[string]bool, err error) {
	declared = map[string]bool{}
	for _, text := range e.Expression.Features {
		v, i, err := r.input(text)
		if err != nil {
			return nil, fault.Wrap(fault.NotFound, err, "expression %s@%d", e.Name, e.Version.Version)
		}
		if _, err := r.claimFeature(v, i); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "expression %s@%d", e.Name, e.Version.Version)
		}
		declared[v.View.Features[i].Name] = true
		needed := ResolvedFeature{View: r.view(v), Feature: i}
		at := slices.IndexFunc(r.result.Features, func(f ResolvedFeature) bool { return f.View == needed.View && f.Feature == i })
		if at < 0 {
			at, r.result.Features = len(r.result.Features), append(r.result.Features, needed)
		}
		e.Features = append(e.Features, at)
	}
	return declared, nil
}

// input is a feature that an expression reads: of the version that is read anyway, where it names none.
func (r *resolver) input(text string) (*Version, int, error) {
	ref, err := readReference(text)
	if err != nil {
		return nil, 0, err
	}
	if ref.version == 0 {
		for _, v := range r.result.Views {
			if v.Name != ref.name {
				continue
			}
			if i, err := featureOf(v, ref.feature); err == nil {
				return v, i, nil
			}
		}
	}
	v, err := r.find(ref, KindView)
	if err != nil {
		return nil, 0, err
	}
	i, err := featureOf(v, ref.feature)
	return v, i, err
}

// unclear refuses an expression that reads a field of the request by the name of a feature that is asked for, or read, beside it.
func (r *resolver) unclear(e *ResolvedExpression, declared map[string]bool) error {
	for _, name := range e.Expression.names() {
		if other, taken := r.origin[name]; taken && !declared[name] {
			return fault.New(fault.Invalid, "expression %s@%d reads %s of the request, and %s has that name; list it under features of the expression, or leave it out", e.Name, e.Version.Version, name, other)
		}
	}
	return nil
}

// find is the version that a reference names, of one of the kinds. A name whose versions are all retired may have been given to another kind.
func (c *Catalogue) find(ref reference, kinds ...Kind) (*Version, error) {
	if now := slices.IndexFunc(kinds, func(kind Kind) bool { return c.has(kind, ref.name) }); now >= 0 {
		kinds = kinds[now : now+1]
	}
	for _, kind := range kinds {
		all := c.kinds[kind][ref.name]
		if all == nil {
			continue
		}
		number := ref.version
		if number == 0 {
			number = all.active
		}
		switch v := all.of[number]; {
		case v != nil && v.Stage != Retired:
			return v, nil
		case v != nil:
			return nil, fault.New(fault.NotFound, "%s %s@%d is retired; %s", kind, ref.name, number, all.usable(ref.name))
		case ref.version != 0:
			return nil, fault.New(fault.NotFound, "%s %q has no version %d; %s", kind, ref.name, ref.version, all.usable(ref.name))
		}
		return nil, fault.New(fault.NotFound, "%s %q has no active version; %s", kind, ref.name, all.usable(ref.name))
	}
	var known, words []string
	for _, kind := range kinds {
		words = append(words, string(kind))
		known = append(known, slices.Sorted(maps.Keys(c.kinds[kind]))...)
	}
	if len(known) == 0 {
		return nil, fault.New(fault.NotFound, "there is no %s %q; nothing of the kind is declared", strings.Join(words, " or "), ref.name)
	}
	return nil, fault.New(fault.NotFound, "there is no %s %q; %s", strings.Join(words, " or "), ref.name, near(ref.name, known))
}

// usable says which versions can be named.
func (all *versions) usable(name string) string {
	var usable []string
	for _, number := range slices.Sorted(maps.Keys(all.of)) {
		if all.of[number].Stage != Retired {
			usable = append(usable, fmt.Sprintf("%s@%d", name, number))
		}
	}
	if len(usable) == 0 {
		return "all of its versions are retired"
	}
	return "there is " + strings.Join(usable, ", ")
}

// feature is what view:feature names.
func (c *Catalogue) feature(ref reference) (*View, *Feature, error) {
	v, err := c.find(ref, KindView)
	if err != nil {
		return nil, nil, err
	}
	i, err := featureOf(v, ref.feature)
	if err != nil {
		return nil, nil, err
	}
	return v.View, &v.View.Features[i], nil
}

// featureOf is the place of a view's feature.
func featureOf(v *Version, name string) (int, error) {
	i := slices.IndexFunc(v.View.Features, func(f Feature) bool { return f.Name == name })
	if i >= 0 {
		return i, nil
	}
	known := make([]string, len(v.View.Features))
	for k, f := range v.View.Features {
		known[k] = f.Name
	}
	if len(known) == 0 {
		return 0, fault.New(fault.NotFound, "view %s@%d has no features, only rows that views in SQL read", v.Name, v.Version)
	}
	return 0, fault.New(fault.NotFound, "view %s@%d has no feature %q; %s", v.Name, v.Version, name, near(name, known))
}

// inService refuses what a service cannot name: another service.
func (c *Catalogue) inService(text string) error {
	ref, err := readReference(text)
	if err != nil {
		return err
	}
	_, err = c.find(ref, KindView, KindExpression)
	if err != nil && c.has(KindService, ref.name) {
		return fault.New(fault.Invalid, "%q is a service; a service names features, views and expressions", ref.name)
	}
	return err
}
