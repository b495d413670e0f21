package feature

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/loanops/loanops/internal/fault"
)

// Kinds are all kinds, in the order in which definitions need each other.
var Kinds = []Kind{KindEntity, KindView, KindExpression, KindService}

// Version is one meaning that a definition has had, as it is described now. The field of its kind is set.
type Version struct {
	// Registered is its newest row.
	Registered
	Entity     *Entity
	View       *View
	Expression *Expression
	Service    *Service
}

// versions are those of one name.
type versions struct {
	of     map[int]*Version
	active int    // the version that the name means; 0 of none
	owner  string // see Owner
}

// Catalogue is what is registered, to be looked up.
type Catalogue struct {
	kinds map[Kind]map[string]*versions
	// Newest is Nth of the newest row.
	Newest int64
}

// NewCatalogue reads all rows of a register, in their order.
func NewCatalogue(rows []Registered) (*Catalogue, error) {
	c := &Catalogue{}
	for _, row := range rows {
		v := &Version{Registered: row}
		if err := v.read(); err != nil {
			return nil, err
		}
		c.add(v)
		c.Newest = row.Nth
	}
	return c, nil
}

// Load reads what a register has: its rows and, of these, the catalogue.
func Load(ctx context.Context, register Register) ([]Registered, *Catalogue, error) {
	rows, err := register.Registered(ctx, 0)
	if err != nil {
		return nil, nil, err
	}
	c, err := NewCatalogue(rows)
	return rows, c, err
}

// add lays a further row over those that are there: a version is what its name means from the row on that makes it active until one of another version does, or one takes
// that from it. With the meaning goes whose the name is: who stages something beside it gets no right to it.
func (c *Catalogue) add(v *Version) {
	first := c.kinds[v.Kind][v.Name] == nil
	c.put(v)
	switch all := c.kinds[v.Kind][v.Name]; {
	case v.Stage == Active:
		all.active, all.owner = v.Version, v.Repository
	case all.active == v.Version:
		all.active, all.owner = 0, v.Repository
	case first:
		all.owner = v.Repository
	}
}

// read makes a definition of a row's document.
func (v *Version) read() error {
	switch v.Kind {
	case KindEntity:
		v.Entity = &Entity{}
	case KindView:
		v.View = &View{}
	case KindExpression:
		v.Expression = &Expression{}
	case KindService:
		v.Service = &Service{}
	default:
		return fault.New(fault.Internal, "row %d of the register is of the kind %q, which this program does not know", v.Nth, v.Kind)
	}
	if err := json.Unmarshal(v.Document, v.definition()); err != nil {
		return fault.Wrap(fault.Internal, err, "row %d of the register: %s %s", v.Nth, v.Kind, v.Name)
	}
	return nil
}

// definition is what a version is of: the field of its kind.
func (v *Version) definition() interface{ about() *About } {
	switch v.Kind {
	case KindEntity:
		return v.Entity
	case KindView:
		return v.View
	case KindExpression:
		return v.Expression
	case KindService:
	}
	return v.Service
}

// About is the description of a version, whatever its kind.
func (v *Version) About() *About { return v.definition().about() }

func (c *Catalogue) put(v *Version) {
	if c.kinds == nil {
		c.kinds = map[Kind]map[string]*versions{}
	}
	if c.kinds[v.Kind] == nil {
		c.kinds[v.Kind] = map[string]*versions{}
	}
	if c.kinds[v.Kind][v.Name] == nil {
		c.kinds[v.Kind][v.Name] = &versions{of: map[int]*Version{}}
	}
	c.kinds[v.Kind][v.Name].of[v.Version] = v
}

// clone is a catalogue that can be changed; the versions stay shared.
func (c *Catalogue) clone() *Catalogue {
	other := &Catalogue{Newest: c.Newest}
	for _, names := range c.kinds {
		for name, all := range names {
			for _, v := range all.of {
				other.put(v)
				other.kinds[v.Kind][name].active, other.kinds[v.Kind][name].owner = all.active, all.owner
			}
		}
	}
	return other
}

// has says that something of a kind and name was registered and is not wholly retired.
func (c *Catalogue) has(kind Kind, name string) bool {
	return slices.ContainsFunc(c.Versions(kind, name), func(v *Version) bool { return v.Stage != Retired })
}

// meant is the version that a name means; nil of none.
func (c *Catalogue) meant(kind Kind, name string) *Version {
	if all := c.kinds[kind][name]; all != nil {
		return all.of[all.active]
	}
	return nil
}

// View is what a name of a view, maybe with a version (payments@2), means. What is not there is fault.NotFound.
func (c *Catalogue) View(name string) (*Version, error) {
	ref, err := readReference(name)
	if err != nil {
		return nil, err
	}
	return c.find(ref, KindView)
}

// Service is what a name of a service, maybe with a version, means. What is not there is fault.NotFound.
func (c *Catalogue) Service(name string) (*Version, error) {
	ref, err := readReference(name)
	if err == nil && ref.feature != "" {
		err = fault.New(fault.Invalid, "%q names a feature of a view; a service is wanted, maybe with a version as in credit@2", name)
	}
	if err != nil {
		return nil, err
	}
	return c.find(ref, KindService)
}

// Names are those of a kind, sorted.
func (c *Catalogue) Names(kind Kind) []string { return slices.Sorted(maps.Keys(c.kinds[kind])) }

// Versions are all of a name, oldest first.
func (c *Catalogue) Versions(kind Kind, name string) []*Version {
	all := c.kinds[kind][name]
	if all == nil {
		return nil
	}
	found := make([]*Version, 0, len(all.of))
	for _, number := range slices.Sorted(maps.Keys(all.of)) {
		found = append(found, all.of[number])
	}
	return found
}

// Active is the number of the version that a name means; 0 of none.
func (c *Catalogue) Active(kind Kind, name string) int {
	if all := c.kinds[kind][name]; all != nil {
		return all.active
	}
	return 0
}

// Owner is the repository whose commit made a name mean what it means, or mean nothing any more; of a name that has only ever been staged the one that was first. It is
// empty where that was a person, and of what nobody registered.
func (c *Catalogue) Owner(kind Kind, name string) string {
	if all := c.kinds[kind][name]; all != nil {
		return all.owner
	}
	return ""
}
