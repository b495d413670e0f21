package source

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
)

// format is how a file of text holds rows.
type format interface {
	// open opens a file and reads as far as its rows.
	open(ctx context.Context, f File, b *budget) (*textFile, error)
	// rows adds the rows of a piece to a table.
	rows(ctx context.Context, p piece, to *table) error
}

// textFile is a file whose rows are being cut.
type textFile struct {
	stream   io.Closer
	name     string
	encoding string // that it was decoded from; empty for UTF-8
	splitter *splitter
	// places says of every column of the file which of the relation's it is, -1 for none.
	places []int
	// absent are the relation's columns that the file lacks.
	absent []int
}

// piece is the part of a slice that one file holds.
type piece struct {
	cut
	file *textFile
}

// text is a relation of files of text.
type text struct {
	columns
	format format
	layout *layout
	files  []File // that were not opened yet
	file   *textFile
	budget budget
	slice  int
	rows   int64 // handed out
	max    int64
}

func newText(f format, c columns, l *layout, files []File, o Options) *text {
	t := &text{columns: c, format: f, layout: l, files: files, slice: o.RowsPerSlice, max: o.MaxRows, budget: budget{left: o.MaxBytes, limit: o.MaxBytes}}
	if t.slice == 0 {
		t.slice = RowsPerSlice(len(c.names))
	}
	return t
}

// Next cuts the next slice off the files.
func (t *text) Next(ctx context.Context) (Slice, error) {
	var pieces []piece
	rows := 0
	for rows < t.slice {
		if t.file == nil {
			if len(t.files) == 0 {
				break
			}
			file, err := t.format.open(ctx, t.files[0], &t.budget)
			if err != nil {
				return Slice{}, err
			}
			t.file, t.files = file, t.files[1:]
		}
		c, err := t.file.splitter.next(ctx, t.slice-rows)
		if errors.Is(err, io.EOF) {
			t.file.stream.Close()
			t.file = nil
			continue
		}
		if err != nil {
			return Slice{}, err
		}
		rows += c.rows
		if t.max > 0 && t.rows+int64(rows) > t.max {
			return Slice{}, tooManyRows(t.file.name, t.max)
		}
		pieces = append(pieces, piece{c, t.file})
	}
	if rows == 0 {
		return Slice{}, io.EOF
	}
	first := t.rows
	t.rows += int64(rows)
	return Slice{
		First:  first,
		Decode: func(ctx context.Context) (arrow.RecordBatch, error) { return t.decode(ctx, pieces, rows) },
		Skip: func() {
			for _, p := range pieces {
				p.recycle()
			}
		},
	}, nil
}

// decode makes a batch of the pieces of a slice.
func (t *text) decode(ctx context.Context, pieces []piece, rows int) (arrow.RecordBatch, error) {
	size := 0
	for _, p := range pieces {
		size += len(p.raw)
	}
	table := t.layout.table(rows, size)
	for _, p := range pieces {
		if err := p.file.check(p.cut); err != nil {
			return nil, err
		}
		if err := t.format.rows(ctx, p, table); err != nil {
			return nil, err
		}
		p.recycle()
	}
	return table.batch(t.layout), nil
}

// Close closes the file that is being read.
func (t *text) Close() error {
	t.files = nil
	if t.file == nil {
		return nil
	}
	err := t.file.stream.Close()
	t.file = nil
	return err
}
