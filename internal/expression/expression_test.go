package expression_test

import (
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/expression"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// known are the names of the tests: x and y are numbers, n is an integer, d a decimal, b a boolean, home a category.
var known = map[string]pipeline.ColumnType{
	"x": pipeline.Number, "y": pipeline.Number, "n": pipeline.Integer, "d": pipeline.Decimal, "b": pipeline.Boolean, "home": pipeline.Category,
	"note": pipeline.Text, "day": pipeline.Day,
}

func number(x float64) transform.Value { return transform.Value{Number: x} }
func words(s string) transform.Value   { return transform.Value{Text: s} }

var none = transform.Value{Missing: true}

// eval evaluates an expression over values by name; what is not listed is missing.
func eval(t *testing.T, text string, result pipeline.ColumnType, values map[string]transform.Value) transform.Value {
	t.Helper()
	e, err := expression.Compile(text, known, result)
	require.NoError(t, err, text)
	row := make([]transform.Value, 0, len(e.Names()))
	for _, name := range e.Names() {
		value, given := values[name]
		if !given {
			value = none
		}
		row = append(row, value)
	}
	return e.Eval(row)
}

// The wanted values are those of school arithmetic, and what the package's documentation says of missing ones.
func TestValues(t *testing.T) {
	t.Parallel()
	all := map[string]transform.Value{"x": number(6), "y": number(4), "n": number(7), "d": number(12.5), "b": number(1), "home": words("own"), "note": words("late")}
	for _, c := range []struct {
		text   string
		result pipeline.ColumnType
		want   transform.Value
	}{
		{"x / y", pipeline.Number, number(1.5)},
		{"x + y * 2 - -1", pipeline.Number, number(15)},
		{"(x + y) * 2", pipeline.Number, number(20)},
		{"7 / 2", pipeline.Number, number(3.5)},
		{"x ** 2", pipeline.Number, number(36)},
		{"2 ^ 3 ^ 2", pipeline.Number, number(512)}, // powers are taken from the right
		{"n % 4", pipeline.Integer, number(3)},
		{"-n % 4", pipeline.Integer, number(-3)},
		{"abs(-n) + 1", pipeline.Integer, number(8)},
		{"round(2.5)", pipeline.Integer, number(3)},
		{"round(-2.5)", pipeline.Integer, number(-3)},
		{"floor(x / y)", pipeline.Integer, number(1)},
		{"ceil(x / y)", pipeline.Integer, number(2)},
		{"min(x, y, 5)", pipeline.Number, number(4)},
		{"max(x, y, 5)", pipeline.Number, number(6)},
		{"sqrt(x * x)", pipeline.Number, number(6)},
		{"log(exp(1))", pipeline.Number, number(1)},
		{"d / 3", pipeline.Decimal, number(4.1667)},
		{"-d / 3", pipeline.Decimal, number(-4.1667)},
		{"9223372036854775807 + 1", pipeline.Number, number(9223372036854775808)}, // float64, which does not wrap
		{"-0 * x", pipeline.Number, number(0)},
		{"x > y", pipeline.Boolean, number(1)},
		{"x <= y", pipeline.Boolean, number(0)},
		{"1 < y < x", pipeline.Boolean, number(1)},
		{"x >= 6 and y < 4", pipeline.Boolean, number(0)},
		{"x >= 6 && !(y < 4)", pipeline.Boolean, number(1)},
		{"x < 6 or y == 4", pipeline.Boolean, number(1)},
		{"x < 6 || y != 4", pipeline.Boolean, number(0)},
		{"b == true", pipeline.Boolean, number(1)},
		{"not b", pipeline.Boolean, number(0)},
		{"b", pipeline.Boolean, number(1)},
		{`home == "own"`, pipeline.Boolean, number(1)},
		{`home != note`, pipeline.Boolean, number(1)},
		{`home in ["rent", "own"]`, pipeline.Boolean, number(1)},
		{`home not in ["rent", "own"]`, pipeline.Boolean, number(0)},
		{`n in [1, 7, 2.5]`, pipeline.Boolean, number(1)},
		{`b ? "yes" : "no"`, pipeline.Category, words("yes")},
		{`if x > 5 { home } else { "none" }`, pipeline.Category, words("own")},
		{"x > 5 ? n : 0", pipeline.Integer, number(7)},
		{"x | max(9)", pipeline.Number, number(9)},
		{"x // and nothing else", pipeline.Number, number(6)},
	} {
		got := eval(t, c.text, c.result, all)
		if c.want.Missing || c.result == pipeline.Category {
			require.Equal(t, c.want, got, c.text)
			continue
		}
		require.False(t, got.Missing, c.text)
		require.InDelta(t, c.want.Number, got.Number, 1e-12, c.text)
	}
	require.False(t, math.Signbit(eval(t, "-0 * x", pipeline.Number, all).Number), "there is no negative zero")
}

// The wanted values are those of the documentation: what meets a missing value is missing, unless it is handled.
func TestMissingValues(t *testing.T) {
	t.Parallel()
	given := map[string]transform.Value{"y": number(4), "n": number(0), "b": number(0)} // x, d, home and note are missing
	for _, c := range []struct {
		text   string
		result pipeline.ColumnType
		want   transform.Value
	}{
		{"x", pipeline.Number, none},
		{"x + y", pipeline.Number, none},
		{"y + x", pipeline.Number, none},
		{"y * 0 + x * 0", pipeline.Number, none},
		{"x == x", pipeline.Boolean, none},
		{"x > y", pipeline.Boolean, none},
		{"x in [1]", pipeline.Boolean, none},
		{`home == "own"`, pipeline.Boolean, none},
		{"-x", pipeline.Number, none},
		{"abs(x)", pipeline.Number, none},
		{"min(y, x)", pipeline.Number, none},
		{"not (x > 1)", pipeline.Boolean, none},
		{"x > 1 ? 1 : 2", pipeline.Number, none},
		{"y > 1 ? 1 : x", pipeline.Number, number(1)},
		{"y > 1 ? x : 1", pipeline.Number, none},
		{"missing(x)", pipeline.Boolean, number(1)},
		{"missing(y)", pipeline.Boolean, number(0)},
		{"missing(home)", pipeline.Boolean, number(1)},
		{"missing(b)", pipeline.Boolean, number(0)},
		{"missing(x > 1)", pipeline.Boolean, number(1)},
		{"missing(nil)", pipeline.Boolean, number(1)},
		{"missing(x) ? 0 : x / 2", pipeline.Number, number(0)},
		{"missing(x) or x > 3", pipeline.Boolean, number(1)},
		{"x > 3 or missing(x)", pipeline.Boolean, none}, // from left to right
		{"b and x > 3", pipeline.Boolean, number(0)},
		{"x > 3 and b", pipeline.Boolean, none},
		{"coalesce(x, 0)", pipeline.Number, number(0)},
		{"coalesce(x, d, y)", pipeline.Number, number(4)},
		{"coalesce(x, d)", pipeline.Number, none},
		{`coalesce(home, "none")`, pipeline.Category, words("none")},
		{`coalesce(home, note)`, pipeline.Category, none},
		{"coalesce(x > 1, true)", pipeline.Boolean, number(1)},
		{"x ?? y", pipeline.Number, number(4)},
		{"nil ?? y", pipeline.Number, number(4)},
		{"n > 0 ? y / n : nil", pipeline.Number, none},
		{"nil", pipeline.Category, none},
		{"b ? nil : nil", pipeline.Integer, none},
		// no finite result
		{"y / n", pipeline.Number, none},
		{"1 / (y / n)", pipeline.Number, none}, // and not 1 / infinity
		{"n / n", pipeline.Number, none},
		{"y % n", pipeline.Number, none},
		{"sqrt(0 - y)", pipeline.Number, none},
		{"log(n)", pipeline.Number, none},
		{"exp(y * 1000)", pipeline.Number, none},
		{"10 ** 300 * 10 ** 300 * 0", pipeline.Number, none},
		{"y / n > 1", pipeline.Boolean, none},
		{"coalesce(y / n, -1)", pipeline.Number, number(-1)},
		// what the type cannot hold
		{"1e99", pipeline.Number, number(1e99)},
		{"10 ** 101", pipeline.Number, none},
		{"round(10 ** 19)", pipeline.Integer, none},
		{"10 ** 15", pipeline.Decimal, none},
	} {
		require.Equal(t, c.want, eval(t, c.text, c.result, given), c.text)
	}
}

func TestInputsThatAreNoNumbersAreMissing(t *testing.T) {
	t.Parallel()
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		require.Equal(t, none, eval(t, "x < 1", pipeline.Boolean, map[string]transform.Value{"x": number(bad)}))
	}
	e, err := expression.Compile("coalesce(x, 0) + y", known, pipeline.Number)
	require.NoError(t, err)
	require.Equal(t, none, e.Eval(nil), "what is not given is missing")
	require.Equal(t, number(3), e.Eval([]transform.Value{none, number(3), number(9)}), "and what is too much is not read")
}

func TestNamesStandInTheOrderOfTheirFirstUse(t *testing.T) {
	t.Parallel()
	e, err := expression.Compile("y + x / y + n", known, pipeline.Number)
	require.NoError(t, err)
	require.Equal(t, []string{"y", "x", "n"}, e.Names())
}

// The place is counted by hand: line and column of the character, from 1.
func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text   string
		result pipeline.ColumnType
		want   string
	}{
		{"", pipeline.Number, "1:1: there is nothing in it; an expression such as loan_amount / annual_income is wanted"},
		{"x +", pipeline.Number, "1:3: unexpected token EOF"},
		{"x +\n  * y", pipeline.Number, "2:3: unexpected token Operator(\"*\")"},
		{"\"ä\" == hom", pipeline.Boolean, `1:8: there is no "hom" here; did you mean "home"?`},
		{"1 + b", pipeline.Number, "1:5: the right side of + is a boolean, and a number is wanted; write it as condition ? 1 : 0"},
		{"home * 2", pipeline.Number, "1:1: the left side of * is a text, and a number is wanted"},
		{`home + "x"`, pipeline.Category, "1:1: the left side of + is a text, and a number is wanted"},
		{`home < "x"`, pipeline.Boolean, "1:1: the left side of < is a text, and a number is wanted"},
		{`x == "6"`, pipeline.Boolean, "1:6: the right side of == is a text, and a number is wanted"},
		{"x == nil", pipeline.Boolean, "1:3: what is compared with nil is missing; ask missing(...)"},
		{"x and b", pipeline.Boolean, "1:1: the left side of and is a number, and a boolean is wanted"},
		{"x ? 1 : 2", pipeline.Number, "1:1: the condition before ? is a number, and a boolean is wanted"},
		{`b ? 1 : "a"`, pipeline.Number, "1:9: this is a text, and the value before it a number; one of them can be the result, so they are alike"},
		{`coalesce(x, "a")`, pipeline.Number, "1:13: this is a text, and the value before it a number; one of them can be the result, so they are alike"},
		{"coalesce(x)", pipeline.Number, "1:1: coalesce takes two values or more, and is given 1"},
		{"missing(x, y)", pipeline.Boolean, "1:1: missing takes one value, and is given 2"},
		{"min(x)", pipeline.Number, "1:1: min takes two numbers or more, and is given 1"},
		{"abs(x, y)", pipeline.Number, "1:1: abs takes one value, and is given 2"},
		{"abs(home)", pipeline.Number, "1:5: what abs is given is a text, and a number is wanted"},
		{"floo(x)", pipeline.Number, `1:1: there is no function "floo"; did you mean "floor"?`},
		{"x > 1", pipeline.Number, "1:3: the value of the expression is a boolean, and a number is wanted; write it as condition ? 1 : 0"},
		{"x", pipeline.Category, "1:1: the value of the expression is a number, and a text is wanted"},
		{"x / y", pipeline.Integer, "1:3: the value of the expression need not be whole, and an integer is wanted; round it, or give the type number"},
		{"n / 2", pipeline.Integer, "1:3: the value of the expression need not be whole, and an integer is wanted; round it, or give the type number"},
		{"coalesce(n, x)", pipeline.Integer, "1:1: the value of the expression need not be whole, and an integer is wanted; round it, or give the type number"},
		{"b ? n : x", pipeline.Integer, "1:9: the value of the expression need not be whole, and an integer is wanted; round it, or give the type number"},
		{"min(n, x)", pipeline.Integer, "1:1: the value of the expression need not be whole, and an integer is wanted; round it, or give the type number"},
		{"n * 1.5", pipeline.Integer, "1:3: the value of the expression need not be whole, and an integer is wanted; round it, or give the type number"},
		{"x", pipeline.Day, `1:1: an expression gives a number, an integer, a decimal, a boolean or a category, not "date"`},
		{"day == 1", pipeline.Boolean, `1:1: "day" is a date, which expressions do not read`},
		{"x in y", pipeline.Boolean, `1:3: in wants a list of 1 to 100 values on its right side, as in home in ["own", "rent"]`},
		{"x in []", pipeline.Boolean, `1:3: in wants a list of 1 to 100 values on its right side, as in home in ["own", "rent"]`},
		{"x in [y]", pipeline.Boolean, "1:7: a list has numbers or texts, and nothing that is computed"},
		{`x in [1, "a"]`, pipeline.Boolean, "1:6: a list has numbers or texts, not both"},
		{`home in [1]`, pipeline.Boolean, "1:1: the left side of in is a text, and a number is wanted"},
		{"x matches y", pipeline.Boolean, "1:3: matches is no operator of the language; + - * / % ** == != < <= > >= in and or not are"},
		{"[1, 2]", pipeline.Number, `1:1: a list stands on the right side of in alone, as in home in ["own", "rent"]`},
	} {
		_, err := expression.Compile(c.text, known, c.result)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), c.text)
		require.EqualError(t, err, c.want, c.text)
	}
}

// Nothing of expr's own language that loops, grows, looks outside or differs from one evaluation to the next is a part of this one.
func TestWhatIsNotBoundedOrNotTheSameTwiceIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"now()", "date(\"2026-01-01\")", "duration(\"1h\")", "now().Unix()", "env", "$env", "$env.x", "x.y", "x[0]", "home[0:1]", "home?.a",
		"1..100000000", "all(1..9, # > 1)", "map([1], # * 2)", "filter([1], true)", "count([true])", "sum([1, 2])", "reduce(1..9, # + #acc)", "sortBy([1], #)",
		"repeat(home, 1000000)", "home + home", "join([\"a\"], home)", "concat([1], [2])", "upper(home)", "toJSON(x)", "fromJSON(home)", "string(x)", "int(x)",
		"let a = 1; a + x", "x; y", "{\"a\": 1}", "b\"x\"", "home matches \"(a+)+$\"", "bitand(1, 2)", "get(x, 1)", "type(x)", "random()", "::abs(x)(1)", "(x)(y)", "# + 1", "x => y",
	} {
		for _, result := range []pipeline.ColumnType{pipeline.Number, pipeline.Boolean, pipeline.Category} {
			_, err := expression.Compile(text, known, result)
			require.Equal(t, fault.Invalid, fault.CodeOf(err), text)
		}
		_, err := expression.Check(text, nil, pipeline.Number)
		if text != "home + home" && text != "env" && text != "$env" { // names whose types are not known can be numbers
			require.Equal(t, fault.Invalid, fault.CodeOf(err), text)
		}
	}
}

func TestSizeIsBounded(t *testing.T) {
	t.Parallel()
	_, err := expression.Compile("x"+strings.Repeat("+x", 1000), known, pipeline.Number)
	require.EqualError(t, err, "1:1: it has 2001 bytes; at most 2000 are wanted")
	_, err = expression.Compile("x"+strings.Repeat("+x", 300), known, pipeline.Number)
	require.ErrorContains(t, err, "it is made of more than 500 parts; split it into several expressions")
	_, err = expression.Compile(strings.Repeat("(", 990)+"x"+strings.Repeat(")", 990), known, pipeline.Number)
	require.NoError(t, err)
	// The parser uses the middle of a < b < c twice: what it nests would double with every level.
	nested := "1"
	for range 100 {
		nested = "(1<" + nested + "<1?1:0)"
	}
	_, err = expression.Compile(nested, known, pipeline.Number)
	require.ErrorContains(t, err, "it is made of more than 500 parts")
	_, err = expression.Compile("x in ["+strings.Repeat("1,", 101)+"1]", known, pipeline.Boolean)
	require.ErrorContains(t, err, "a list of 1 to 100 values")
}

// Before a pipeline's spec is there, the types of request fields are not known: what can be wrong without them is still told.
func TestCheckKnowsSomeNames(t *testing.T) {
	t.Parallel()
	features := map[string]pipeline.ColumnType{"score": pipeline.Integer, "home": pipeline.Category}
	names, err := expression.Check(`score / loan_amount > 2 and purpose == "car" or flag or a == c`, features, pipeline.Boolean)
	require.NoError(t, err)
	require.Equal(t, []string{"score", "loan_amount", "purpose", "flag", "a", "c"}, names)
	for text, want := range map[string]string{
		"home / loan_amount":      "1:1: the left side of / is a text, and a number is wanted",
		"loan_amount == 1":        "1:13: the value of the expression is a boolean, and a number is wanted; write it as condition ? 1 : 0",
		"purpose ? home : score":  "1:18: this is a number, and the value before it a text; one of them can be the result, so they are alike",
		"coalesce(u, home, score": "1:23: unexpected token EOF",
	} {
		_, err := expression.Check(text, features, pipeline.Number)
		require.EqualError(t, err, want)
	}
	for _, text := range []string{"coalesce(purpose, home)", "flag ? purpose : home", "missing(a) ? b : c", "a ?? nil"} {
		_, err := expression.Check(text, features, pipeline.Category)
		require.NoError(t, err, text)
	}
}

func TestManyMayEvaluateAtOnce(t *testing.T) {
	t.Parallel()
	e, err := expression.Compile("x > 50 ? x / y : coalesce(y, 0) + x", known, pipeline.Number)
	require.NoError(t, err)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for k := range 1000 {
				x := float64(i*1000+k) + 51
				if got := e.Eval([]transform.Value{number(x), number(2)}); got != number(x/2) {
					t.Errorf("%v / 2 is %v", x, got)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestEvaluationAllocatesNothing(t *testing.T) {
	e, err := expression.Compile(`home in ["own", "rent"] ? coalesce(x, 0) / y * 12 : max(x, y, 1)`, known, pipeline.Number)
	require.NoError(t, err)
	row := []transform.Value{words("rent"), number(3), number(4)}
	require.Zero(t, testing.AllocsPerRun(100, func() { e.Eval(row) }))
}

func BenchmarkEval(b *testing.B) {
	for name, c := range map[string]struct {
		text string
		row  []transform.Value
	}{
		"ratio":       {"x / n / y * 12", []transform.Value{number(12000), number(36), number(54000)}},
		"conditional": {`home in ["own", "mortgage"] and x > 0 ? coalesce(y, 0) / x : nil`, []transform.Value{words("own"), number(5), none}},
	} {
		b.Run(name, func(b *testing.B) {
			e, err := expression.Compile(c.text, known, pipeline.Number)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				e.Eval(c.row)
			}
		})
	}
}
