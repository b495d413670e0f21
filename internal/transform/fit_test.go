package transform_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// rows are rows in memory.
type rows [][]transform.Value

// values are those of one field.
func (r rows) values(field int) transform.Values {
	var v transform.Values
	for _, row := range r {
		x := row[field].Number
		if row[field].Missing {
			x = math.NaN()
		}
		v.Numbers, v.Texts, v.Valid = append(v.Numbers, x), append(v.Texts, row[field].Text), append(v.Valid, !row[field].Missing)
	}
	return v
}

// fit fits every column.
func fit(columns []pipeline.Column, r rows) (*transform.Encoder, error) {
	e := &transform.Encoder{}
	for i, c := range columns {
		f, s, err := transform.Fit(c, r.values(i))
		if err != nil {
			return nil, err
		}
		e.Fields, e.Scales = append(e.Fields, f), append(e.Scales, s)
	}
	return e, nil
}

// of makes rows of one field.
func of(values ...transform.Value) rows {
	r := make(rows, len(values))
	for i, v := range values {
		r[i] = []transform.Value{v}
	}
	return r
}

func numbers(values ...float64) rows {
	var r rows
	for _, x := range values {
		r = append(r, of(number(x))...)
	}
	return r
}

var numeric = []pipeline.Column{{Name: "income", Type: pipeline.Number, MissingMax: 0.5}}

// Wanted values by hand, the deviation that of the population: the mean of 2, 4, 4, 4, 5, 5, 7, 9 is 5, their squares sum to 32, √(32/8) = 2.
func TestFitScales(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		rows rows
		want transform.Scale
	}{
		{"numbers", numbers(2, 4, 4, 4, 5, 5, 7, 9), transform.Scale{Mean: 5, SD: 2}},
		{"missing ones do not count", append(numbers(2, 4, 4, 4, 5, 5, 7, 9), of(missing, missing)...), transform.Scale{Mean: 5, SD: 2}},
		{"one row", numbers(7), transform.Scale{Mean: 7, SD: 1}},
		{"constant", numbers(7, 7, 7), transform.Scale{Mean: 7, SD: 1}},
		{"zero", numbers(0, 0), transform.Scale{Mean: 0, SD: 1}},
		// Their sum divided by three is not 0.1 but the next number above.
		{"constant whose mean is rounded", numbers(0.1, 0.1, 0.1), transform.Scale{Mean: 0.1, SD: 1}},
		{"squares below float64", numbers(1e-200, 3e-200), transform.Scale{Mean: 2e-200, SD: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e, err := fit(numeric, test.rows)
			require.NoError(t, err)
			require.InEpsilon(t, 1+test.want.Mean, 1+e.Scales[0].Mean, 1e-15)
			require.InEpsilon(t, test.want.SD, e.Scales[0].SD, 1e-12)
		})
	}
}

// A bundle that holds infinities is not served: training must not make one.
func TestFitRefuses(t *testing.T) {
	t.Parallel()
	home := []pipeline.Column{{Name: "home", Type: pipeline.Category, MissingMax: 1}}
	for _, test := range []struct {
		name    string
		columns []pipeline.Column
		rows    rows
		says    string
	}{
		{"no rows", numeric, nil, `column "income" has no values in training`},
		{"nothing but missing numbers", numeric, of(missing, missing), `column "income" has no values in training`},
		{"nothing but missing categories", home, of(missing), `column "home" has no values in training`},
		{"a sum beyond float64", numeric, numbers(math.MaxFloat64, math.MaxFloat64, 0), `column "income" has values too large`},
		{"squares beyond float64", numeric, numbers(1e200, -1e200), `column "income" has values too large`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := fit(test.columns, test.rows)
			require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
		})
	}
}

// The signature of a model is what the spec says of its columns.
func TestFitTakesTheSpecsColumns(t *testing.T) {
	t.Parallel()
	low, high := 0.0, 9.0
	domain := []string{"rent", "own"}
	columns := []pipeline.Column{
		{Name: "income", Type: pipeline.Number, Min: &low, Max: &high, MissingMax: 0.1, Unit: "USD", Reason: "income too low"},
		{Name: "home", Type: pipeline.Category, Domain: domain},
		{Name: "purpose", Type: pipeline.Category, MissingMax: 0.1},
	}
	e, err := fit(columns, rows{
		{number(1), category("own"), category("home")},
		{missing, category("own"), category("car")},
		{number(3), category("own"), missing},
		{number(3), category("own"), category("car")},
	})
	require.NoError(t, err)
	require.Equal(t, []transform.Field{
		{Name: "income", Type: pipeline.Number, Nullable: true},
		{Name: "home", Type: pipeline.Category, Levels: []string{"rent", "own"}}, // the spec's values in the spec's order, seen or not
		{Name: "purpose", Type: pipeline.Category, Nullable: true, Levels: []string{"car", "home"}, Open: true},
	}, e.Fields)
	domain[0] = "changed"
	require.Equal(t, "rent", e.Fields[1].Levels[0], "the encoder holds a copy")
}

// Whole numbers, decimals and booleans, which are 1 and 0, are numbers: means and deviations by hand.
func TestFitTakesEveryNumericTypeAsNumbers(t *testing.T) {
	t.Parallel()
	var columns []pipeline.Column
	for _, of := range []pipeline.ColumnType{pipeline.Integer, pipeline.Decimal, pipeline.Boolean} {
		columns = append(columns, pipeline.Column{Name: string(of), Type: of})
	}
	e, err := fit(columns, rows{{number(2), number(0.5), number(0)}, {number(4), number(1.5), number(1)}})
	require.NoError(t, err)
	require.Equal(t, []transform.Scale{{Mean: 3, SD: 1}, {Mean: 1, SD: 0.5}, {Mean: 0.5, SD: 0.5}}, e.Scales)
	out := make([]float64, e.Width())
	require.NoError(t, e.Encode([]transform.Value{number(4), number(0.5), number(1)}, out))
	require.Equal(t, []float64{1, -1, 1}, out)
}

// Nothing but the training rows is learnt, and every one of them can be encoded, to columns of mean 0 and deviation 1.
func TestTrainingRowsAreStandardised(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(-1e4, 1e4), 2, 50).Draw(t, "xs")
		if slices.Max(xs)-slices.Min(xs) < 1e-3 {
			t.Skip("as good as constant")
		}
		r := numbers(xs...)
		e, err := fit(numeric, r)
		require.NoError(t, err)
		again, err := fit(numeric, r)
		require.NoError(t, err)
		require.Equal(t, e, again, "the same rows give the same bits")
		var sum, squares float64
		out := make([]float64, e.Width())
		for _, row := range r {
			require.NoError(t, e.Encode(row, out))
			sum += out[0]
			squares += out[0] * out[0]
		}
		n := float64(len(xs))
		require.InDelta(t, 0, sum/n, 1e-6)
		require.InDelta(t, 1, squares/n, 1e-6)
	})
}

// Whatever the one value is, the column says nothing: it encodes to 0, and another value is not blown up.
func TestAConstantColumnSaysNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(-1e9, 1e9).Draw(t, "x")
		r := make(rows, rapid.IntRange(1, 40).Draw(t, "n"))
		for i := range r {
			r[i] = []transform.Value{number(x)}
		}
		e, err := fit(numeric, r)
		require.NoError(t, err)
		require.Equal(t, transform.Scale{Mean: x, SD: 1}, e.Scales[0])
	})
}

// A category without a domain knows what training knew, in an order that does not depend on the rows'.
func TestLevelsAreSortedAndOfTrainingOnly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 20).Draw(t, "texts")
		var r rows
		for _, text := range texts {
			r = append(r, of(category(text), missing)...)
		}
		e, err := fit([]pipeline.Column{{Name: "home", Type: pipeline.Category}}, r)
		require.NoError(t, err)
		require.Equal(t, slices.Compact(slices.Sorted(slices.Values(texts))), e.Fields[0].Levels)
		out := make([]float64, e.Width())
		require.NoError(t, e.Encode([]transform.Value{category("e")}, out), "an open category takes any text")
		require.Equal(t, make([]float64, e.Width()), out, "as none of the levels")
	})
}
