package dataset

import (
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// decimalUnits is what an amount is counted in.
var decimalUnits = math.Pow10(pipeline.DecimalPlaces)

var (
	decimalType   = &arrow.Decimal128Type{Precision: pipeline.DecimalDigits, Scale: pipeline.DecimalPlaces}
	timestampType = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
)

// arrowColumn is the column as double, string, date32, int64, bool, decimal(18, 4) or timestamp in UTC; a missing value is null.
func arrowColumn(c *Column) arrow.Array {
	switch c.Kind {
	case Text:
		return texts(c)
	case Float:
		return floats(c.Floats)
	case Date:
		return built(c.Floats, array.NewDate32Builder(memory.DefaultAllocator), func(x float64) arrow.Date32 { return arrow.Date32(x) })
	case Integer:
		return built(c.Floats, array.NewInt64Builder(memory.DefaultAllocator), func(x float64) int64 { return int64(x) })
	case Boolean:
		return built(c.Floats, array.NewBooleanBuilder(memory.DefaultAllocator), func(x float64) bool { return x != 0 })
	case Timestamp:
		return built(c.Floats, array.NewTimestampBuilder(memory.DefaultAllocator, timestampType), func(x float64) arrow.Timestamp { return arrow.Timestamp(x) })
	default:
		return built(c.Floats, array.NewDecimal128Builder(memory.DefaultAllocator, decimalType), func(x float64) decimal128.Num {
			return decimal128.FromI64(int64(math.Round(x * decimalUnits)))
		})
	}
}

// maxLevels is how many different texts make a dictionary.
const maxLevels = 1024

// texts is an array of the texts, by their numbers in a dictionary where they are few: the codec would look each of them up by itself.
func texts(c *Column) arrow.Array {
	numbers := make(map[string]int32, 16)
	levels := array.NewStringBuilder(memory.DefaultAllocator)
	defer levels.Release()
	indices := array.NewInt32Builder(memory.DefaultAllocator)
	defer indices.Release()
	indices.Reserve(len(c.Texts))
	for i, text := range c.Texts {
		if !c.Valid[i] {
			indices.UnsafeAppendBoolToBitmap(false)
			continue
		}
		number, known := numbers[text]
		if !known {
			if len(numbers) == maxLevels {
				return plain(c)
			}
			number = int32(len(numbers))
			numbers[text] = number
			levels.Append(text)
		}
		indices.UnsafeAppend(number)
	}
	dictionary, index := levels.NewArray(), indices.NewArray()
	defer dictionary.Release()
	defer index.Release()
	return array.NewDictionaryArray(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, index, dictionary)
}

func plain(c *Column) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	b.AppendValues(c.Texts, c.Valid)
	return b.NewArray()
}

// floats is an array of the numbers themselves, not of a copy.
func floats(values []float64) arrow.Array {
	valid := make([]byte, bitutil.BytesForBits(int64(len(values))))
	missing := 0
	for i, x := range values {
		if x == x {
			bitutil.SetBit(valid, i)
		} else {
			missing++
		}
	}
	data := array.NewData(arrow.PrimitiveTypes.Float64, len(values),
		[]*memory.Buffer{memory.NewBufferBytes(valid), memory.NewBufferBytes(arrow.Float64Traits.CastToBytes(values))}, nil, missing, 0)
	defer data.Release()
	return array.NewFloat64Data(data)
}

// builder is an arrow builder of values of type T.
type builder[T any] interface {
	Append(v T)
	AppendNull()
	Reserve(n int)
	NewArray() arrow.Array
	Release()
}

func built[T any](values []float64, b builder[T], as func(float64) T) arrow.Array {
	defer b.Release()
	b.Reserve(len(values))
	for _, x := range values {
		if math.IsNaN(x) {
			b.AppendNull()
		} else {
			b.Append(as(x))
		}
	}
	return b.NewArray()
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
	case arrow.INT64:
		return Integer, nil
	case arrow.BOOL:
		return Boolean, nil
	case arrow.DECIMAL128:
		return Decimal, nil
	case arrow.TIMESTAMP:
		return Timestamp, nil
	default:
		return 0, fault.New(fault.Invalid, "column %q is of type %s, which a dataset has not", field.Name, field.Type)
	}
}

// appendChunk adds the values of an array, which is of the column's kind.
func appendChunk(c *Column, chunk arrow.Array) {
	n := chunk.Len()
	if texts, ok := chunk.(*array.String); ok {
		c.Texts, c.Valid = slices.Grow(c.Texts, n), slices.Grow(c.Valid, n)
		for i := range n {
			c.Valid = append(c.Valid, texts.IsValid(i))
			c.Texts = append(c.Texts, texts.Value(i))
		}
		return
	}
	value := valueOf(chunk)
	c.Floats = slices.Grow(c.Floats, n)
	for i := range n {
		x := math.NaN()
		if chunk.IsValid(i) {
			x = value(i)
		}
		if math.IsInf(x, 0) {
			x = math.NaN()
		}
		c.Floats = append(c.Floats, x)
	}
}

// valueOf reads one value of an array as a Column holds it.
func valueOf(chunk arrow.Array) func(i int) float64 {
	switch values := chunk.(type) {
	case *array.Float64:
		return values.Value
	case *array.Date32:
		return func(i int) float64 { return float64(values.Value(i)) }
	case *array.Int64:
		return func(i int) float64 { return float64(values.Value(i)) }
	case *array.Timestamp:
		return func(i int) float64 { return float64(values.Value(i)) }
	case *array.Decimal128:
		return func(i int) float64 { return clean.DecimalNumber(int64(values.Value(i).LowBits())) } // 18 digits fit into the low bits
	case *array.Boolean:
		return func(i int) float64 {
			if values.Value(i) {
				return 1
			}
			return 0
		}
	}
	return func(int) float64 { return math.NaN() }
}
