package feature

import (
	"slices"

	"github.com/loanops/loanops/internal/expression"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Validator holds rows against the rules of a view, those of files as those that are posted. It is immutable and safe for concurrent use.
type Validator struct {
	inputs []pipeline.Column
	rules  []rule
}

type rule struct {
	name   string
	holds  *expression.Expression
	inputs []int // the places of its names in View.Inputs
}

// Validator compiles the view's rules, conditions in the language of package expression over the columns of its rows. One that is none is fault.Invalid.
func (v *View) Validator() (*Validator, error) {
	inputs := v.Taken()
	types := map[string]pipeline.ColumnType{}
	for _, c := range inputs {
		types[c.Name] = c.Type
	}
	all := Validator{inputs: inputs}
	for _, r := range v.Rules {
		holds, err := expression.Compile(r.Expression, types, pipeline.Boolean)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "view %s, rule %s", v.Name, r.Name)
		}
		compiled := rule{name: r.Name, holds: holds}
		for _, name := range holds.Names() {
			compiled.inputs = append(compiled.inputs, slices.IndexFunc(inputs, func(c pipeline.Column) bool { return c.Name == name }))
		}
		all.rules = append(all.rules, compiled)
	}
	return &all, nil
}

// Broken are the names of the rules that are false for a row with these values, in the order of View.Inputs. A rule of which it is not known, for a value is
// missing, is not broken.
func (v *Validator) Broken(values []transform.Value) (names []string) {
	var inputs []transform.Value
	for _, r := range v.rules {
		inputs = inputs[:0]
		for _, i := range r.inputs {
			inputs = append(inputs, values[i])
		}
		if holds := r.holds.Eval(inputs); !holds.Missing && holds.Number == 0 {
			names = append(names, r.name)
		}
	}
	return names
}

// Keeps says that a row with these values, in the order of View.Inputs, breaks no rule, and that each is within the bounds and the domain of its column.
func (v *Validator) Keeps(values []transform.Value) bool {
	for i := range v.inputs {
		c, value := &v.inputs[i], values[i]
		switch {
		case value.Missing:
		case len(c.Domain) > 0 && c.Type == pipeline.Category && !slices.Contains(c.Domain, value.Text), c.Min != nil && value.Number < *c.Min, c.Max != nil && value.Number > *c.Max:
			return false
		}
	}
	return len(v.Broken(values)) == 0
}
