// Package retention says which objects of a store nobody needs any more. It is a mark and sweep: from what is to be kept, its roots, it follows
// references inside objects, and what it does not meet may go. It knows digests and ages; who keeps objects and reads them is elsewhere.
package retention

import (
	"cmp"
	"slices"
	"time"
)

// Object is one object of the store. Objects of one digest under several names are kept together.
type Object struct {
	Name     string // its identity: where it is
	Digest   string
	Bytes    int64
	Modified time.Time // when it was written last
}

// Root is something that needs objects.
type Root struct {
	// Why says what it is, in words that the report counts by, such as "model versions".
	Why string
	// Names are digests that it names. Those of no object of the store do not matter.
	Names []string
}

// Step is a row of the step cache.
type Step struct {
	Key     string
	Created time.Time
	// Names are digests that its result names.
	Names []string
}

// Store is what there is, and what is to be kept of it.
type Store struct {
	Objects []Object
	Roots   []Root
	Steps   []Step
	// Read returns the digests that an object names. An error ends the plan: what cannot be read may name anything.
	Read func(Object) ([]string, error)
	// Before is the limit: what was written or recorded at that time or later stays.
	Before time.Time
}

// The reasons to keep objects that are no root's.
const (
	Young      = "younger than the limit"
	YoungSteps = "cached steps younger than the limit"
)

// Plan is what may go.
type Plan struct {
	// Objects are those that nothing reaches and that are older than the limit, in the order of their names.
	Objects []Object
	// Steps are the keys of cached steps that are older than the limit and name an object that is not kept for another reason, in their order. They must
	// be gone before the objects: a row that points to nothing would make a run fail.
	Steps []string
	// Kept counts what stays by the first reason that holds it: roots in their order, then Young, then YoungSteps.
	Kept map[string]Count
}

// Count is how much.
type Count struct {
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

// Plus is c and one more object.
func (c Count) Plus(o Object) Count { return Count{c.Objects + 1, c.Bytes + o.Bytes} }

// New makes the plan. An object stays if a root names it, if it or a cached step that names it is younger than the limit, or if an object that stays
// names it. A young object is followed as well: what it names may be old, for an object is written once however often it is made.
//
// A cached step that is older keeps nothing. It stays as long as all that it names does: then it costs nothing, and saves its work. Were one object
// enough, the empty quarantine that all clean datasets share would keep each of them.
func New(s Store) (Plan, error) {
	m := marking{read: s.Read, objects: map[string][]Object{}, kept: map[string]bool{}, counts: map[string]Count{}}
	for _, o := range s.Objects {
		m.objects[o.Digest] = append(m.objects[o.Digest], o)
	}
	for _, root := range s.Roots {
		if err := m.mark(root.Why, root.Names); err != nil {
			return Plan{}, err
		}
	}
	for _, o := range s.Objects {
		if !o.Modified.Before(s.Before) {
			if err := m.mark(Young, []string{o.Digest}); err != nil {
				return Plan{}, err
			}
		}
	}
	for _, step := range s.Steps {
		if !step.Created.Before(s.Before) {
			if err := m.mark(YoungSteps, step.Names); err != nil {
				return Plan{}, err
			}
		}
	}
	plan := Plan{Kept: m.counts}
	for _, step := range s.Steps {
		if step.Created.Before(s.Before) && slices.ContainsFunc(step.Names, func(digest string) bool { return !m.kept[digest] }) {
			plan.Steps = append(plan.Steps, step.Key)
		}
	}
	for _, o := range s.Objects {
		if !m.kept[o.Digest] {
			plan.Objects = append(plan.Objects, o)
		}
	}
	slices.Sort(plan.Steps)
	slices.SortFunc(plan.Objects, func(a, b Object) int { return cmp.Compare(a.Name, b.Name) })
	return plan, nil
}

// marking is the state of following references.
type marking struct {
	read    func(Object) ([]string, error)
	objects map[string][]Object // by digest
	kept    map[string]bool
	counts  map[string]Count
}

// mark keeps the named objects and all that they name.
func (m *marking) mark(why string, names []string) error {
	open := slices.Clone(names)
	for len(open) > 0 {
		digest := open[len(open)-1]
		open = open[:len(open)-1]
		if len(m.objects[digest]) == 0 || m.kept[digest] {
			continue
		}
		m.kept[digest] = true
		for _, o := range m.objects[digest] {
			m.counts[why] = m.counts[why].Plus(o)
			named, err := m.read(o)
			if err != nil {
				return err
			}
			open = append(open, named...)
		}
	}
	return nil
}
