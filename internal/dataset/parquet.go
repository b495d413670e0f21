package dataset

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/loanops/loanops/internal/fault"
)

// WriteParquet encodes the table: Float as double, Text as string, Date as date32, a missing value as null. The same rows
// give the same bytes.
func WriteParquet(t Table) ([]byte, error) {
	fields := make([]arrow.Field, len(t.Columns))
	columns := make([]arrow.Array, len(t.Columns))
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Len() != t.Rows() {
			return nil, fault.New(fault.Internal, "column %q has %d rows, the table has %d", c.Name, c.Len(), t.Rows())
		}
		columns[i] = arrowColumn(c)
		defer columns[i].Release()
		fields[i] = arrow.Field{Name: c.Name, Type: columns[i].DataType(), Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	record := array.NewRecordBatch(schema, columns, int64(t.Rows()))
	defer record.Release()
	var out bytes.Buffer
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCreatedBy("loanops"))
	writer, err := pqarrow.NewFileWriter(schema, &out, properties, pqarrow.DefaultWriterProps())
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	if err := writer.Write(record); err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	if err := writer.Close(); err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	return out.Bytes(), nil
}

func arrowColumn(c *Column) arrow.Array {
	switch c.Kind {
	case Text:
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		b.AppendValues(c.Texts, c.Valid)
		return b.NewArray()
	case Date:
		b := array.NewDate32Builder(memory.DefaultAllocator)
		defer b.Release()
		for _, day := range c.Floats {
			if math.IsNaN(day) {
				b.AppendNull()
			} else {
				b.Append(arrow.Date32(day))
			}
		}
		return b.NewArray()
	default:
		b := array.NewFloat64Builder(memory.DefaultAllocator)
		defer b.Release()
		for _, value := range c.Floats {
			if math.IsNaN(value) {
				b.AppendNull()
			} else {
				b.Append(value)
			}
		}
		return b.NewArray()
	}
}

// ReadParquet decodes what WriteParquet wrote. Anything else is a fault.Invalid that says what is wrong with the file.
func ReadParquet(data []byte) (t Table, err error) {
	// The codec panics on some damaged files; a damaged file must never end the program. Only panics of this goroutine can be
	// caught, so nothing below may use the codec's readers that start others (ReadTable does).
	defer func() {
		if r := recover(); r != nil {
			t, err = Table{}, fault.New(fault.Invalid, "not a readable Parquet file")
		}
	}()
	reader, err := file.NewParquetReader(bytes.NewReader(data))
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
	t.Columns = make([]Column, schema.NumFields())
	for i, field := range schema.Fields() {
		c := &t.Columns[i]
		c.Name = field.Name
		if c.Kind, err = kindOf(field); err != nil {
			return Table{}, err
		}
		if err := readColumn(c, arrowReader, i, reader.NumRows()); err != nil {
			return Table{}, err
		}
	}
	return t, nil
}

// kindOf is how a field's values are held. Nested fields, which the codec reads in goroutines of their own, are refused here.
func kindOf(field arrow.Field) (Kind, error) {
	switch field.Type.ID() {
	case arrow.FLOAT64:
		return Float, nil
	case arrow.DATE32:
		return Date, nil
	case arrow.STRING:
		return Text, nil
	default:
		return 0, fault.New(fault.Invalid, "column %q is of type %s; double, string or date32 is wanted", field.Name, field.Type)
	}
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

func appendChunk(c *Column, chunk arrow.Array) {
	switch values := chunk.(type) {
	case *array.Float64:
		for i := range values.Len() {
			c.Floats = append(c.Floats, orNaN(values.IsNull(i), values.Value(i)))
		}
	case *array.Date32:
		for i := range values.Len() {
			c.Floats = append(c.Floats, orNaN(values.IsNull(i), float64(values.Value(i))))
		}
	case *array.String:
		for i := range values.Len() {
			c.Valid = append(c.Valid, values.IsValid(i))
			text := ""
			if values.IsValid(i) {
				text = values.Value(i)
			}
			c.Texts = append(c.Texts, text)
		}
	}
}

func orNaN(missing bool, value float64) float64 {
	if missing || math.IsInf(value, 0) {
		return math.NaN()
	}
	return value
}
