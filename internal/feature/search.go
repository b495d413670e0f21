package feature

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// KindFeature is the kind of what is found that is a feature of a view; it has no versions of its own.
const KindFeature Kind = "feature"

// Found is what a search found, or what a list has: a definition as its name means it, else its newest version that is staged, or a feature of such a view.
type Found struct {
	Kind Kind `json:"kind"`
	// Reference is what names it.
	Reference string `json:"reference"`
	Version   int    `json:"version"`
	Stage     Stage  `json:"stage"`
	// Entity is that of a view or feature, Type that of the values of a feature or expression.
	Entity string `json:"entity,omitempty"`
	Type   string `json:"type,omitempty"`
	Unit   string `json:"unit,omitempty"`
	Reason string `json:"reason,omitempty"`
	About
	// Score says how well it fits what was searched for.
	Score int `json:"score,omitempty"`
}

// List is everything that can be used, in the order of Kinds, each view followed by its features.
func (c *Catalogue) List() []Found {
	list := []Found{}
	for _, kind := range Kinds {
		for _, name := range c.Names(kind) {
			v := c.Shown(kind, name)
			if v == nil {
				continue
			}
			found := Found{Kind: kind, Reference: name, Version: v.Version, Stage: v.Stage, About: *v.About()}
			switch kind {
			case KindView:
				found.Entity = v.View.Entity
				list = append(append(list, found), featuresOf(v)...)
				continue
			case KindExpression:
				found.Type, found.Unit, found.Reason = string(v.Expression.Type), v.Expression.Unit, v.Expression.Reason
			case KindEntity, KindService:
			}
			list = append(list, found)
		}
	}
	return list
}

func featuresOf(v *Version) []Found {
	features := make([]Found, len(v.View.Features))
	for i := range v.View.Features {
		f := &v.View.Features[i]
		features[i] = Found{
			Kind: KindFeature, Reference: v.Name + ":" + f.Name, Version: v.Version, Stage: v.Stage,
			Entity: v.View.Entity, Type: string(v.View.TypeOf(f)), Unit: f.Unit, Reason: f.Reason, About: f.About,
		}
		features[i].Owner = v.View.OwnerOf(f)
	}
	return features
}

// Shown is the version that a name means, else the newest that is staged; nil where all are retired.
func (c *Catalogue) Shown(kind Kind, name string) *Version {
	if v := c.meant(kind, name); v != nil {
		return v
	}
	all := c.Versions(kind, name)
	for _, v := range slices.Backward(all) {
		if v.Stage != Retired {
			return v
		}
	}
	return nil
}

// Search is what of List has every word of a text somewhere, the best first: in its name, then in its tags, then in what else people are told of it.
func (c *Catalogue) Search(text string) []Found {
	words := strings.Fields(strings.ToLower(text))
	found := []Found{}
	for _, f := range c.List() {
		f.Score = f.score(words)
		if f.Score > 0 {
			found = append(found, f)
		}
	}
	slices.SortStableFunc(found, func(a, b Found) int { return cmp.Compare(b.Score, a.Score) })
	return found
}

// How much it counts where a word stands.
const (
	wholeName = 16
	inName    = 8
	wholeTag  = 6
	inWords   = 2
	inContext = 1 // the view and the entity of a feature
)

// score is the sum of the words' best places; 0 where one of them stands nowhere.
func (f *Found) score(words []string) int {
	view, name, isFeature := strings.Cut(f.Reference, ":")
	if !isFeature {
		view, name = "", f.Reference
	}
	told := strings.ToLower(strings.Join([]string{f.Description, f.Owner, f.Unit, f.Reason, f.Type, strings.Join(f.Tags, " ")}, "\n"))
	total := 0
	for _, word := range words {
		var best int
		switch {
		case name == word || f.Reference == word:
			best = wholeName
		case strings.Contains(name, word):
			best = inName
		case slices.ContainsFunc(f.Tags, func(tag string) bool { return strings.EqualFold(tag, word) }):
			best = wholeTag
		case strings.Contains(told, word):
			best = inWords
		case strings.Contains(view, word) || strings.Contains(f.Entity, word):
			best = inContext
		default:
			return 0
		}
		total += best
	}
	return total
}

// Naming are the definitions, each as its name means it, that name another one or, where it is a view's, one of its features: "service credit@1". An entity is named by
// views, a view by views in SQL, expressions and services, an expression by services.
func (c *Catalogue) Naming(kind Kind, name, feature string) []string {
	named := []string{}
	for _, of := range Kinds {
		for _, user := range c.Names(of) {
			v := c.meant(of, user)
			if v == nil || !v.names(kind, name, feature) {
				continue
			}
			named = append(named, fmt.Sprintf("%s %s@%d", of, user, v.Version))
		}
	}
	return named
}

// names says that a version names another definition, or a feature.
func (v *Version) names(kind Kind, name, feature string) bool {
	var references []string
	switch v.Kind {
	case KindView:
		if kind == KindEntity {
			return v.View.Entity == name
		}
		if v.View.SQL != nil { // it reads whole rows, and maybe this column of them
			references = v.View.SQL.From
		}
	case KindExpression:
		references = v.Expression.Features
	case KindService:
		references = v.Service.Features
	case KindEntity:
	}
	return kind != KindEntity && slices.ContainsFunc(references, func(text string) bool {
		ref, err := readReference(text)
		return err == nil && ref.name == name && (feature == "" || ref.feature == "" || ref.feature == feature)
	})
}
