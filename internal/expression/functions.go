package expression

import (
	"maps"
	"math"
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// ofOne are the functions of one number, and whether what they give is whole; abs is where its number is.
var ofOne = map[string]struct {
	of    func(float64) float64
	whole bool
}{
	"abs": {math.Abs, false}, "ceil": {math.Ceil, true}, "floor": {math.Floor, true}, "round": {math.Round, true},
	"sqrt": {math.Sqrt, false}, "exp": {math.Exp, false}, "log": {math.Log, false},
}

// ofMany are those of two numbers and more.
var ofMany = map[string]func(a, b float64) float64{"min": math.Min, "max": math.Max}

func functionNames() []string {
	names := append(slices.Collect(maps.Keys(ofOne)), slices.Collect(maps.Keys(ofMany))...)
	return slices.Sorted(slices.Values(append(names, "missing", "coalesce")))
}

func (c *compiler) call(n ast.Node, name string, arguments []ast.Node) (node, error) {
	switch {
	case name == "missing":
		return c.isMissing(n, arguments)
	case name == "coalesce":
		return c.coalesce(n, arguments)
	case ofMany[name] != nil:
		return c.most(n, name, arguments)
	}
	function, known := ofOne[name]
	if !known {
		return node{}, c.wrong(n, "there is no function %q; %s", name, pipeline.Suggestion(name, functionNames()))
	}
	if len(arguments) != 1 {
		return node{}, c.wrong(n, "%s takes one value, and is given %d", name, len(arguments))
	}
	of, err := c.numbers(name, arguments)
	if err != nil {
		return node{}, err
	}
	value := of[0].number
	return node{kind: number, whole: function.whole || name == "abs" && of[0].whole, number: func(v []transform.Value) (float64, bool) {
		x, ok := value(v)
		if !ok {
			return 0, false
		}
		return finite(function.of(x))
	}}, nil
}

// numbers compiles arguments that are numbers.
func (c *compiler) numbers(name string, arguments []ast.Node) ([]node, error) {
	compiled := make([]node, len(arguments))
	for i, argument := range arguments {
		of, err := c.node(argument)
		if err != nil {
			return nil, err
		}
		if compiled[i], err = c.as(argument, of, number, "what "+name+" is given"); err != nil {
			return nil, err
		}
	}
	return compiled, nil
}

func (c *compiler) most(n ast.Node, name string, arguments []ast.Node) (node, error) {
	if len(arguments) < 2 {
		return node{}, c.wrong(n, "%s takes two numbers or more, and is given %d", name, len(arguments))
	}
	of, err := c.numbers(name, arguments)
	if err != nil {
		return node{}, err
	}
	most := of[0]
	for _, next := range of[1:] {
		most = node{kind: number, whole: most.whole && next.whole, number: computed(most.number, next.number, ofMany[name])}
	}
	return most, nil
}

func (c *compiler) isMissing(n ast.Node, arguments []ast.Node) (node, error) {
	if len(arguments) != 1 {
		return node{}, c.wrong(n, "missing takes one value, and is given %d", len(arguments))
	}
	of, err := c.node(arguments[0])
	if err != nil {
		return node{}, err
	}
	is := func(v []transform.Value) (bool, bool) { _, ok := of.number(v); return !ok, true }
	switch of.kind {
	case boolean:
		is = func(v []transform.Value) (bool, bool) { _, ok := of.truth(v); return !ok, true }
	case text:
		is = func(v []transform.Value) (bool, bool) { _, ok := of.text(v); return !ok, true }
	}
	return node{kind: boolean, truth: is}, nil
}

func (c *compiler) coalesce(n ast.Node, arguments []ast.Node) (node, error) {
	if len(arguments) < 2 {
		return node{}, c.wrong(n, "coalesce takes two values or more, and is given %d", len(arguments))
	}
	of, err := c.alike(n, arguments)
	if err != nil {
		return node{}, err
	}
	first := of[len(of)-1]
	for i := len(of) - 2; i >= 0; i-- {
		first = node{
			kind: first.kind, whole: first.whole && of[i].whole,
			number: firstOf(of[i].number, first.number), truth: firstOf(of[i].truth, first.truth), text: firstOf(of[i].text, first.text),
		}
	}
	return first, nil
}

// firstOf is the first of two that is not missing; nil where these have no such value.
func firstOf[T any](a, b func([]transform.Value) (T, bool)) func([]transform.Value) (T, bool) {
	if a == nil || b == nil {
		return nil
	}
	return func(v []transform.Value) (T, bool) {
		if x, ok := a(v); ok {
			return x, true
		}
		return b(v)
	}
}

// alike compiles parts that are of one kind, that of the first whose kind is known.
func (c *compiler) alike(n ast.Node, parts []ast.Node) ([]node, error) {
	compiled, want := make([]node, len(parts)), null
	for i, part := range parts {
		of, err := c.node(part)
		if err != nil {
			return nil, err
		}
		compiled[i] = of
		if want == null || want == unknown && of.kind != null {
			want = of.kind
		}
	}
	if want == null || want == unknown {
		return compiled, nil
	}
	for i, part := range parts {
		if compiled[i].kind != want && compiled[i].kind != null && compiled[i].kind != unknown {
			return nil, c.wrong(part, "this is a %s, and the value before it a %s; one of them can be the result, so they are alike", compiled[i].kind, want)
		}
		compiled[i].kind = want
	}
	return compiled, nil
}
