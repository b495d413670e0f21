package ingest

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/source"
)

// rulesColumn says which rules a row in quarantine breaks, such as "income: range, purpose: domain".
const rulesColumn = "loanops_rules"

// quarantined are rows as they were read, all columns as texts. known are the places in the batch of the table's rows, bad the table's
// rows that break a rule.
func (w *worker) quarantined(raw arrow.RecordBatch, t dataset.Table, known, bad []int, misread dataset.Misread) dataset.Table {
	out := dataset.Table{Columns: []dataset.Column{t.Select(bad).Columns[0], {Name: rulesColumn, Kind: dataset.Text}}}
	breaches := w.validator.Breaches(t, misread)
	for _, row := range bad {
		out.Columns[1].Texts = append(out.Columns[1].Texts, strings.Join(breaches[row], ", "))
		out.Columns[1].Valid = append(out.Columns[1].Valid, true)
	}
	for i, r := range w.readers {
		if i == w.ordinals {
			continue
		}
		c := dataset.Column{Name: r.name, Kind: dataset.Text}
		column := raw.Column(i)
		read := source.TextsOf(column)
		for _, row := range bad {
			at, valid := known[row], column.IsValid(known[row])
			text := ""
			if valid {
				text = read(at)
			}
			c.Texts, c.Valid = append(c.Texts, text), append(c.Valid, valid)
		}
		out.Columns = append(out.Columns, c)
	}
	return out
}

func (w *worker) quarantineFields() []dataset.Field {
	fields := w.emptyFields()
	for i := range fields[1:] {
		fields[1+i].Kind = dataset.Text
	}
	return append([]dataset.Field{fields[0], {Name: rulesColumn, Kind: dataset.Text}}, fields[1:]...)
}
