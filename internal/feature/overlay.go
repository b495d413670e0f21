package feature

import (
	"fmt"
	"slices"
)

// overlay is a catalogue as it is when definitions are applied, and their versions in the order in which they need each other.
type overlay struct {
	*Catalogue
	wanted []*Version
}

// With is the catalogue as it is when definitions, which Read has accepted over it, are applied, see Plan.
func (c *Catalogue) With(d Definitions) *Catalogue { return c.with(d).Catalogue }

// with lays definitions over what is registered: each is the version of its name that means the same, else the one after the newest. What they name
// without a version is what lies over it.
func (c *Catalogue) with(d Definitions) overlay {
	over := overlay{Catalogue: c.clone()}
	for i := range d.Entities {
		over.lay(KindEntity, d.Entities[i].Name, &Version{Entity: &d.Entities[i]})
	}
	for _, v := range inOrder(d.Views) {
		over.lay(KindView, v.Name, &Version{View: over.resolved(v)})
	}
	for i := range d.Expressions {
		over.lay(KindExpression, d.Expressions[i].Name, &Version{Expression: &d.Expressions[i]})
	}
	for i := range d.Services {
		over.lay(KindService, d.Services[i].Name, &Version{Service: &d.Services[i]})
	}
	return over
}

// lay puts a version of which the definition is known over what there is, as what its name means.
func (o *overlay) lay(kind Kind, name string, v *Version) {
	v.Kind, v.Name, v.Stage = kind, name, Active
	v.Meaning, v.Document = Meaning(v.definition()), documentOf(v.definition())
	v.Version = 1
	for _, before := range o.Versions(v.Kind, v.Name) {
		v.Version = before.Version + 1
		if before.Meaning == v.Meaning {
			v.Version = before.Version
			break
		}
	}
	o.put(v)
	o.kinds[v.Kind][v.Name].active = v.Version
	o.wanted = append(o.wanted, v)
}

// resolved is a view whose SQL names the version of each view that it reads.
func (o *overlay) resolved(v *View) *View {
	if v.SQL == nil {
		return v
	}
	pinned, sql := *v, *v.SQL
	sql.From = slices.Clone(v.SQL.From)
	for i, from := range sql.From {
		if version := o.Active(KindView, from); version > 0 {
			sql.From[i] = fmt.Sprintf("%s@%d", from, version)
		}
	}
	pinned.SQL = &sql
	return &pinned
}

// inOrder are views such that each stands after those of the list whose rows it reads; where they read each other in a circle, in any order.
func inOrder(views []View) []*View {
	var order []*View
	done := map[string]bool{}
	var visit func(v *View)
	visit = func(v *View) {
		if done[v.Name] {
			return
		}
		done[v.Name] = true
		if v.SQL != nil {
			for _, from := range v.SQL.From {
				if i := slices.IndexFunc(views, func(other View) bool { return other.Name == from }); i >= 0 {
					visit(&views[i])
				}
			}
		}
		order = append(order, v)
	}
	for i := range views {
		visit(&views[i])
	}
	return order
}
