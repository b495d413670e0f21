package feature

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Columns are what a spec's references to the feature store come to, see pipeline.Spec.Look: what is looked up has its default where nothing is
// known, and may be missing where it has none; what is computed may be missing. What does not fit the spec is fault.Invalid.
func (c *Catalogue) Columns(spec pipeline.Spec) ([]pipeline.Column, error) {
	resolved, err := c.Resolve(spec.Features)
	if err != nil {
		return nil, err
	}
	var columns []pipeline.Column
	for _, f := range resolved.Features {
		v, of := resolved.Of(f)
		column, err := column(spec, v, of)
		if err != nil {
			return nil, err
		}
		column.Unused = !f.Asked
		columns = append(columns, column)
	}
	for _, e := range resolved.Expressions {
		of := e.Expression
		columns = append(columns, pipeline.Column{
			Name: of.Name, Type: of.Type, Min: of.Min, Max: of.Max, Domain: of.Domain, MissingMax: 1, Reason: of.Reason, Unit: of.Unit, Expression: of.Expression,
		})
	}
	if all := len(spec.Given()) + len(columns); all > pipeline.MaxColumns {
		return nil, fault.New(fault.Invalid, "with its features the spec has %d columns, at most %d are wanted", all, pipeline.MaxColumns)
	}
	for _, column := range columns {
		if spec.Knows(column.Name) {
			return nil, fault.New(fault.Invalid, "%s is a column of the spec and a feature of the store; rename one of them", column.Name)
		}
	}
	return columns, nil
}

// UndecidedError says that a spec refuses decisions without a feature, and that the platform's own requests, which are about nobody, could not be decided either.
type UndecidedError struct{ Feature string }

func (e *UndecidedError) Error() string {
	return fmt.Sprintf("feature_store.missing is refuse, and %s has no default, by which the platform's own requests are decided, which are about nobody; give it one, or let requests hold it with feature_store.given", e.Feature)
}

// column is a feature of a view as a column.
func column(spec pipeline.Spec, v *Version, of *Feature) (pipeline.Column, error) {
	column := pipeline.Column{
		Name: of.Name, Type: v.View.TypeOf(of), MissingMax: 1, Reason: of.Reason, Unit: of.Unit,
		Feature: fmt.Sprintf("%s@%d:%s", v.Name, v.Version, of.Name), Keys: map[string]string{}, Default: defaultText(of.Default),
	}
	if i := v.View.Input(of.Column()); i >= 0 && (of.Plain() || slices.Contains([]Aggregate{Min, Max, Last}, of.Aggregate)) {
		in := v.View.Inputs()[i]
		column.Min, column.Max, column.Domain = in.Min, in.Max, in.Domain
	}
	refuses := spec.FeatureStore.Missing == pipeline.RefuseDecision
	if column.Default != "" || refuses {
		column.MissingMax = 0
	}
	if refuses && column.Default == "" && !spec.FeatureStore.Given {
		return column, fault.Wrap(fault.Invalid, &UndecidedError{column.Feature}, "the spec's features")
	}
	for _, key := range v.View.Keys {
		name := spec.FeatureStore.Key(key)
		if !spec.Knows(name) {
			return column, fault.New(fault.Invalid, "view %s is about %s by %s, and the spec has no column %q; name it in ignore, or another one in feature_store.keys", v.Name, v.View.Entity, key, name)
		}
		column.Keys[key] = name
	}
	return column, nil
}

// defaultText is a default as a text; empty of none.
func defaultText(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(value) // a whole number of a file that was just read
}
