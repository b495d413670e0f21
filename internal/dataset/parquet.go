package dataset

import (
	"bytes"
	"context"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/loanops/loanops/internal/fault"
)

// WriteParquet encodes the table as one row group, see arrowColumn for the types. The same rows give the same bytes.
func WriteParquet(out io.Writer, t Table) error {
	fields := make([]arrow.Field, len(t.Columns))
	columns := make([]arrow.Array, len(t.Columns))
	// Numbers hardly repeat, and a dictionary of them costs more than it saves; codecs that pack tighter than Snappy take longer than the rest of
	// an extraction.
	options := []parquet.WriterProperty{
		parquet.WithCompression(compress.Codecs.Snappy), parquet.WithCreatedBy("loanops"), parquet.WithStats(false),
		parquet.WithDictionaryDefault(false), parquet.WithMaxRowGroupLength(max(int64(t.Rows()), 1)),
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Len() != t.Rows() {
			return fault.New(fault.Internal, "column %q has %d rows, the table has %d", c.Name, c.Len(), t.Rows())
		}
		columns[i] = arrowColumn(c)
		defer columns[i].Release()
		fields[i] = arrow.Field{Name: c.Name, Type: columns[i].DataType(), Nullable: true}
		switch c.Kind {
		case Text:
			options = append(options, parquet.WithDictionaryFor(c.Name, c.fewTexts()))
		case Integer, Timestamp:
			options = append(options, parquet.WithEncodingFor(c.Name, parquet.Encodings.DeltaBinaryPacked))
		}
	}
	schema := arrow.NewSchema(fields, nil)
	record := array.NewRecordBatch(schema, columns, int64(t.Rows()))
	defer record.Release()
	// The writer would close what it can close; that is for whoever opened it.
	writer, err := pqarrow.NewFileWriter(schema, struct{ io.Writer }{out}, parquet.NewWriterProperties(options...), pqarrow.DefaultWriterProps())
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding Parquet")
	}
	if err := writer.Write(record); err != nil {
		return fault.Wrap(fault.Unavailable, err, "writing Parquet")
	}
	return fault.Wrap(fault.Unavailable, writer.Close(), "writing Parquet")
}

// fewTexts says that the column's different texts are a dictionary that the writer keeps to the end. One that it gives up in the midst makes pages of
// two kinds, and these stand in the footer in no order.
func (c *Column) fewTexts() bool {
	bytes, seen := int64(0), map[string]struct{}{}
	for i, text := range c.Texts {
		if _, known := seen[text]; known || !c.Valid[i] {
			continue
		}
		seen[text] = struct{}{}
		if bytes += int64(len(text)) + 4; bytes >= parquet.DefaultDictionaryPageSizeLimit { // a text has its length before it
			return false
		}
	}
	return true
}

// ReadParquet decodes what WriteParquet wrote. Anything else is a fault.Invalid that says what is wrong with the file.
func ReadParquet(data []byte) (Table, error) { return readParquet(bytes.NewReader(data), nil) }

// readParquet reads the named columns that a file has, in the file's order; nil is all of them.
func readParquet(from parquet.ReaderAtSeeker, columns []string) (t Table, err error) {
	// The codec panics on some damaged files; a damaged file must never end the program. Only panics of this goroutine can be
	// caught, so nothing below may use the codec's readers that start others (ReadTable does).
	defer func() {
		if r := recover(); r != nil {
			t, err = Table{}, fault.New(fault.Invalid, "not a readable Parquet file")
		}
	}()
	reader, err := file.NewParquetReader(from)
	if err != nil {
		return Table{}, fault.Wrap(fault.Invalid, err, "not a readable Parquet file")
	}
	arrowReader, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return Table{}, fault.Wrap(fault.Invalid, err, "not a readable Parquet file")
	}
	schema, err := arrowReader.Schema()
	if err != nil {
		return Table{}, fault.Wrap(fault.Invalid, err, "not a readable Parquet file")
	}
	for i, field := range schema.Fields() {
		if columns != nil && !slices.Contains(columns, field.Name) {
			continue
		}
		c := Column{Name: field.Name}
		if c.Kind, err = kindOf(field); err != nil {
			return Table{}, err
		}
		read, err := readDirectly(&c, reader, i, len(schema.Fields()))
		if err == nil && !read {
			err = readColumn(&c, arrowReader, i, reader.NumRows())
		}
		if err != nil {
			return Table{}, err
		}
		t.Columns = append(t.Columns, c)
	}
	return t, nil
}

// readColumn reads column i, which must have as many rows as the file says.
func readColumn(c *Column, from *pqarrow.FileReader, i int, rows int64) error {
	column, err := from.GetColumn(context.Background(), i)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "not a readable Parquet file")
	}
	defer column.Release()
	chunks, err := column.NextBatch(rows)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "not a readable Parquet file")
	}
	defer chunks.Release()
	for _, chunk := range chunks.Chunks() {
		appendChunk(c, chunk)
	}
	if int64(c.Len()) != rows {
		return fault.New(fault.Invalid, "not a readable Parquet file: column %q has %d rows, the file has %d", c.Name, c.Len(), rows)
	}
	return nil
}
