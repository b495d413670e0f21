package feature

import (
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/expression"
	"github.com/loanops/loanops/internal/pipeline"
)

func (r *rules) expression(path string, e *Expression) {
	r.about(path, &e.About)
	if !namePattern.MatchString(e.Name) {
		return // it is told of
	}
	column := pipeline.Column{Name: e.Name, Type: e.Type, Min: e.Min, Max: e.Max, Domain: e.Domain, Reason: e.Reason}
	r.CheckColumn(path, column)
	r.line(path+".unit", "unit", e.Unit, maxUnit)
	if len(e.Features) > maxReferences || len(e.Domain) > maxDomain {
		r.Wrong(path, "expression %q has %d features and a domain of %d values; at most %d and %d are wanted", e.Name, len(e.Features), len(e.Domain), maxReferences, maxDomain)
		return
	}
	types, whole := map[string]pipeline.ColumnType{}, true
	for i, text := range e.Features {
		at := fmt.Sprintf("%s.features[%d]", path, i)
		ref, err := readReference(text)
		if err == nil && ref.feature == "" {
			err = fmt.Errorf("%q is no feature of a view; view:feature is wanted", clip(text))
		}
		var v *View
		var f *Feature
		if err == nil {
			v, f, err = r.over.feature(ref)
		}
		if err != nil {
			r.Wrong(at, "%s", err)
			whole = false
			continue
		}
		if _, twice := types[f.Name]; twice {
			r.Wrong(at, "a feature %q stands in the list already; an expression reads one of a name", f.Name)
		}
		types[f.Name] = v.TypeOf(f)
	}
	if !whole || !slices.Contains(valueTypes, e.Type) {
		return // what it reads and gives is not known
	}
	names, err := expression.Check(e.Expression, types, e.Type)
	if err != nil {
		r.Wrong(path+".expression", "in the expression, at %s", err)
		return
	}
	for i, text := range e.Features {
		if ref, err := readReference(text); err == nil && !slices.Contains(names, ref.feature) {
			r.Wrong(fmt.Sprintf("%s.features[%d]", path, i), "the expression does not read %q; leave it out", ref.feature)
		}
	}
	if slices.Contains(names, e.Name) {
		r.Wrong(path+".expression", "the expression reads %q, which is its own name; give it another", e.Name)
	}
}

func (r *rules) service(path string, s *Service) {
	r.about(path, &s.About)
	if len(s.Features) == 0 || len(s.Features) > maxReferences {
		r.Wrong(path+".features", "service %q names %d features; 1 to %d references are wanted, such as bureau:bureau_score", clip(s.Name), len(s.Features), maxReferences)
		return
	}
	whole := true
	for i, text := range s.Features {
		at := fmt.Sprintf("%s.features[%d]", path, i)
		err := r.over.inService(text)
		if err == nil {
			_, err = r.over.Resolve([]string{text})
		}
		if err == nil && slices.Contains(s.Features[:i], text) {
			err = fmt.Errorf("%q stands twice", clip(text))
		}
		if err != nil {
			r.Wrong(at, "%s", err)
			whole = false
		}
	}
	if !whole {
		return
	}
	if _, err := r.over.Resolve(s.Features); err != nil {
		r.Wrong(path+".features", "%s", err)
	}
}
