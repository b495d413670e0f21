package dataset

import (
	"math"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/loanops/loanops/internal/fault"
)

// readDirectly reads the frequent kinds of columns without a detour over Arrow's arrays, in half of the time. It is false for any other, of which it has read nothing.
func readDirectly(c *Column, from *file.Reader, i, columns int) (read bool, err error) {
	schema := from.MetaData().Schema
	if schema.NumColumns() != columns { // a nested field has several
		return false, nil
	}
	of := schema.Column(i)
	wanted := map[Kind]parquet.Type{Float: parquet.Types.Double, Integer: parquet.Types.Int64, Text: parquet.Types.ByteArray}
	if physical, frequent := wanted[c.Kind]; !frequent || of.PhysicalType() != physical || of.MaxRepetitionLevel() > 0 || of.MaxDefinitionLevel() > 1 {
		return false, nil
	}
	rows := from.NumRows()
	held := min(max(rows, 0), maxHeld)
	if c.Kind == Text {
		c.Texts, c.Valid = make([]string, 0, held), make([]bool, 0, held)
	} else {
		c.Floats = make([]float64, 0, held)
	}
	for g := range from.NumRowGroups() {
		chunk, err := from.RowGroup(g).Column(i)
		if err == nil {
			err = readChunk(c, chunk, of.MaxDefinitionLevel() == 0)
		}
		if err != nil {
			return true, fault.Wrap(fault.Invalid, err, "not a readable Parquet file")
		}
	}
	if int64(c.Len()) != rows {
		return true, fault.New(fault.Invalid, "not a readable Parquet file: column %q has %d rows, the file has %d", c.Name, c.Len(), rows)
	}
	return true, nil
}

// maxHeld is for how many rows memory is made ready on the word of a file.
const maxHeld = 1 << 20

// readChunk adds the rows of one group.
func readChunk(c *Column, chunk file.ColumnChunkReader, required bool) error {
	switch chunk := chunk.(type) {
	case *file.Float64ColumnChunkReader:
		return batches(chunk.ReadBatch, required, func(values []float64, levels []int16) {
			c.Floats = spread(c.Floats, values, levels, finite, math.NaN())
		})
	case *file.Int64ColumnChunkReader:
		return batches(chunk.ReadBatch, required, func(values []int64, levels []int16) {
			c.Floats = spread(c.Floats, values, levels, func(x int64) float64 { return float64(x) }, math.NaN())
		})
	case *file.ByteArrayColumnChunkReader:
		var texts interned
		return batches(chunk.ReadBatch, required, func(values []parquet.ByteArray, levels []int16) {
			c.Texts = spread(c.Texts, values, levels, func(x parquet.ByteArray) string { return texts.text(x) }, "")
			for _, level := range levels {
				c.Valid = append(c.Valid, level != 0)
			}
		})
	default:
		return fault.New(fault.Internal, "a column of another type")
	}
}

// batches gives the values of a group, which are without the missing ones, with a level for every row, which is 0 where one is missing.
func batches[T any](read func(n int64, values []T, definition, repetition []int16) (int64, int, error), required bool, do func(values []T, levels []int16)) error {
	const batch = 8192
	values, levels := make([]T, batch), make([]int16, batch)
	for {
		rows, n, err := read(batch, values, levels, nil)
		if err != nil || rows <= 0 {
			return err
		}
		if required { // the file has no levels
			for i := range levels {
				levels[i] = 1
			}
		}
		do(values[:n], levels[:rows])
	}
}

// spread adds values to the rows that have one.
func spread[T, V any](to []V, values []T, levels []int16, as func(T) V, missing V) []V {
	if len(values) == len(levels) {
		for _, value := range values {
			to = append(to, as(value))
		}
		return to
	}
	k := 0
	for _, level := range levels {
		if level == 0 {
			to = append(to, missing)
			continue
		}
		to = append(to, as(values[k]))
		k++
	}
	return to
}

// finite is x, or missing where it is an infinity.
func finite(x float64) float64 {
	if math.IsInf(x, 0) {
		return math.NaN()
	}
	return x
}

// interned holds texts of a column that came before, so that most of those that come again need no memory of their own.
type interned [256]string

func (t *interned) text(value []byte) string {
	if len(value) == 0 {
		return ""
	}
	held := &t[(31*len(value)+7*int(value[0])+int(value[len(value)-1]))%len(t)]
	if *held != string(value) {
		*held = string(value)
	}
	return *held
}
