package source

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/loanops/loanops/internal/fault"
)

// part is one Parquet file of a relation: what its footer says and, while lanes read it, the open file.
type part struct {
	file File
	rows int64
	// fields are those of the file and, after choose, of the relation in its order.
	fields []field

	mu     sync.Mutex
	lanes  int // that are not done with it
	closed bool
	open   *os.File
	reader *pqarrow.FileReader
}

// field is a column of a file.
type field struct {
	arrow.Field
	index int // in the file
	flat  bool
	// bytes is its decompressed size, as the file says.
	bytes int64
	// absent: the file lacks it.
	absent bool
}

// properties read pages through a small buffer instead of whole column chunks, and bound what a damaged size can allocate.
func properties() *parquet.ReaderProperties {
	p := parquet.NewReaderProperties(bounded{memory.DefaultAllocator})
	p.BufferedStreamEnabled = true
	p.BufferSize = 64 << 10
	return p
}

// bounded is an allocator that panics, as the codec does on damaged files, instead of allocating what only such a file asks for.
type bounded struct{ memory.Allocator }

// Allocate refuses what no column of a slice needs.
func (b bounded) Allocate(size int) []byte {
	b.check(size)
	return b.Allocator.Allocate(size)
}

// Reallocate refuses what no column of a slice needs.
func (b bounded) Reallocate(size int, old []byte) []byte {
	b.check(size)
	return b.Allocator.Reallocate(size, old)
}

func (bounded) check(size int) {
	if size < 0 || size > maxSliceBytes {
		panic("a page or a slice's values are too long")
	}
}

// describe reads the footer and returns the names of the columns.
func (p *part) describe() (names []string, note string, err error) {
	opened, err := os.Open(p.file.Path)
	if err != nil {
		return nil, "", openFault(err, p.file)
	}
	defer opened.Close()
	defer p.damaged(&err)
	arrowReader, err := p.readerOf(opened)
	if err != nil {
		return nil, "", err
	}
	reader := arrowReader.ParquetReader()
	for i := range reader.NumRowGroups() {
		rows := reader.MetaData().RowGroups[i].NumRows
		if rows < 0 || p.rows > math.MaxInt64-rows {
			return nil, "", p.unreadable(errors.New("the footer has an impossible number of rows"))
		}
		p.rows += rows
	}
	if n := reader.MetaData().Schema.NumColumns(); n > maxColumns {
		return nil, "", fault.New(fault.Invalid, "%s: there are %d columns; at most %d are taken", p.file.Name, n, maxColumns)
	}
	for i, f := range arrowReader.Manifest.Fields {
		p.fields = append(p.fields, describeField(reader.MetaData(), i, f))
		names = append(names, f.Field.Name)
	}
	if len(names) == 0 {
		return nil, "", fault.New(fault.Invalid, "%s: the file has no columns", p.file.Name)
	}
	note, err = named(p.file.Name, names)
	return names, note, err
}

func describeField(footer *metadata.FileMetaData, index int, of pqarrow.SchemaField) field {
	f := field{Field: *of.Field, index: index, flat: of.IsLeaf() && !arrow.IsNested(of.Field.Type.ID())}
	for i := range footer.RowGroups {
		if chunk, err := footer.RowGroup(i).ColumnChunk(max(0, of.ColIndex)); err == nil && f.flat {
			f.bytes += chunk.TotalUncompressedSize()
		}
	}
	return f
}

// choose leaves the relation's columns, by the names that the file has; those that it lacks are absent.
func (p *part) choose(c columns, names []string) error {
	chosen := make([]field, len(c.from))
	for i, name := range c.from {
		at := slices.Index(names, name)
		if at < 0 {
			chosen[i] = field{Field: arrow.Field{Name: name}, absent: true}
			continue
		}
		chosen[i] = p.fields[at]
		if !chosen[i].flat {
			return fault.New(fault.Invalid, "%s: column %q is of type %s; flat columns are taken, so flatten it or select others", p.file.Name, clip(name), clip(chosen[i].Type.String()))
		}
	}
	p.fields = chosen
	return nil
}

// column is a reader of a column of the relation from the file's first row. The file is opened for the first one.
func (p *part) column(i int) (*pqarrow.ColumnReader, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fault.New(fault.Internal, "%s: decoded after the relation was closed", p.file.Name)
	}
	if p.reader == nil {
		if err := p.openReader(); err != nil {
			return nil, err
		}
	}
	column, err := p.reader.GetColumn(context.Background(), p.fields[i].index)
	if err != nil {
		return nil, p.unreadable(err)
	}
	return column, nil
}

func (p *part) openReader() error {
	opened, err := os.Open(p.file.Path)
	if err != nil {
		return openFault(err, p.file)
	}
	p.open = opened
	p.reader, err = p.readerOf(opened)
	return err
}

// readerOf is a reader whose types are Parquet's. The Arrow schema that some writers add is dropped: it would have strings read as
// dictionaries, whose indices the codec confuses where there are nulls (arrow-go 18.5.1).
func (p *part) readerOf(opened *os.File) (*pqarrow.FileReader, error) {
	reader, err := file.NewParquetReader(opened, file.WithReadProps(properties()))
	if err != nil {
		return nil, p.unreadable(err)
	}
	reader.MetaData().FileMetaData.KeyValueMetadata = nil
	arrowReader, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, bounded{memory.DefaultAllocator})
	if err != nil {
		return nil, p.unreadable(err)
	}
	return arrowReader, nil
}

// done says that one lane more needs the file no longer; the last one closes it.
func (p *part) done() {
	p.mu.Lock()
	p.lanes--
	last := p.lanes == 0
	p.mu.Unlock()
	if last {
		p.close()
	}
}

func (p *part) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.open != nil {
		p.open.Close()
		p.open, p.reader = nil, nil
	}
}

// unreadable says that the file is damaged, or none.
func (p *part) unreadable(err error) error {
	if fault.CodeOf(err) != fault.Internal {
		return err
	}
	return fault.New(fault.Invalid, "%s: not a readable Parquet file: %s", p.file.Name, clip(err.Error()))
}

// damaged makes an error of the codec's panic, which some damaged files end in. Only panics of this goroutine can be caught, so nothing
// here may use the codec's readers that start others.
func (p *part) damaged(err *error) {
	if r := recover(); r != nil {
		*err = p.unreadable(fmt.Errorf("%v", r))
	}
}
