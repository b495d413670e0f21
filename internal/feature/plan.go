package feature

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// Doing is what an apply does about a definition.
type Doing string

// What an apply can do.
const (
	New       Doing = "new"       // the first version of a name
	Changed   Doing = "changed"   // another meaning: the version after the newest
	Described Doing = "described" // the same version, which people are told something else of
	Activated Doing = "activated" // a version that was there becomes what its name means
	Kept      Doing = "staged"    // a version that was retired can be used by its number again
	Unchanged Doing = "unchanged"
	Retires   Doing = "retired"
)

// Change is what is done about one definition.
type Change struct {
	Kind    Kind   `json:"kind"`
	Name    string `json:"name"`
	Version int    `json:"version"`
	Do      Doing  `json:"do"`
	Stage   Stage  `json:"stage"` // from then on
	// What are the fields that change and how, in words.
	What []string `json:"what,omitempty"`

	document []byte
	meaning  string
}

// Plan is what an apply, or a retirement, does.
type Plan struct {
	// After is Nth of the newest row that it was made of.
	After   int64    `json:"after"`
	Changes []Change `json:"changes"`
	// Left are what is registered and not in the folder, which stays as it is.
	Left []string `json:"left,omitempty"`
	// Queries are those of the views in SQL that it registers, for whoever can check them.
	Queries []Query `json:"-"`
}

// Rows are what the register is given.
func (p *Plan) Rows(actor string) []Registered {
	var rows []Registered
	for _, c := range p.Changes {
		if c.Do != Unchanged {
			rows = append(rows, Registered{
				Kind: c.Kind, Name: c.Name, Version: c.Version, Meaning: c.meaning, Document: c.document, Stage: c.Stage, Actor: actor,
				What: strings.Join(append([]string{string(c.Do)}, c.What...), "; "),
			})
		}
	}
	return rows
}

// Plan says what becomes of a register when definitions, which Read has accepted over it, are applied. A meaning that a name never had is its next version;
// with stage it is registered without becoming what the name means. A meaning that it had is that version, which becomes the active one again unless stage is
// set. A view in SQL names the versions that it reads, so that another version of one of them makes another version of it.
//
// What is registered and not in the folder stays as it is. A plan that would leave a service or an expression without what it names is fault.Refused.
func (c *Catalogue) Plan(d Definitions, stage bool) (*Plan, error) {
	over := c.with(d)
	return c.finish(over, c.changes(over, func(Kind, string) bool { return stage }))
}

// PlanEach is Plan with some of the definitions staged. What would be put to use by it and could not be used, for it needs what is staged, is staged as well.
func (c *Catalogue) PlanEach(d Definitions, stage func(kind Kind, name string) bool) (*Plan, error) {
	over := c.with(d)
	plan := c.changes(over, stage)
	if err := c.stageIdle(over, plan); err != nil {
		return nil, err
	}
	return c.finish(over, plan)
}

// changes are what becomes of each definition.
func (c *Catalogue) changes(over overlay, stage func(kind Kind, name string) bool) *Plan {
	plan := &Plan{After: c.Newest, Changes: []Change{}}
	for _, wanted := range over.wanted {
		plan.Changes = append(plan.Changes, c.change(wanted, stage(wanted.Kind, wanted.Name)))
	}
	return plan
}

// finish holds a plan against what works, and says what else is of it.
func (c *Catalogue) finish(over overlay, plan *Plan) (*Plan, error) {
	for _, kind := range Kinds {
		for _, name := range c.Names(kind) {
			inFolder := slices.ContainsFunc(over.wanted, func(v *Version) bool { return v.Kind == kind && v.Name == name })
			if !inFolder && c.has(kind, name) {
				plan.Left = append(plan.Left, string(kind)+" "+name)
			}
		}
	}
	if err := c.unbroken(plan, "give it what it names, change it with this, stage what changes (--stage), or retire it first"); err != nil {
		return nil, err
	}
	var err error
	plan.Queries, err = over.queries(plan.Changes)
	return plan, err
}

// stageIdle stages what a plan would put to use and what would not work then, until there is no such thing in it.
func (c *Catalogue) stageIdle(over overlay, plan *Plan) error {
	for again := true; again; {
		again = false
		after, err := c.After(plan)
		if err != nil {
			return err
		}
		for i, v := range over.wanted {
			if after.begins(c, v) && after.works(v) != nil {
				plan.Changes[i], again = c.change(v, true), true
			}
		}
	}
	return nil
}

// begins says that a version is what its name means, and was not before.
func (c *Catalogue) begins(before *Catalogue, v *Version) bool {
	return c.Active(v.Kind, v.Name) == v.Version && before.Active(v.Kind, v.Name) != v.Version
}

// change is what becomes of one definition.
func (c *Catalogue) change(wanted *Version, stage bool) Change {
	all := c.Versions(wanted.Kind, wanted.Name)
	change := Change{Kind: wanted.Kind, Name: wanted.Name, Version: wanted.Version, Do: New, Stage: Active, document: wanted.Document, meaning: wanted.Meaning}
	if stage {
		change.Stage = Staged
	}
	if len(all) == 0 {
		return change
	}
	active := c.Active(wanted.Kind, wanted.Name)
	i := slices.IndexFunc(all, func(v *Version) bool { return v.Version == wanted.Version })
	if i < 0 {
		before := all[len(all)-1]
		if meant := c.meant(wanted.Kind, wanted.Name); meant != nil {
			before = meant
		}
		change.Do = Changed
		change.What = append([]string{fmt.Sprintf("version %d -> %d", before.Version, wanted.Version)}, differences(before.Document, wanted.Document)...)
		return change
	}
	before := all[i]
	change.What = differences(before.Document, wanted.Document)
	described := !bytes.Equal(documentOf(before.definition()), wanted.Document) // as this program writes both
	switch {
	case active == wanted.Version:
		change.Stage = Active
		change.Do = Described
	case before.Stage == Retired && stage:
		change.Do, described = Kept, true
	case stage:
		change.Do = Described // and stays what it is: of a version that was active once no row may say so again
	default:
		change.Do, described = Activated, true
		if active > 0 {
			change.What = append([]string{fmt.Sprintf("version %d -> %d", active, wanted.Version)}, change.What...)
		}
	}
	if !described {
		change.Do, change.What, change.Stage = Unchanged, nil, before.Stage
	}
	return change
}

// After is the catalogue when a plan is done.
func (c *Catalogue) After(plan *Plan) (*Catalogue, error) {
	after := c.clone()
	for _, row := range plan.Rows("") {
		v := &Version{Registered: row}
		if err := v.read(); err != nil {
			return nil, err
		}
		after.add(v)
	}
	return after, nil
}

// unbroken refuses a plan after which something that works now works no more, or something that it puts to use does not work, and says what to do instead.
func (c *Catalogue) unbroken(plan *Plan, instead string) error {
	after, err := c.After(plan)
	if err != nil {
		return err
	}
	var broken []string
	for _, kind := range Kinds {
		for _, name := range after.Names(kind) {
			for _, v := range after.Versions(kind, name) {
				worked := false
				if before := c.kinds[kind][name]; before != nil && before.of[v.Version] != nil {
					worked = c.works(before.of[v.Version]) == nil
				}
				if v.Stage == Retired || !worked && !after.begins(c, v) {
					continue
				}
				if err := after.works(v); err != nil {
					broken = append(broken, err.Error())
				}
			}
		}
	}
	if len(broken) > 0 {
		return fault.New(fault.Refused, "what is registered, or is put to use, would not work:\n%s\n%s", strings.Join(broken, "\n"), instead)
	}
	return nil
}

// works says what keeps a version from being used, and which. Of services and expressions the active one counts: others are not used unless somebody names them.
func (c *Catalogue) works(v *Version) error {
	switch v.Kind {
	case KindView:
		if c.meant(KindEntity, v.View.Entity) == nil {
			return fault.New(fault.NotFound, "view %s@%d: there is no active entity %s", v.Name, v.Version, v.View.Entity)
		}
		if v.View.SQL == nil {
			return nil
		}
		for _, from := range v.View.SQL.From {
			ref, err := readReference(from)
			if err != nil {
				return err
			}
			if _, err := c.find(ref, KindView); err != nil {
				return fault.Wrap(fault.NotFound, err, "view %s@%d", v.Name, v.Version)
			}
		}
	case KindExpression, KindService:
		if c.Active(v.Kind, v.Name) != v.Version {
			return nil
		}
		resolved, err := c.Resolve([]string{v.Name})
		if err != nil {
			return err
		}
		for i := range resolved.Expressions {
			if err := resolved.check(&resolved.Expressions[i]); err != nil {
				return err
			}
		}
	case KindEntity:
	}
	return nil
}

// Retire says what becomes of a register when a name (all of its versions), or one version of it (view@2), is not to be used any more. What others that
// can be used name is fault.Refused. The reason may be empty.
func (c *Catalogue) Retire(text, reason string) (*Plan, error) {
	ref, err := readReference(text)
	if err != nil {
		return nil, err
	}
	if ref.feature != "" {
		return nil, fault.New(fault.Invalid, "%q is a feature; what is retired is a view, or a version of it: a feature goes by a version without it", clip(text))
	}
	kind, err := c.kindOf(ref.name)
	if err != nil {
		return nil, err
	}
	plan := &Plan{After: c.Newest}
	for _, v := range c.Versions(kind, ref.name) {
		if v.Stage != Retired && (ref.version == 0 || ref.version == v.Version) {
			change := Change{Kind: kind, Name: v.Name, Version: v.Version, Do: Retires, Stage: Retired, document: v.Document, meaning: v.Meaning}
			if reason != "" {
				change.What = []string{reason}
			}
			plan.Changes = append(plan.Changes, change)
		}
	}
	if len(plan.Changes) == 0 {
		if _, err := c.find(ref, kind); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.NotFound, "every version of %s %s is retired", kind, ref.name)
	}
	return plan, c.unbroken(plan, "retire it first, or let it name something else")
}

// kindOf is what a name is of: a view, an expression or a service, else an entity.
func (c *Catalogue) kindOf(name string) (Kind, error) {
	kinds := []Kind{KindView, KindExpression, KindService, KindEntity}
	for _, kind := range kinds {
		if c.has(kind, name) {
			return kind, nil
		}
	}
	for _, kind := range kinds {
		if len(c.Versions(kind, name)) > 0 {
			return kind, nil
		}
	}
	_, err := c.find(reference{name: name}, kinds...)
	return "", err
}

// Look finds every version of a name, oldest first: of a view, an expression or a service, else of an entity.
func (c *Catalogue) Look(name string) ([]*Version, error) {
	kind, err := c.kindOf(name)
	if err != nil {
		return nil, err
	}
	return c.Versions(kind, name), nil
}
