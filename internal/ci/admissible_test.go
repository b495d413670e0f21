package ci

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// Values that must be among those that are tried, by hand.
func TestWhatIsAdmissible(t *testing.T) {
	t.Parallel()
	zero, ten := 0.0, 10.0
	columns := []string{"f"}
	long := `"` + strings.Repeat("x", request.MaxTextBytes) + `"`
	for name, test := range map[string]struct {
		field request.Field
		want  []string
		never []string
	}{
		"domain":            {request.Field{Type: pipeline.Category, Domain: []string{"a", "b"}}, []string{`"a"`, `"b"`}, []string{"null", ""}},
		"domain, nullable":  {request.Field{Type: pipeline.Category, Domain: []string{"a"}, Nullable: true}, []string{`"a"`, "null", ""}, nil},
		"open":              {request.Field{Type: pipeline.Category}, []string{`"a"`, `"é"`, `"🙂"`, long, `"` + strings.Repeat("é", 50) + `"`, `"null"`, `"\""`}, []string{`""`, "null"}},
		"boolean":           {request.Field{Type: pipeline.Boolean, Nullable: true}, []string{"true", "false", "null", ""}, nil},
		"number":            {request.Field{Type: pipeline.Number}, []string{"1e+100", "-1e+100", "0", "-0", "5e-324", "-5e-324", "1", "-1"}, []string{"null"}},
		"bounded number":    {request.Field{Type: pipeline.Number, Min: &zero, Max: &ten}, []string{"0", "10", "5e-324", "9.999999999999998", "-0", "5", "5.0", "5e+00"}, []string{"-1", "-5e-324", "1e+100", "1234.5"}},
		"half bounded":      {request.Field{Type: pipeline.Number, Min: &ten}, []string{"10", "10.000000000000002", "1e+100"}, []string{"0", "9.999999999999998"}},
		"integer":           {request.Field{Type: pipeline.Integer}, []string{"9223372036854775000", "-9223372036854775000", "0", "9007199254740992"}, []string{"0.5", "1e+100"}},
		"bounded integer":   {request.Field{Type: pipeline.Integer, Min: &zero, Max: &ten}, []string{"0", "1", "9", "10", "5.0"}, []string{"0.5", "11", "-1"}},
		"decimal":           {request.Field{Type: pipeline.Decimal, Min: &zero, Max: &ten}, []string{"0", "0.0001", "10", "9.9999"}, []string{"5e-324", "1234.5"}},
		"trimmed":           {request.Field{Type: pipeline.Category, Domain: []string{"a"}, Clean: []pipeline.CleanStep{{Trim: &pipeline.Trim{Columns: columns}}}}, []string{`" a \t"`}, nil},
		"lower case":        {request.Field{Type: pipeline.Category, Domain: []string{"own"}, Clean: []pipeline.CleanStep{{Case: &pipeline.Case{Columns: columns, To: "lower"}}}}, []string{`"OWN"`, `"OwN"`}, nil},
		"upper case":        {request.Field{Type: pipeline.Category, Domain: []string{"OWN"}, Clean: []pipeline.CleanStep{{Case: &pipeline.Case{Columns: columns, To: "upper"}}}}, []string{`"own"`, `"OwN"`}, nil},
		"mapped":            {request.Field{Type: pipeline.Category, Domain: []string{"a"}, Clean: []pipeline.CleanStep{{Map: &pipeline.Map{Columns: columns, Values: map[string]string{"b": "a", "c": "d", "e": ""}}}}}, []string{`"b"`}, []string{`"c"`, `"e"`}},
		"mapped to missing": {request.Field{Type: pipeline.Category, Domain: []string{"a"}, Nullable: true, Clean: []pipeline.CleanStep{{Map: &pipeline.Map{Columns: columns, Values: map[string]string{"e": ""}}}}}, []string{`"e"`}, nil},
		"coded": {request.Field{Type: pipeline.Number, Min: &zero, Nullable: true, Clean: []pipeline.CleanStep{{Missing: &pipeline.Codes{Columns: columns, Codes: []string{"-9", "n/a"}, Reason: "x"}}}},
			[]string{"-9", `"-9"`, `"n/a"`}, nil},
		"coded, required": {request.Field{Type: pipeline.Number, Min: &zero, Clean: []pipeline.CleanStep{{Missing: &pipeline.Codes{Columns: columns, Codes: []string{"-9", "n/a"}, Reason: "x"}}}},
			nil, []string{"-9", `"-9"`, `"n/a"`}},
		"amounts": {request.Field{Type: pipeline.Number, Min: &zero, Max: &ten, Clean: []pipeline.CleanStep{{Amount: &pipeline.Amount{Columns: columns, Currency: "€", Thousands: ".", Decimal: ","}}}},
			[]string{`"5"`, `"€5"`, `"5 €"`, "5"}, nil},
		"clipped":                     {request.Field{Type: pipeline.Number, Min: &zero, Max: &ten, Clean: []pipeline.CleanStep{{Clip: &pipeline.Clip{Columns: columns, Max: &ten}}}}, []string{"1099511627776"}, []string{"-1099511627776"}},
		"clipped to what is not good": {request.Field{Type: pipeline.Number, Max: &zero, Clean: []pipeline.CleanStep{{Clip: &pipeline.Clip{Columns: columns, Max: &ten}}}}, nil, []string{"1099511627776"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.field.Name = "f"
			values := admissible(&test.field, rand.New(rand.NewPCG(1, 2)))
			reader, err := request.NewReader(test.field)
			require.NoError(t, err)
			var raws []string
			for _, w := range values {
				raws = append(raws, w.raw)
				if w.raw != "" {
					_, complaint := reader.Read(json.RawMessage(w.raw))
					require.Empty(t, complaint.Text, w.words())
				}
			}
			for _, raw := range test.want {
				require.Contains(t, raws, raw)
			}
			for _, raw := range test.never {
				require.NotContains(t, raws, raw)
			}
		})
	}
}

// Amounts by hand.
func TestAmounts(t *testing.T) {
	t.Parallel()
	a := &pipeline.Amount{Currency: "$"}
	require.Equal(t, []string{"1,234,567.5", "$1,234,567.5", "1,234,567.5 $"}, amounts(a, 1234567.5))
	require.Equal(t, []string{"($12)", "-12"}, amounts(a, -12))
	require.Equal(t, []string{"0", "$0", "0 $"}, amounts(a, 0))
	require.Equal(t, []string{"123", "$123", "123 $"}, amounts(a, 123))
	require.Equal(t, []string{"1.000", "1.000", "1.000 "}, amounts(&pipeline.Amount{Thousands: ".", Decimal: ","}, 1000))
	require.Empty(t, amounts(a, 1e15))
	require.Empty(t, amounts(a, 1e-9))
}
