package ingest

import (
	"math"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// reader makes a typed column of a raw one.
type reader struct {
	name    string
	kind    dataset.Kind
	cleaner *clean.Cleaner
	cleans  bool // the spec has steps for it
}

// read returns the column and the rows whose values are not of its type; these are missing in it.
func (r *reader) read(raw arrow.Array) (c dataset.Column, misread []int, err error) {
	c = dataset.Column{Name: r.name, Kind: r.kind}
	if !r.cleans && r.kind != dataset.Text {
		if value := numbersOf(raw, r.kind); value != nil {
			c.Floats, misread = read(raw, r.kind, value)
			return c, misread, nil
		}
	}
	text := source.TextsOf(raw)
	if text == nil {
		return c, nil, fault.New(fault.Invalid, "column %q is of type %s, which cannot be read", r.name, raw.DataType())
	}
	if r.kind == dataset.Text {
		misread = r.texts(raw, text, &c)
	} else {
		misread = r.numbers(raw, text, &c)
	}
	return c, misread, nil
}

// maxRemembered is how many different texts of a batch are remembered with what they became.
const maxRemembered = 4096

// texts cleans texts; the same text is cleaned once.
func (r *reader) texts(raw arrow.Array, text func(int) string, c *dataset.Column) (misread []int) {
	c.Texts, c.Valid = make([]string, raw.Len()), make([]bool, raw.Len())
	type cleaned struct {
		text    string
		missing bool
		fault   clean.Fault
	}
	remembered := map[string]cleaned{}
	for row := range raw.Len() {
		if raw.IsNull(row) {
			continue
		}
		from := text(row)
		known, found := remembered[from]
		if !found {
			value, wrong := r.cleaner.Clean(from)
			known = cleaned{value.Text, value.Missing, wrong}
			if len(remembered) < maxRemembered {
				remembered[from] = known
			}
		}
		if known.fault != clean.None {
			misread = append(misread, row)
			continue
		}
		c.Texts[row], c.Valid[row] = known.text, !known.missing
	}
	return misread
}

// numbers cleans and reads what is held as a number.
func (r *reader) numbers(raw arrow.Array, text func(int) string, c *dataset.Column) (misread []int) {
	c.Floats = make([]float64, raw.Len())
	exact := r.kind == dataset.Date || r.kind == dataset.Timestamp
	cleaned := r.cleaner.Clean
	if literal(raw) {
		cleaned = r.cleaner.CleanLiteral
	}
	nulls := raw.NullN() > 0
	for row := range raw.Len() {
		c.Floats[row] = math.NaN()
		if nulls && raw.IsNull(row) {
			continue
		}
		from := text(row)
		if x, ok := r.cleaner.Quantity(from); ok {
			c.Floats[row] = x
			continue
		}
		value, wrong := cleaned(from)
		switch {
		case wrong != clean.None:
			misread = append(misread, row)
		case value.Missing:
		case exact:
			c.Floats[row] = float64(value.Integer)
		default:
			c.Floats[row] = value.Number
		}
	}
	return misread
}

// literal says that a program wrote the values, not a person: their decimal separator is a point.
func literal(raw arrow.Array) bool {
	switch raw.DataType().ID() {
	case arrow.STRING, arrow.LARGE_STRING, arrow.DICTIONARY:
		return false
	}
	return true
}

// The days that a date may be, see pipeline.MinYear.
var (
	firstDay = dataset.Day(time.Date(pipeline.MinYear, 1, 1, 0, 0, 0, 0, time.UTC))
	lastDay  = dataset.Day(time.Date(pipeline.MaxYear, 12, 31, 0, 0, 0, 0, time.UTC))
)

// read takes numbers as they are; what no column may hold is misread, as it is where it is written as a text.
func read(raw arrow.Array, kind dataset.Kind, value func(int) float64) (floats []float64, misread []int) {
	low, high := -pipeline.MaxNumber, pipeline.MaxNumber
	if kind == dataset.Date {
		low, high = firstDay, lastDay
	}
	floats = make([]float64, raw.Len())
	for row := range floats {
		floats[row] = math.NaN()
		if raw.IsNull(row) {
			continue
		}
		x := value(row)
		if math.IsNaN(x) {
			continue // a missing number, as pandas writes it
		}
		if x < low || x > high {
			misread = append(misread, row)
			continue
		}
		floats[row] = x + 0 // -0 is 0
	}
	return floats, misread
}

// numbersOf reads an array whose values need no parsing to be of the kind; nil for any other.
func numbersOf(raw arrow.Array, kind dataset.Kind) func(int) float64 {
	switch values := raw.(type) {
	case *array.Float64:
		if kind == dataset.Float {
			return values.Value
		}
	case *array.Float32:
		if kind == dataset.Float {
			return func(i int) float64 { return float64(values.Value(i)) }
		}
	case *array.Int64:
		if kind == dataset.Float || kind == dataset.Integer {
			return func(i int) float64 { return float64(values.Value(i)) }
		}
	case *array.Int32:
		if kind == dataset.Float || kind == dataset.Integer {
			return func(i int) float64 { return float64(values.Value(i)) }
		}
	case *array.Decimal128:
		of, _ := values.DataType().(*arrow.Decimal128Type)
		if kind == dataset.Decimal && of.Scale == pipeline.DecimalPlaces && of.Precision <= pipeline.DecimalDigits {
			return func(i int) float64 { return clean.DecimalNumber(int64(values.Value(i).LowBits())) } //nolint:gosec // 18 digits fit
		}
	case *array.Date32:
		if kind == dataset.Date {
			return func(i int) float64 { return float64(values.Value(i)) }
		}
	case *array.Boolean:
		if kind == dataset.Boolean {
			return func(i int) float64 {
				if values.Value(i) {
					return 1
				}
				return 0
			}
		}
	}
	return nil
}
