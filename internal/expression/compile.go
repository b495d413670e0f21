package expression

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// kind is what a part of an expression gives.
type kind string

const (
	number  kind = "number"
	boolean kind = "boolean"
	text    kind = "text"
	null    kind = "nil"     // missing, whatever is wanted
	unknown kind = "unknown" // a name whose type is not known yet
)

// node computes a part of an expression. Its kind says which of the functions it has; they return false for a missing value. One of the kinds null and
// unknown has all of them.
type node struct {
	kind   kind
	whole  bool // its numbers are whole
	number func([]transform.Value) (float64, bool)
	truth  func([]transform.Value) (bool, bool)
	text   func([]transform.Value) (string, bool)
}

type compiler struct {
	source string
	types  map[string]pipeline.ColumnType
	loose  bool // names that types does not list are unknown
	names  []string
	nodes  int
}

func compile(source string, types map[string]pipeline.ColumnType, result pipeline.ColumnType, loose bool) (*Expression, error) {
	tree, err := parse(source)
	if err != nil {
		return nil, err
	}
	c := &compiler{source: source, types: types, loose: loose}
	root, err := c.node(tree)
	if err != nil {
		return nil, err
	}
	if root, err = c.resulting(tree, root, result); err != nil {
		return nil, err
	}
	return &Expression{names: c.names, result: result, root: root}, nil
}

// resulting holds what the expression gives against the type of its result.
func (c *compiler) resulting(at ast.Node, n node, result pipeline.ColumnType) (node, error) {
	var want kind
	switch {
	case result == pipeline.Boolean:
		want = boolean
	case result == pipeline.Category:
		want = text
	case result.Quantity():
		want = number
	default:
		return node{}, fault.New(fault.Invalid, "1:1: an expression gives a number, an integer, a decimal, a boolean or a category, not %q", result)
	}
	n, err := c.as(at, n, want, "the value of the expression")
	if err != nil {
		return node{}, err
	}
	if result == pipeline.Integer && !n.whole {
		return node{}, c.wrong(at, "the value of the expression need not be whole, and an integer is wanted; round it, or give the type number")
	}
	return n, nil
}

func (c *compiler) wrong(at ast.Node, format string, args ...any) error {
	return fault.New(fault.Invalid, "%s: %s", place(c.source, at.Location().From), fmt.Sprintf(format, args...))
}

// as is a node that gives the kind, or why it does not.
func (c *compiler) as(at ast.Node, n node, want kind, what string) (node, error) {
	switch {
	case n.kind == want:
		return n, nil
	case n.kind == null || n.kind == unknown:
		n.kind, n.whole = want, true
		return n, nil
	case want == number && n.kind == boolean:
		return node{}, c.wrong(at, "%s is a boolean, and a number is wanted; write it as condition ? 1 : 0", what)
	}
	return node{}, c.wrong(at, "%s is a %s, and a %s is wanted", what, n.kind, want)
}

// node compiles a part. A part that the parser uses twice (a < b < c) counts twice.
func (c *compiler) node(n ast.Node) (node, error) {
	if c.nodes++; c.nodes > maxNodes {
		return node{}, c.wrong(n, "it is made of more than %d parts; split it into several expressions", maxNodes)
	}
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return c.name(n)
	case *ast.IntegerNode:
		return constant(float64(n.Value)), nil
	case *ast.FloatNode:
		return constant(n.Value), nil
	case *ast.BoolNode:
		return node{kind: boolean, truth: func([]transform.Value) (bool, bool) { return n.Value, true }}, nil
	case *ast.StringNode:
		return node{kind: text, text: func([]transform.Value) (string, bool) { return n.Value, true }}, nil
	case *ast.NilNode:
		return nothing, nil
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.ConditionalNode:
		return c.conditional(n)
	case *ast.BuiltinNode:
		return c.call(n, n.Name, n.Arguments)
	case *ast.CallNode:
		if callee, named := n.Callee.(*ast.IdentifierNode); named {
			return c.call(n, callee.Value, n.Arguments)
		}
	case *ast.ArrayNode:
		return node{}, c.wrong(n, `a list stands on the right side of in alone, as in home in ["own", "rent"]`)
	}
	return node{}, c.wrong(n, "this is no part of the language: numbers, texts, names, arithmetic, comparisons, and, or, not, ?:, ??, in and the functions %s are", strings.Join(functionNames(), ", "))
}

func constant(value float64) node {
	return node{kind: number, whole: value == math.Trunc(value), number: func([]transform.Value) (float64, bool) { return value, true }}
}

// nothing is nil.
var nothing = node{
	kind: null, whole: true,
	number: func([]transform.Value) (float64, bool) { return 0, false },
	truth:  func([]transform.Value) (bool, bool) { return false, false },
	text:   func([]transform.Value) (string, bool) { return "", false },
}

// name compiles the reading of a value.
func (c *compiler) name(n *ast.IdentifierNode) (node, error) {
	of, known := c.types[n.Value]
	if !known && !c.loose {
		return node{}, c.wrong(n, "there is no %q here; %s", n.Value, pipeline.Suggestion(n.Value, slices.Sorted(maps.Keys(c.types))))
	}
	i := slices.Index(c.names, n.Value)
	if i < 0 {
		i, c.names = len(c.names), append(c.names, n.Value)
	}
	read := node{number: numberAt(i), truth: truthAt(i), text: textAt(i)}
	switch {
	case !known:
		read.kind, read.whole = unknown, true
	case of == pipeline.Boolean:
		read.kind = boolean
	case of.Quantity():
		read.kind, read.whole = number, of == pipeline.Integer
	case of == pipeline.Category || of == pipeline.Text:
		read.kind = text
	default:
		return node{}, c.wrong(n, "%q is %s, which expressions do not read", n.Value, of.Noun())
	}
	return read, nil
}

func numberAt(i int) func([]transform.Value) (float64, bool) {
	return func(values []transform.Value) (float64, bool) {
		if i >= len(values) || values[i].Missing {
			return 0, false
		}
		return finite(values[i].Number)
	}
}

func truthAt(i int) func([]transform.Value) (bool, bool) {
	return func(values []transform.Value) (bool, bool) {
		if i >= len(values) || values[i].Missing {
			return false, false
		}
		return values[i].Number != 0, true
	}
}

func textAt(i int) func([]transform.Value) (string, bool) {
	return func(values []transform.Value) (string, bool) {
		if i >= len(values) || values[i].Missing {
			return "", false
		}
		return values[i].Text, true
	}
}

// finite is a number, missing where it is none or infinite.
func finite(number float64) (float64, bool) { return number, number-number == 0 }
