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

// encoder has each kind of field: a number, a nullable number, a category, a nullable category.
func encoder() *transform.Encoder {
	return &transform.Encoder{
		Fields: []transform.Field{
			{Name: "amount", Type: pipeline.Number},
			{Name: "income", Type: pipeline.Number, Nullable: true},
			{Name: "home", Type: pipeline.Category, Levels: []string{"own", "rent", "other"}},
			{Name: "purpose", Type: pipeline.Category, Levels: []string{"car"}, Nullable: true},
		},
		Scales: []transform.Scale{{Mean: 10, SD: 2}, {Mean: -1, SD: 0.5}, {SD: 1}, {SD: 1}},
	}
}

func number(x float64) transform.Value { return transform.Value{Number: x} }

func category(text string) transform.Value { return transform.Value{Text: text} }

var missing = transform.Value{Missing: true}

// Wanted columns by hand: (x - mean) / sd and its indicator; one column per level, then the indicator.
func TestEncode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		row  []transform.Value
		want []float64
	}{
		{"the means", []transform.Value{number(10), number(-1), category("own"), category("car")}, []float64{0, 0, 0, 1, 0, 0, 1, 0}},
		{"beside the means", []transform.Value{number(14), number(-2), category("other"), category("car")}, []float64{2, -2, 0, 0, 0, 1, 1, 0}},
		{"missing takes the mean and says so", []transform.Value{number(8), missing, category("rent"), missing}, []float64{-1, 0, 1, 0, 1, 0, 0, 1}},
		{"what a missing value holds beside is not read",
			[]transform.Value{number(8), {Number: math.NaN(), Missing: true}, category("rent"), {Text: "boat", Missing: true}}, []float64{-1, 0, 1, 0, 1, 0, 0, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := encoder()
			got := make([]float64, e.Width())
			for i := range got {
				got[i] = math.NaN() // what was in the buffer before must not shine through
			}
			require.NoError(t, e.Encode(test.row, got))
			require.Equal(t, test.want, got)
		})
	}
}

// A fault names the field and never the applicant's value.
func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	good := []transform.Value{number(10), number(-1), category("own"), category("car")}
	for _, test := range []struct {
		name  string
		field int
		value transform.Value
		says  string
	}{
		{"missing number", 0, missing, `field "amount" is missing`},
		{"missing category", 2, missing, `field "home" is missing`},
		{"NaN", 0, number(math.NaN()), `field "amount" is not a finite number`},
		{"infinity", 1, number(math.Inf(1)), `field "income" is not a finite number`},
		{"minus infinity", 1, number(math.Inf(-1)), `field "income" is not a finite number`},
		{"unseen category", 2, category("secret"), `field "home" has a value that the model does not know`},
		{"unseen category in a nullable field", 3, category("secret"), `field "purpose" has a value that the model does not know`},
		{"empty category", 3, category(""), `field "purpose" has a value that the model does not know`},
		{"a number where a category is", 2, number(1), `field "home" has a value that the model does not know`},
		{"another case", 2, category("Own"), `field "home" has a value that the model does not know`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			row := append([]transform.Value{}, good...)
			row[test.field] = test.value
			err := encoder().Encode(row, make([]float64, encoder().Width()))
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			require.ErrorContains(t, err, test.says)
			require.NotContains(t, err.Error(), "secret")
		})
	}
	for _, row := range [][]transform.Value{nil, good[:3], append(append([]transform.Value{}, good...), missing)} {
		err := encoder().Encode(row, make([]float64, encoder().Width()))
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		require.ErrorContains(t, err, "the model 4")
	}
}

// fields draws encoders and a row that each of them can encode.
func fields(t *rapid.T) (*transform.Encoder, []transform.Value) {
	e := &transform.Encoder{}
	var row []transform.Value
	for range rapid.IntRange(1, 6).Draw(t, "fields") {
		f := transform.Field{Name: "f", Type: pipeline.Number, Nullable: rapid.Bool().Draw(t, "nullable")}
		scale := transform.Scale{SD: 1}
		var v transform.Value
		if rapid.Bool().Draw(t, "category") {
			f.Type = pipeline.Category
			f.Levels = rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}`), 1, 5, rapid.ID[string]).Draw(t, "domain")
			v.Text = rapid.SampledFrom(f.Levels).Draw(t, "text")
		} else {
			scale = transform.Scale{Mean: rapid.Float64Range(-1e6, 1e6).Draw(t, "mean"), SD: rapid.Float64Range(1e-3, 1e6).Draw(t, "sd")}
			v.Number = rapid.Float64Range(-1e9, 1e9).Draw(t, "number")
		}
		v.Missing = f.Nullable && rapid.Bool().Draw(t, "missing")
		e.Fields, e.Scales, row = append(e.Fields, f), append(e.Scales, scale), append(row, v)
	}
	return e, row
}

// Explanations add up contributions per span: spans must tile the columns, and a field must write into its own alone.
func TestSpansTileTheColumnsAndHoldTheirField(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, row := fields(t)
		out := make([]float64, e.Width())
		require.NoError(t, e.Encode(row, out))
		end := 0
		for i := range e.Fields {
			from, to := e.Span(i)
			require.Equal(t, end, from)
			require.Greater(t, to, from)
			end = to
			alone := &transform.Encoder{Fields: e.Fields[i : i+1], Scales: e.Scales[i : i+1]}
			part := make([]float64, alone.Width())
			require.NoError(t, alone.Encode(row[i:i+1], part))
			require.Equal(t, part, out[from:to], "the field's columns do not depend on its neighbours")
		}
		require.Equal(t, e.Width(), end)
	})
}

// A category is one-hot: exactly one column is 1, the missing one included. A number's value comes back from its column.
func TestWhatIsEncodedCanBeReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, row := fields(t)
		out := make([]float64, e.Width())
		require.NoError(t, e.Encode(row, out))
		for i, f := range e.Fields {
			from, to := e.Span(i)
			span := out[from:to]
			if f.Nullable {
				require.Equal(t, row[i].Missing, span[len(span)-1] == 1)
			}
			if f.Type == pipeline.Category {
				sum := 0.0
				for _, x := range span {
					require.Contains(t, []float64{0, 1}, x)
					sum += x
				}
				require.InDelta(t, 1, sum, 0)
				continue
			}
			back := span[0]*e.Scales[i].SD + e.Scales[i].Mean
			want := row[i].Number
			if row[i].Missing {
				want = e.Scales[i].Mean
			}
			require.InDelta(t, want, back, 1e-6)
		}
	})
}
