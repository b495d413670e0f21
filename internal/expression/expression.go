// Package expression computes features from request fields and other features, such as loan_amount / annual_income.
//
// An expression is a text of numbers (12, 0.5), texts ("own"), true, false, names and:
//
//	a + b, - * / % **       arithmetic; / is that of decimals, % has the sign of its left side
//	== != < <= > >=         comparisons: of order between numbers alone
//	in ["a", "b"], not in   whether a value is one of a list
//	and or not && || !      from left to right: what decides is not looked beyond
//	c ? a : b               a where c is true, else b; the other one is not looked at
//	a ?? b, coalesce(a, b)  the first that is not missing
//	missing(a)              whether it is
//	nil                     a missing value, as in b > 0 ? a / b : nil
//	abs ceil floor round sqrt exp log min max
//
// What meets a missing value is missing, unless coalesce, ?? or missing handle it. Arithmetic that has no finite result (a division by zero, the root of
// a negative number) is missing as well. Numbers are float64; the same values give the same bits. There are no loops, no clock, no chance and nothing of
// the outside: an evaluation takes a time that is bounded by the length of the text, and makes nothing.
package expression

import (
	"math"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Expression is a compiled text. Many goroutines may evaluate it at once.
type Expression struct {
	names  []string
	result pipeline.ColumnType
	root   node
}

// Compile reads an expression whose value has the type, over names of these types. What is wrong with it is fault.Invalid, whose text begins with
// line:column within the expression.
func Compile(text string, names map[string]pipeline.ColumnType, result pipeline.ColumnType) (*Expression, error) {
	return compile(text, names, result, false)
}

// Check is Compile for those who do not know every name yet: what names does not list can be of any type. It returns the names that the expression
// reads, in the order in which they stand first.
func Check(text string, names map[string]pipeline.ColumnType, result pipeline.ColumnType) ([]string, error) {
	e, err := compile(text, names, result, true)
	if err != nil {
		return nil, err
	}
	return e.names, nil
}

// Names are those that the expression reads, in the order in which they stand first.
func (e *Expression) Names() []string { return e.names }

// Eval computes the value for values in the order of Names; what is not given is missing. The value is one of the result's type, or missing: decimals
// are rounded to their four places, half away from zero.
func (e *Expression) Eval(values []transform.Value) transform.Value {
	switch e.root.kind {
	case boolean:
		truth, ok := e.root.truth(values)
		if !ok {
			return missing
		}
		return transform.Value{Number: oneOf(truth)}
	case text:
		value, ok := e.root.text(values)
		if !ok {
			return missing
		}
		return transform.Value{Text: value}
	}
	number, ok := e.root.number(values)
	if ok && e.result == pipeline.Decimal {
		number = places(number)
	}
	if !ok || !pipeline.Holds(e.result, number) {
		return missing
	}
	return transform.Value{Number: number + 0} // no negative zero
}

var missing = transform.Value{Missing: true}

// places rounds to those of a decimal.
func places(number float64) float64 {
	scale := math.Pow10(pipeline.DecimalPlaces)
	return math.Round(number*scale) / scale
}

func oneOf(truth bool) float64 {
	if truth {
		return 1
	}
	return 0
}
