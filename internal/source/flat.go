package source

import (
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/loanops/loanops/internal/pipeline"
)

// TextsOf reads any flat array as the texts that a CSV file would hold; nil for one that is not flat.
func TextsOf(raw arrow.Array) func(int) string {
	switch values := raw.(type) {
	case *array.String:
		return values.Value
	case *array.LargeString:
		return values.Value
	case *array.Dictionary:
		if inner := TextsOf(values.Dictionary()); inner != nil {
			return func(i int) string { return inner(values.GetValueIndex(i)) }
		}
		return nil
	case *array.Float64:
		return func(i int) string { return number(values.Value(i), 64) }
	case *array.Float32:
		return func(i int) string { return number(float64(values.Value(i)), 32) }
	case *array.Timestamp:
		unit := values.DataType().(*arrow.TimestampType)
		layout := time.RFC3339Nano
		if unit.TimeZone == "" {
			layout = "2006-01-02T15:04:05.999999999"
		}
		return func(i int) string { return values.Value(i).ToTime(unit.Unit).UTC().Format(layout) }
	case *array.Date32:
		return func(i int) string { return values.Value(i).ToTime().Format(pipeline.DateLayout) }
	}
	switch raw.DataType().ID() {
	case arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32, arrow.UINT64, arrow.BOOL,
		arrow.DECIMAL128, arrow.DECIMAL256, arrow.DATE64:
		return raw.ValueStr
	}
	return nil
}

// wholeDigits is below which whole numbers are their digits.
const wholeDigits = 1e15

// number is the shortest text of a number, of a whole one its digits; NaN is missing.
func number(x float64, bits int) string {
	switch {
	case math.IsNaN(x):
		return ""
	case math.Abs(x) < wholeDigits && x == math.Trunc(x):
		return strconv.FormatFloat(x, 'f', -1, bits)
	}
	return strconv.FormatFloat(x, 'g', -1, bits)
}
