package derive

import (
	"slices"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Cells are the values of a column of a batch.
type Cells interface {
	Get(row int) transform.Value
	Set(row int, v transform.Value)
}

// Columns is Row for every row of a batch. Of gives the cells of a column; nil of one that the batch lacks, which then has no values. It is asked for each column once.
func (d *Deriver) Columns(rows int, of func(*pipeline.Column) Cells) {
	all := make([]Cells, len(d.columns))
	for i := range d.columns {
		all[i] = of(&d.columns[i])
	}
	for i, value := range d.defaults {
		for row := range rows {
			if all[i].Get(row).Missing {
				all[i].Set(row, value)
			}
		}
	}
	var inputs []transform.Value
	for _, c := range d.computed {
		inputs = slices.Grow(inputs[:0], len(c.inputs))[:len(c.inputs)]
		for row := range rows {
			for i, input := range c.inputs {
				inputs[i] = transform.Value{Missing: true}
				if all[input] != nil {
					inputs[i] = all[input].Get(row)
				}
			}
			all[c.column].Set(row, d.compute(&c, inputs))
		}
	}
}
