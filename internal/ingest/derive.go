package ingest

import (
	"math"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/derive"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// learnt are the columns as rows of the past are completed. Where decisions are refused without a feature, nobody is learnt from without it: it takes no default,
// and the row breaks a rule.
func learnt(spec pipeline.Spec) []pipeline.Column {
	columns := slices.Concat(spec.Columns, spec.Inputs)
	if spec.FeatureStore.Missing == pipeline.RefuseDecision {
		for i := range columns {
			columns[i].Default = ""
		}
	}
	return columns
}

// derived completes a table: features that it has take their defaults, and what is looked up or computed and it lacks comes after its own columns.
func derived(d *derive.Deriver, t *dataset.Table) {
	rows := t.Rows()
	d.Columns(rows, func(of *pipeline.Column) derive.Cells {
		at := slices.IndexFunc(t.Columns, func(c dataset.Column) bool { return c.Name == of.Name })
		if at < 0 && !of.Looked() {
			return nil
		}
		if at < 0 {
			at = len(t.Columns)
			t.Columns = append(t.Columns, missing(of, rows))
		}
		return cells{t, at}
	})
}

// missing is a column without a value.
func missing(of *pipeline.Column, rows int) dataset.Column {
	c := dataset.Column{Name: of.Name, Kind: dataset.KindOf(of.Type)}
	if c.Kind == dataset.Text {
		c.Texts, c.Valid = make([]string, rows), make([]bool, rows)
		return c
	}
	c.Floats = slices.Repeat([]float64{math.NaN()}, rows)
	return c
}

// cells are those of a column of a table.
type cells struct {
	t  *dataset.Table
	at int
}

func (c cells) Get(row int) transform.Value {
	switch of := &c.t.Columns[c.at]; {
	case of.Missing(row):
		return transform.Value{Missing: true}
	case of.Kind == dataset.Text:
		return transform.Value{Text: of.Texts[row]}
	default:
		return transform.Value{Number: of.Floats[row]}
	}
}

func (c cells) Set(row int, v transform.Value) {
	switch of := &c.t.Columns[c.at]; {
	case of.Kind == dataset.Text:
		of.Texts[row], of.Valid[row] = v.Text, !v.Missing
	case v.Missing:
		of.Floats[row] = math.NaN()
	default:
		of.Floats[row] = v.Number
	}
}
