package ingest

import (
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// A decimal is read as its text is, to the last bit, whether it is parsed or not.
func TestDecimalsAreReadAsTheirTexts(t *testing.T) {
	t.Parallel()
	cleaner, err := clean.New(nil, "amount", pipeline.Decimal)
	require.NoError(t, err)
	r := &reader{name: "amount", kind: dataset.Decimal, cleaner: cleaner}
	rapid.Check(t, func(t *rapid.T) {
		of := &arrow.Decimal128Type{Precision: pipeline.DecimalDigits, Scale: pipeline.DecimalPlaces}
		b := array.NewDecimal128Builder(memory.DefaultAllocator, of)
		defer b.Release()
		const most = int64(1e18) - 1
		for _, units := range rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(-most, most), rapid.Int64Range(-20_000, 20_000)), 1, 50).Draw(t, "units") {
			if units%7 == 0 {
				b.AppendNull()
			} else {
				b.Append(decimal128.FromI64(units))
			}
		}
		raw := b.NewArray()
		defer raw.Release()
		fast, misread, err := r.read(raw)
		if err != nil || len(misread) > 0 || numbersOf(raw, dataset.Decimal) == nil {
			t.Fatalf("%v %v", err, misread)
		}
		var parsed dataset.Column
		if misread := r.numbers(raw, source.TextsOf(raw), &parsed); len(misread) > 0 {
			t.Fatalf("%v", misread)
		}
		for i := range parsed.Floats {
			if a, b := fast.Floats[i], parsed.Floats[i]; math.Float64bits(a) != math.Float64bits(b) && !(math.IsNaN(a) && math.IsNaN(b)) {
				t.Fatalf("%v, and %v as a text", a, b)
			}
		}
	})
	other := array.NewDecimal128Builder(memory.DefaultAllocator, &arrow.Decimal128Type{Precision: 38, Scale: pipeline.DecimalPlaces})
	defer other.Release()
	other.Append(decimal128.FromI64(1))
	raw := other.NewArray()
	defer raw.Release()
	require.Nil(t, numbersOf(raw, dataset.Decimal), "it may hold what no decimal does")
}
