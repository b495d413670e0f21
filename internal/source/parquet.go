package source

import (
	"context"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// parquetRelation is the union of Parquet files. A column's pages can only be read in order, so every column is a lane: whoever decodes a
// slice reads it column by column, and the next slice follows one column behind.
type parquetRelation struct {
	columns
	types  []arrow.DataType // of the columns
	schema *arrow.Schema
	parts  []*part
	lanes  []*lane
	slice  int64
	total  int64 // rows of all files
	next   int64 // the next slice
}

// openParquet reads the footers of all files: they say the columns, and how much there is, before anything is read of it.
func openParquet(ctx context.Context, r pipeline.Relation, files []File, o Options) (Relation, error) {
	p := &parquetRelation{slice: int64(o.RowsPerSlice)}
	if err := p.describe(ctx, r, files); err != nil {
		return nil, err
	}
	var declared int64
	for _, part := range p.parts {
		p.total += part.rows
		if o.MaxRows > 0 && p.total > o.MaxRows {
			return nil, tooManyRows(part.file.Name, o.MaxRows)
		}
		for _, f := range part.fields {
			declared += f.bytes
		}
		if o.MaxBytes > 0 && declared > o.MaxBytes {
			return nil, tooManyBytes(part.file.Name, o.MaxBytes)
		}
	}
	if p.slice == 0 {
		p.slice = int64(RowsPerSlice(len(p.names)))
	}
	p.makeLanes(&sharedBudget{limit: o.MaxBytes}, newMissing(r.Missing))
	return p, nil
}

// describe finds the columns of all files, and where each has them.
func (p *parquetRelation) describe(ctx context.Context, r pipeline.Relation, files []File) error {
	in := union{selected: r.Select}
	var names [][]string
	var notes []string
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := &part{file: f}
		has, note, err := part.describe()
		if err != nil {
			return err
		}
		if err := in.add(f.Name, has); err != nil {
			return err
		}
		p.parts, names, notes = append(p.parts, part), append(names, has), append(notes, note)
	}
	var err error
	if p.columns, err = choose(r, files[0].Name, in.names); err != nil {
		return err
	}
	for i, part := range p.parts {
		p.note(notes[i])
		if err := part.choose(p.columns, names[i]); err != nil {
			return err
		}
	}
	return p.typed()
}

// typed gives every column the type that all files have it in that have it.
func (p *parquetRelation) typed() error {
	for i, name := range p.from {
		var first *part
		for _, part := range p.parts {
			switch f := part.fields[i]; {
			case f.absent:
			case first == nil:
				first = part
			case !arrow.TypeEqual(first.fields[i].Type, f.Type):
				return fault.New(fault.Invalid, "%s: column %q is of type %s, in %s of type %s; a column has one type in all files", part.file.Name, clip(name), f.Type, first.file.Name, first.fields[i].Type)
			}
		}
		p.types = append(p.types, first.fields[i].Type)
	}
	return nil
}

func (p *parquetRelation) makeLanes(b *sharedBudget, m *missing) {
	fields := make([]arrow.Field, len(p.names))
	for i, name := range p.names {
		fields[i] = arrow.Field{Name: name, Type: p.types[i], Nullable: true}
		p.lanes = append(p.lanes, &lane{column: i, of: p.types[i], parts: p.parts, rows: p.rows, budget: b, missing: m, ready: map[int64]arrow.Array{}, skipped: map[int64]bool{}})
	}
	for _, part := range p.parts {
		part.lanes = len(p.lanes)
	}
	p.schema = arrow.NewSchema(fields, nil)
}

// rows is how many rows a slice has.
func (p *parquetRelation) rows(slice int64) int64 {
	return min(p.slice, p.total-slice*p.slice)
}

// Next hands out the next slice; nothing of it is read yet.
func (p *parquetRelation) Next(ctx context.Context) (Slice, error) {
	if err := ctx.Err(); err != nil {
		return Slice{}, err
	}
	k := p.next
	if k*p.slice >= p.total {
		return Slice{}, io.EOF
	}
	p.next++
	return Slice{
		First:  k * p.slice,
		Decode: func(ctx context.Context) (arrow.RecordBatch, error) { return p.decode(ctx, k) },
		Skip: func() {
			for _, lane := range p.lanes {
				lane.skip(k)
			}
		},
	}, nil
}

func (p *parquetRelation) decode(ctx context.Context, k int64) (arrow.RecordBatch, error) {
	arrays := make([]arrow.Array, len(p.lanes))
	for i, lane := range p.lanes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if arrays[i], err = lane.take(k); err != nil {
			return nil, err
		}
	}
	return array.NewRecordBatch(p.schema, arrays, p.rows(k)), nil
}

// Close closes all files.
func (p *parquetRelation) Close() error {
	for _, part := range p.parts {
		part.close()
	}
	return nil
}
