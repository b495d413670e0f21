package feature

import (
	"cmp"
	"slices"

	"github.com/loanops/loanops/internal/pipeline"
)

// Rows describes the view's rows to whoever reads them: each says of whom, when it was true and when it was known; columns of features may be missing.
func (c *Computable) Rows() pipeline.Spec {
	v := c.View
	spec := pipeline.Spec{
		Name: v.Name, Clean: v.Clean, Rules: v.Rules, Types: map[string]pipeline.ColumnType{}, Limits: pipeline.DefaultLimits(),
		Schema: pipeline.Schema{Quarantine: v.Quarantine}, Leakage: pipeline.Leakage{},
	}
	required := func(name string, of pipeline.ColumnType) {
		spec.Columns = append(spec.Columns, pipeline.Column{Name: name, Type: of})
	}
	for _, key := range c.View.Keys {
		required(key, pipeline.Text)
	}
	if v.ID != "" {
		required(v.ID, pipeline.Text)
	}
	for _, name := range slices.Compact([]string{v.EventTimestamp, v.CreatedTimestamp}) {
		of := cmp.Or(v.Types[name], pipeline.Timestamp)
		if v.SQL != nil {
			of = pipeline.Timestamp // a query's dates are their beginnings already
		}
		required(name, of)
	}
	spec.Columns = append(spec.Columns, v.Taken()...)
	return spec
}
