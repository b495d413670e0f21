package feature

import (
	"github.com/loanops/loanops/internal/expression"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// names are those that the expression reads; none of a text that does not compile, of which it is told where it stands.
func (e *Expression) names() []string {
	names, err := expression.Check(e.Expression, nil, e.Type)
	if err != nil {
		return nil
	}
	return names
}

// check holds an expression against the types of the features that it reads.
func (r *Resolved) check(e *ResolvedExpression) error {
	_, err := expression.Check(e.Expression.Expression, r.types(e), e.Expression.Type)
	return fault.Wrap(fault.Invalid, err, "expression %s@%d", e.Name, e.Version.Version)
}

// types are those of the features that an expression reads.
func (r *Resolved) types(e *ResolvedExpression) map[string]pipeline.ColumnType {
	types := map[string]pipeline.ColumnType{}
	for _, i := range e.Features {
		v, f := r.Of(r.Features[i])
		types[f.Name] = v.View.TypeOf(f)
	}
	return types
}

// Request are the names of the fields of the request that an expression reads.
func (r *Resolved) Request(e *ResolvedExpression) ([]string, error) {
	types := r.types(e)
	names, err := expression.Check(e.Expression.Expression, types, e.Expression.Type)
	if err != nil {
		return nil, err
	}
	var fields []string
	for _, name := range names {
		if _, is := types[name]; !is {
			fields = append(fields, name)
		}
	}
	return fields, nil
}
