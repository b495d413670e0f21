package ci

import (
	"fmt"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// batch holds all rows that hold alone against what they are together: scored as a table, with its columns in another order as well, and encoded as a
// training encodes them.
func (p *predictions) batch() {
	encoder := &p.d.Model.Encoder
	table := tableOf(encoder.Fields, p.rows)
	p.together(table)
	slices.Reverse(table.Columns)
	p.together(table)
	p.encoded()
}

// together scores the rows as a table.
func (p *predictions) together(table dataset.Table) {
	scores, err := p.table(p.d.Model, table)
	if err != nil || len(scores) != len(p.scores) {
		p.reasons = append(p.reasons, fmt.Sprintf("%s together get %s, and each has a score alone: %v", count(len(p.rows), "application"), count(len(scores), "score"), err))
		return
	}
	for i, score := range scores {
		if math.Float64bits(score) != math.Float64bits(p.scores[i]) {
			p.note(p.kept[i], broken{asBatch, fmt.Sprintf("its score is %v there and %v alone", score, p.scores[i])})
		}
	}
}

// encoded encodes the rows field by field, and each alone.
func (p *predictions) encoded() {
	encoder := &p.d.Model.Encoder
	alone := make([][]float64, len(p.rows))
	for i, row := range p.rows {
		alone[i] = make([]float64, encoder.Width())
		if err := encoder.Encode(row, alone[i]); err != nil {
			p.note(p.kept[i], broken{asBatch, err.Error()})
			return
		}
	}
	values := make([]transform.Value, len(p.rows))
	for field := range encoder.Fields {
		for i, row := range p.rows {
			values[i] = row[field]
		}
		if at, text := batchDiffers(p.encode, encoder, field, values, alone); text != "" {
			p.note(p.kept[at], broken{asBatch, text})
		}
	}
}

// encodeBatch is transform.EncodeBatch.
type encodeBatch func(transform.Field, transform.Scale, transform.Values) (transform.Batch, error)

// batchDiffers says in which row first, and how, a training's encoding of a field, which goes by columns, is not what a predictor's is, bit for bit; empty
// where it is nowhere. alone are the encoded rows.
func batchDiffers(encode encodeBatch, encoder *transform.Encoder, field int, values []transform.Value, alone [][]float64) (row int, text string) {
	f := &encoder.Fields[field]
	b, err := encode(*f, encoder.Scales[field], column(f, values))
	if err != nil {
		return 0, fmt.Sprintf("a batch is refused: %s", err)
	}
	from, to := encoder.Span(field)
	for i := range values {
		for place := range to - from {
			var got float64
			if place == 0 && b.Numbers != nil {
				got = b.Numbers[i]
			}
			if b.Ones != nil && int(b.Ones[i]) == place {
				got = 1
			}
			if math.Float64bits(got) != math.Float64bits(alone[i][from+place]) {
				return i, fmt.Sprintf("%s is %v in a batch and %v alone", columnName(f, place), got, alone[i][from+place])
			}
		}
	}
	return 0, ""
}

// tableOf is a table of rows in the order of a signature.
func tableOf(signature []transform.Field, rows [][]transform.Value) (t dataset.Table) {
	values := make([]transform.Value, len(rows))
	for field := range signature {
		f := &signature[field]
		for i, row := range rows {
			values[i] = row[field]
		}
		of := column(f, values)
		c := dataset.Column{Name: f.Name, Kind: dataset.Float, Floats: of.Numbers, Texts: of.Texts, Valid: of.Valid}
		if f.Type == pipeline.Category {
			c.Kind = dataset.Text
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// column are values of one field as a batch holds them.
func column(f *transform.Field, values []transform.Value) (v transform.Values) {
	for _, value := range values {
		switch {
		case f.Type == pipeline.Category:
			v.Texts, v.Valid = append(v.Texts, value.Text), append(v.Valid, !value.Missing)
		case value.Missing:
			v.Numbers = append(v.Numbers, math.NaN())
		default:
			v.Numbers = append(v.Numbers, value.Number)
		}
	}
	return v
}
