package transform_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// A column at a time or a row at a time: the same bits, or the same fault.
func TestABatchIsItsRowsEncoded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := transform.Field{Name: "f", Type: pipeline.Number, Nullable: rapid.Bool().Draw(t, "nullable"), Open: rapid.Bool().Draw(t, "open")}
		s := transform.Scale{Mean: rapid.Float64Range(-10, 10).Draw(t, "mean"), SD: rapid.Float64Range(0.1, 10).Draw(t, "sd")}
		if rapid.Bool().Draw(t, "category") {
			f.Type, f.Levels = pipeline.Category, rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 4).Draw(t, "levels")
		}
		r := rows(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []transform.Value {
			return []transform.Value{{
				Number: rapid.OneOf(rapid.Float64Range(-100, 100), rapid.Just(math.Inf(1))).Draw(t, "number"),
				Text:   rapid.SampledFrom([]string{"", "a", "b", "c", "d"}).Draw(t, "text"), Missing: rapid.IntRange(0, 4).Draw(t, "missing") == 0,
			}}
		}), 0, 8).Draw(t, "rows"))
		e := &transform.Encoder{Fields: []transform.Field{f}, Scales: []transform.Scale{s}}
		batch, got := transform.EncodeBatch(f, s, r.values(0))
		row := make([]float64, e.Width())
		for i := range r {
			if err := e.Encode(r[i], row); err != nil {
				require.Equal(t, fault.Invalid, fault.CodeOf(got))
				require.EqualError(t, got, err.Error())
				return
			}
			if got != nil {
				continue // the fault of a later row
			}
			back := make([]float64, batch.Width)
			if batch.Numbers != nil {
				back[0] = batch.Numbers[i]
			}
			if batch.Ones != nil && batch.Ones[i] >= 0 {
				back[batch.Ones[i]] = 1
			}
			require.Equal(t, row, back)
		}
		require.NoError(t, got)
	})
}
