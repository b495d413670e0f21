package logit

import (
	"cmp"
	"context"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/parallel"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/transform"
)

// design is the encoded columns of all rows, by field, and their labels. A category is held as the number of its level, for all of its columns but
// one are 0.
type design struct {
	fields []transform.Batch
	first  []int // the encoded column at which each field begins
	width  int
	y      []float64
}

// fitDesign learns the encoder from the columns and encodes them.
func fitDesign(ctx context.Context, spec pipeline.Spec, columns dataset.Columns) (*transform.Encoder, *design, error) {
	e := &transform.Encoder{Fields: make([]transform.Field, len(spec.Columns)), Scales: make([]transform.Scale, len(spec.Columns))}
	d, err := encoded(ctx, spec, columns, func(i int, v transform.Values) (err error) {
		e.Fields[i], e.Scales[i], err = transform.Fit(spec.Columns[i], v)
		return err
	}, e)
	return e, d, err
}

// encodeDesign encodes columns as others were.
func encodeDesign(ctx context.Context, spec pipeline.Spec, e *transform.Encoder, columns dataset.Columns) (*design, error) {
	return encoded(ctx, spec, columns, func(int, transform.Values) error { return nil }, e)
}

// encoded reads and encodes one column per processor at a time. before is given each one's values first.
func encoded(ctx context.Context, spec pipeline.Spec, columns dataset.Columns, before func(i int, v transform.Values) error, e *transform.Encoder) (*design, error) {
	y, err := labels(ctx, spec, columns)
	if err != nil {
		return nil, err
	}
	d := &design{y: y, fields: make([]transform.Batch, len(spec.Columns)), first: make([]int, len(spec.Columns))}
	failed := parallel.Each(len(spec.Columns), func(i int) error {
		column := spec.Columns[i]
		c, err := columns(ctx, column.Name)
		if err != nil {
			return err
		}
		if c, err = scoring.Column(c, column.Name, column.Type); err != nil {
			return err
		}
		if c.Len() != len(y) {
			return fault.New(fault.Invalid, "column %q has %d rows, the label %d", column.Name, c.Len(), len(y))
		}
		v := transform.Values{Numbers: c.Floats, Texts: c.Texts, Valid: c.Valid}
		if err := before(i, v); err != nil {
			return err
		}
		d.fields[i], err = transform.EncodeBatch(e.Fields[i], e.Scales[i], v)
		return err
	})
	if err := cmp.Or(failed...); err != nil {
		return nil, err
	}
	for i := range d.fields {
		d.first[i] = d.width
		d.width += d.fields[i].Width
	}
	return d, nil
}

// means are those of the encoded columns, summed in row order.
func (d *design) means() []float64 {
	mean := make([]float64, d.width)
	for i, f := range d.fields {
		for _, x := range f.Numbers {
			mean[d.first[i]] += x
		}
		for _, one := range f.Ones {
			if one >= 0 {
				mean[d.first[i]+int(one)]++
			}
		}
	}
	for j := range mean {
		mean[j] /= float64(len(d.y))
	}
	return mean
}
