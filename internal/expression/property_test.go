package expression_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/expression"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// written generates the text of an expression of a kind: number or boolean.
func written(kind string, depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if depth == 0 {
			if kind == "boolean" {
				return rapid.SampledFrom([]string{"true", "false", "b"}).Draw(t, "leaf")
			}
			return rapid.SampledFrom([]string{"x", "y", "2.0", "0.5", "1e3", "0.0"}).Draw(t, "leaf")
		}
		part := func(kind string) string { return "(" + written(kind, depth-1).Draw(t, "part") + ")" }
		if kind == "boolean" {
			switch rapid.IntRange(0, 4).Draw(t, "form") {
			case 0:
				return part("boolean") + rapid.SampledFrom([]string{" and ", " or ", "==", "!="}).Draw(t, "op") + part("boolean")
			case 1:
				return "not " + part("boolean")
			case 2:
				return part("number") + " in [2.0, 0.5]"
			}
			return part("number") + rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "op") + part("number")
		}
		switch rapid.IntRange(0, 4).Draw(t, "form") {
		case 0:
			return "-" + part("number")
		case 1:
			return rapid.SampledFrom([]string{"abs", "ceil", "floor", "round"}).Draw(t, "function") + part("number")
		case 2:
			return part("boolean") + " ? " + part("number") + " : " + part("number")
		case 3:
			return rapid.SampledFrom([]string{"min", "max"}).Draw(t, "function") + "(" + part("number") + ", " + part("number") + ")"
		}
		return part("number") + rapid.SampledFrom([]string{"+", "-", "*", "/"}).Draw(t, "op") + part("number")
	})
}

// Where nothing is missing and nothing is infinite on the way, an expression is what expr itself makes of it, bit for bit.
func TestAgreesWithExprWhereNothingIsMissing(t *testing.T) {
	t.Parallel()
	compared := 0
	rapid.Check(t, func(r *rapid.T) {
		text := written("number", rapid.IntRange(0, 4).Draw(r, "depth")).Draw(r, "text")
		given := map[string]float64{
			"x": rapid.Float64Range(-100, 100).Draw(r, "x"), "y": rapid.SampledFrom([]float64{-2, -0.5, 0, 0.5, 1, 3}).Draw(r, "y"), "b": float64(rapid.IntRange(0, 1).Draw(r, "b")),
		}
		e, err := expression.Compile(text, known, pipeline.Number)
		if err != nil && strings.Contains(err.Error(), "parts") {
			return
		}
		require.NoError(r, err, text)
		row := make([]transform.Value, 0, 3)
		for _, name := range e.Names() {
			row = append(row, number(given[name]))
		}
		got := e.Eval(row)
		require.Equal(r, got, e.Eval(row), "the same values give the same")
		if got.Missing {
			return
		}
		want, err := expr.Eval(text, map[string]any{"x": given["x"], "y": given["y"], "b": given["b"] == 1})
		require.NoError(r, err, text)
		require.Equal(r, math.Float64bits(want.(float64)+0), math.Float64bits(got.Number), "%s of %v", text, given)
		compared++
	})
	require.Greater(t, compared, 10, "most random expressions have a value")
}

// What is missing changes nothing where it is not looked at, and makes all else missing: never another number.
func TestAMissingInputNeverMakesAnotherNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		text := written("number", rapid.IntRange(0, 4).Draw(r, "depth")).Draw(r, "text")
		e, err := expression.Compile(text, known, pipeline.Number)
		if err != nil {
			return
		}
		full, holed := []transform.Value{}, []transform.Value{}
		for range e.Names() {
			value := number(rapid.Float64Range(-10, 10).Draw(r, "value"))
			full = append(full, value)
			if rapid.Bool().Draw(r, "missing") {
				value = none
			}
			holed = append(holed, value)
		}
		if got := e.Eval(holed); !got.Missing {
			require.Equal(r, e.Eval(full), got, text)
		}
	})
}

// What expr's own machine takes for the ratio of BenchmarkEval, to compare.
func BenchmarkExprItself(b *testing.B) {
	values := map[string]any{"x": 12000.0, "n": 36.0, "y": 54000.0}
	program, err := expr.Compile("x / n / y * 12", expr.Env(values))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := expr.Run(program, values); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"x / y * 12", `home in ["own"] ? coalesce(x, 0) : nil`, "1 < x < 3", "missing(x) or not b", "x ?? y | max(3)", "if b { x } else { y }", "((((x))))", "-+-x", "x ?: y",
		"map(1..9, #)", "let a = x; a", "\"ä\" == home", "1_000e-3 + 0x1F", "x // c", "/* */ x", "a.b?.c[1:2]", "{}", "[", "not not b", "x not in [1]", "x | abs()",
	} {
		f.Add(seed, 1.0, false)
	}
	f.Fuzz(func(t *testing.T, text string, x float64, gone bool) {
		for _, result := range []pipeline.ColumnType{pipeline.Number, pipeline.Integer, pipeline.Decimal, pipeline.Boolean, pipeline.Category} {
			e, err := expression.Compile(text, known, result)
			if err != nil {
				var line, column int
				if _, scan := fmt.Sscanf(err.Error(), "%d:%d: ", &line, &column); scan != nil || line < 1 || column < 1 {
					t.Fatalf("%q has no place", err)
				}
				continue
			}
			if _, err := expression.Check(text, nil, result); err != nil && !strings.Contains(err.Error(), "alike") {
				t.Fatalf("with names whose types are known it is right, without them: %s", err)
			}
			row := make([]transform.Value, len(e.Names()))
			for i := range row {
				row[i] = transform.Value{Number: x, Text: text, Missing: gone && i%2 == 0}
			}
			got := e.Eval(row)
			if again := e.Eval(row); again != got {
				t.Fatalf("%v, then %v", got, again)
			}
			if !got.Missing && result != pipeline.Category && !pipeline.Holds(result, got.Number) {
				t.Fatalf("%v is no %s", got.Number, result)
			}
		}
	})
}
