package source

import (
	"bytes"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// table collects rows of texts into a batch.
type table struct {
	columns []texts
	missing *missing
	rows    int
}

// texts is a column of strings that grows: Arrow's layout, without a builder's checks for every value.
type texts struct {
	offsets []int32
	bytes   []byte
	valid   []byte // a bit for every value, set until a null comes
	nulls   int
	// comma says that texts are numbers with a decimal comma.
	comma bool
}

// layout is what batches of one relation have in common.
type layout struct {
	schema  *arrow.Schema
	missing *missing
	comma   []bool
	// sizes are the most bytes that a column of a slice had so far, from which the next ones are allocated.
	sizes []atomic.Int64
}

func newLayout(names, missingTexts []string, comma []bool) *layout {
	fields := make([]arrow.Field, len(names))
	for i, name := range names {
		fields[i] = arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true}
	}
	return &layout{schema: arrow.NewSchema(fields, nil), missing: newMissing(missingTexts), comma: comma, sizes: make([]atomic.Int64, len(names))}
}

// table is one for so many rows of so many bytes of text.
func (l *layout) table(rows, size int) *table {
	t := &table{columns: make([]texts, len(l.comma)), missing: l.missing}
	for i := range t.columns {
		expected := l.sizes[i].Load()
		if expected == 0 {
			expected = int64(size / len(l.comma))
		}
		t.columns[i] = texts{
			offsets: make([]int32, 1, rows+1), valid: bytes.Repeat([]byte{0xff}, (rows+7)/8), comma: l.comma[i],
			bytes: make([]byte, 0, expected+expected/16),
		}
	}
	return t
}

// add appends the values of column i of some rows that follow each other: every stride-th from the first given.
func (t *table) add(i int, values [][]byte, stride int) {
	c := &t.columns[i]
	for ; len(values) > 0; values = values[min(stride, len(values)):] {
		value := values[0]
		if t.missing.is(value) {
			c.addNull()
			continue
		}
		from := len(c.bytes)
		if end := from + len(value); len(value) <= 16 && cap(value) >= 16 && from+16 <= cap(c.bytes) {
			// Most values are short, and a copy of a fixed length is no call. What it writes too much the next value overwrites.
			*(*[16]byte)(c.bytes[from : from+16]) = [16]byte(value[:16])
			c.bytes = c.bytes[:end]
		} else {
			c.bytes = append(c.bytes, value...)
		}
		if c.comma {
			swapDecimal(c.bytes[from:])
		}
		c.offsets = append(c.offsets, int32(len(c.bytes)))
	}
}

// addNulls appends missing values to column i.
func (t *table) addNulls(i, rows int) {
	for range rows {
		t.columns[i].addNull()
	}
}

// addNull appends a missing value.
func (c *texts) addNull() {
	row := len(c.offsets) - 1
	c.valid[row>>3] &^= 1 << (row & 7)
	c.nulls++
	c.offsets = append(c.offsets, int32(len(c.bytes)))
}

// swapDecimal makes a point of a decimal comma, and a comma of a point: a number that has its thousands apart must not become another one.
func swapDecimal(number []byte) {
	for i, b := range number {
		switch b {
		case ',':
			number[i] = '.'
		case '.':
			number[i] = ','
		}
	}
}

// batch ends the table.
func (t *table) batch(l *layout) arrow.RecordBatch {
	arrays := make([]arrow.Array, len(t.columns))
	for i := range t.columns {
		c := &t.columns[i]
		if size := int64(len(c.bytes)); size > l.sizes[i].Load() {
			l.sizes[i].Store(size) // a race here costs an allocation, no more
		}
		data := array.NewData(arrow.BinaryTypes.String, t.rows, []*memory.Buffer{
			memory.NewBufferBytes(c.valid), memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.offsets)), memory.NewBufferBytes(c.bytes),
		}, nil, c.nulls, 0)
		arrays[i] = array.NewStringData(data)
	}
	return array.NewRecordBatch(l.schema, arrays, int64(t.rows))
}
