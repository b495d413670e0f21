package feature_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Wanted by hand: rows of late, amount, days, channel and balance.
func TestRulesOfRows(t *testing.T) {
	t.Parallel()
	v := payments()
	v.Rules = []pipeline.Rule{{Name: "late_says_so", Expression: "late == (days > 0)"}, {Name: "paid", Expression: `amount > 0 || channel == "mail"`}}
	validator, err := v.Validator()
	require.NoError(t, err)
	number := func(x float64) transform.Value { return transform.Value{Number: x} }
	none := transform.Value{Missing: true}
	for name, test := range map[string]struct {
		row  []transform.Value
		want []string
	}{
		"good":                {[]transform.Value{number(1), number(5), number(3), {Text: "app"}, none}, nil},
		"one is broken":       {[]transform.Value{number(0), number(5), number(3), {Text: "app"}, none}, []string{"late_says_so"}},
		"both":                {[]transform.Value{number(1), number(0), number(0), {Text: "app"}, none}, []string{"late_says_so", "paid"}},
		"what is not known":   {[]transform.Value{none, none, number(3), none, none}, nil},
		"what decides anyway": {[]transform.Value{number(1), number(0), number(3), {Text: "mail"}, none}, nil},
	} {
		require.Equal(t, test.want, validator.Broken(test.row), name)
	}
	require.True(t, validator.Keeps([]transform.Value{number(1), number(5), number(9_223_372_036_854), {Text: "app"}, none}))
	require.False(t, validator.Keeps([]transform.Value{number(1), number(5), number(9_223_372_036_855), {Text: "app"}, none}), "days are summed up to their sixth decimal, as 64-bit numbers")
	require.False(t, validator.Keeps([]transform.Value{number(1), number(5), number(math.Inf(1)), {Text: "app"}, none}))
	v.Rules[0].Expression = "late = 1"
	_, err = v.Validator()
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "view payments, rule late_says_so: 1:6: ")
}
