package request

import (
	"maps"
	"slices"

	"github.com/loanops/loanops/internal/derive"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Application is one application as it was read.
type Application struct {
	// Values are those of the declared fields, in their order.
	Values []transform.Value
	// Keys are the texts that name entities of the feature store in it, as they are written, in the order of Applications.Keys; empty where nothing is sent
	// that can name anybody.
	Keys []string
	// Given says of each of Applications.Features whether the application holds it, be it as null: then nothing is looked up.
	Given []bool
}

// additions make of an application's values the columns that no request holds.
type additions struct {
	keys     []string // of entities
	fields   []string // fields and identifiers that hold them
	features []pipeline.Column
	places   []int // of the features among all that is added
	given    []int // of the features among the fields; -1 of one that no request may hold
	columns  int   // that are added
	deriver  *derive.Deriver
}

func newAdditions(c Contract) (*additions, error) {
	a := &additions{columns: len(c.Added)}
	all := make([]pipeline.Column, 0, len(c.Fields)+len(c.Added))
	for _, f := range c.Fields {
		name := f.Name
		if c.added(name) >= 0 {
			name = "given " + name // what expressions read is the column that it becomes
		}
		all = append(all, pipeline.Column{Name: name, Type: f.Type})
	}
	for i, column := range c.Added {
		all = append(all, column)
		switch {
		case !column.Looked():
			return nil, fault.New(fault.Invalid, "column %q is neither looked up nor computed", clip(column.Name))
		case column.Feature == "":
			continue
		case len(column.Keys) == 0:
			return nil, fault.New(fault.Invalid, "column %q is looked up, and no field names of whom", clip(column.Name))
		}
		a.features, a.places, a.given = append(a.features, column), append(a.places, i), append(a.given, c.Index(column.Name))
		for _, key := range slices.Sorted(maps.Keys(column.Keys)) {
			if !slices.Contains(a.keys, key) {
				a.keys, a.fields = append(a.keys, key), append(a.fields, column.Keys[key])
			}
		}
	}
	var err error
	a.deriver, err = derive.New(all)
	return a, err
}

// Features are the columns that are looked up for every application, in the order in which Row takes what is found.
func (a *Applications) Features() []pipeline.Column { return a.additions.features }

// Keys are the keys of the entities in which they are looked up.
func (a *Applications) Keys() []string { return a.additions.keys }

// Gives says whether an application holds the feature of that place in Features itself, be it as null.
func (a *Applications) Gives(of *Application, feature int) bool {
	return feature < len(of.Given) && of.Given[feature]
}

// Given is what an application that holds the feature of that place says of it.
func (a *Applications) Given(of *Application, feature int) transform.Value {
	return of.Values[a.additions.given[feature]]
}

// Row is the row that the model reads of an application for which the values of Features were found; nil where nothing was. What the application holds itself counts.
func (a *Applications) Row(of Application, found []transform.Value) []transform.Value {
	values := of.Values
	if a.additions.columns > 0 {
		values = make([]transform.Value, len(of.Values)+a.additions.columns)
		copy(values, of.Values)
		added := values[len(of.Values):]
		for i := range added {
			added[i].Missing = true
		}
		for i := range found {
			added[a.additions.places[i]] = found[i]
		}
		for i, at := range a.additions.given {
			if a.Gives(&of, i) {
				added[a.additions.places[i]] = of.Values[at]
			}
		}
		a.additions.deriver.Row(values)
	}
	row := make([]transform.Value, len(a.row))
	for i, at := range a.row {
		row[i] = values[at]
	}
	return row
}
