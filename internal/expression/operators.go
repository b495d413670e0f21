package expression

import (
	"math"
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/loanops/loanops/internal/transform"
)

func (c *compiler) unary(n *ast.UnaryNode) (node, error) {
	of, err := c.node(n.Node)
	if err != nil {
		return node{}, err
	}
	if n.Operator == "not" || n.Operator == "!" {
		of, err = c.as(n.Node, of, boolean, "what "+n.Operator+" stands before")
		if err != nil {
			return node{}, err
		}
		truth := of.truth
		return node{kind: boolean, truth: func(v []transform.Value) (bool, bool) {
			is, ok := truth(v)
			return !is, ok
		}}, nil
	}
	of, err = c.as(n.Node, of, number, "what "+n.Operator+" stands before")
	if err != nil || n.Operator == "+" {
		return of, err
	}
	value := of.number
	return node{kind: number, whole: of.whole, number: func(v []transform.Value) (float64, bool) {
		x, ok := value(v)
		return -x, ok
	}}, nil
}

// arithmetic are the operations on two numbers, and whether they make whole numbers of whole ones.
var arithmetic = map[string]struct {
	of    func(a, b float64) float64
	whole bool
}{
	"+":  {func(a, b float64) float64 { return a + b }, true},
	"-":  {func(a, b float64) float64 { return a - b }, true},
	"*":  {func(a, b float64) float64 { return a * b }, true},
	"/":  {func(a, b float64) float64 { return a / b }, false},
	"%":  {math.Mod, true},
	"**": {math.Pow, false},
	"^":  {math.Pow, false},
}

// orders are the comparisons that numbers alone have.
var orders = map[string]func(a, b float64) bool{
	"<":  func(a, b float64) bool { return a < b },
	"<=": func(a, b float64) bool { return a <= b },
	">":  func(a, b float64) bool { return a > b },
	">=": func(a, b float64) bool { return a >= b },
}

func (c *compiler) binary(n *ast.BinaryNode) (node, error) {
	switch n.Operator {
	case "in":
		return c.in(n)
	case "??":
		return c.coalesce(n, []ast.Node{n.Left, n.Right})
	}
	left, err := c.node(n.Left)
	if err != nil {
		return node{}, err
	}
	right, err := c.node(n.Right)
	if err != nil {
		return node{}, err
	}
	switch op, computes := arithmetic[n.Operator]; {
	case computes:
		a, b, err := c.both(n, left, right, number)
		if err != nil {
			return node{}, err
		}
		return node{kind: number, whole: op.whole && a.whole && b.whole, number: computed(a.number, b.number, op.of)}, nil
	case orders[n.Operator] != nil:
		a, b, err := c.both(n, left, right, number)
		if err != nil {
			return node{}, err
		}
		return node{kind: boolean, truth: compared(a.number, b.number, orders[n.Operator])}, nil
	}
	switch n.Operator {
	case "and", "&&", "or", "||":
		a, b, err := c.both(n, left, right, boolean)
		if err != nil {
			return node{}, err
		}
		return node{kind: boolean, truth: decided(a.truth, b.truth, n.Operator == "or" || n.Operator == "||")}, nil
	case "==", "!=":
		return c.equal(n, left, right)
	}
	return node{}, c.wrong(n, "%s is no operator of the language; + - * / %% ** == != < <= > >= in and or not are", n.Operator)
}

// both are the sides of an operator as the kind.
func (c *compiler) both(n *ast.BinaryNode, left, right node, want kind) (a, b node, err error) {
	if a, err = c.as(n.Left, left, want, "the left side of "+n.Operator); err != nil {
		return a, b, err
	}
	b, err = c.as(n.Right, right, want, "the right side of "+n.Operator)
	return a, b, err
}

func (c *compiler) equal(n *ast.BinaryNode, left, right node) (node, error) {
	if left.kind == null || right.kind == null {
		return node{}, c.wrong(n, "what is compared with nil is missing; ask missing(...)")
	}
	want := left.kind
	if want == unknown {
		want = right.kind
	}
	if want == unknown {
		want = number // both are, and nothing is evaluated
	}
	a, b, err := c.both(n, left, right, want)
	if err != nil {
		return node{}, err
	}
	is := n.Operator == "=="
	switch want {
	case boolean:
		return node{kind: boolean, truth: compared(a.truth, b.truth, func(a, b bool) bool { return (a == b) == is })}, nil
	case text:
		return node{kind: boolean, truth: compared(a.text, b.text, func(a, b string) bool { return (a == b) == is })}, nil
	}
	return node{kind: boolean, truth: compared(a.number, b.number, func(a, b float64) bool { return (a == b) == is })}, nil
}

func computed(a, b func([]transform.Value) (float64, bool), of func(a, b float64) float64) func([]transform.Value) (float64, bool) {
	return func(v []transform.Value) (float64, bool) {
		x, ok := a(v)
		if !ok {
			return 0, false
		}
		y, ok := b(v)
		if !ok {
			return 0, false
		}
		return finite(of(x, y))
	}
}

func compared[T any](a, b func([]transform.Value) (T, bool), of func(a, b T) bool) func([]transform.Value) (bool, bool) {
	return func(v []transform.Value) (bool, bool) {
		x, ok := a(v)
		if !ok {
			return false, false
		}
		y, ok := b(v)
		if !ok {
			return false, false
		}
		return of(x, y), true
	}
}

// decided is and, or or where by is true: the left side decides where it is by.
func decided(a, b func([]transform.Value) (bool, bool), by bool) func([]transform.Value) (bool, bool) {
	return func(v []transform.Value) (bool, bool) {
		if x, ok := a(v); !ok || x == by {
			return x, ok
		}
		return b(v)
	}
}

// in compiles whether a value is one of a list.
func (c *compiler) in(n *ast.BinaryNode) (node, error) {
	list, is := n.Right.(*ast.ArrayNode)
	if !is || len(list.Nodes) == 0 || len(list.Nodes) > maxList {
		return node{}, c.wrong(n, `in wants a list of 1 to %d values on its right side, as in home in ["own", "rent"]`, maxList)
	}
	left, err := c.node(n.Left)
	if err != nil {
		return node{}, err
	}
	var numbers []float64
	var texts []string
	for _, item := range list.Nodes {
		switch item := item.(type) {
		case *ast.StringNode:
			texts = append(texts, item.Value)
		case *ast.IntegerNode:
			numbers = append(numbers, float64(item.Value))
		case *ast.FloatNode:
			numbers = append(numbers, item.Value)
		default:
			return node{}, c.wrong(item, "a list has numbers or texts, and nothing that is computed")
		}
	}
	switch {
	case len(numbers) > 0 && len(texts) > 0:
		return node{}, c.wrong(list, "a list has numbers or texts, not both")
	case len(texts) > 0:
		of, err := c.as(n.Left, left, text, "the left side of in")
		if err != nil {
			return node{}, err
		}
		return node{kind: boolean, truth: contained(of.text, texts)}, nil
	}
	of, err := c.as(n.Left, left, number, "the left side of in")
	if err != nil {
		return node{}, err
	}
	return node{kind: boolean, truth: contained(of.number, numbers)}, nil
}

func contained[T comparable](value func([]transform.Value) (T, bool), list []T) func([]transform.Value) (bool, bool) {
	return func(v []transform.Value) (bool, bool) {
		x, ok := value(v)
		return ok && slices.Contains(list, x), ok
	}
}

func (c *compiler) conditional(n *ast.ConditionalNode) (node, error) {
	condition, err := c.node(n.Cond)
	if err != nil {
		return node{}, err
	}
	if condition, err = c.as(n.Cond, condition, boolean, "the condition before ?"); err != nil {
		return node{}, err
	}
	of, err := c.alike(n, []ast.Node{n.Exp1, n.Exp2})
	if err != nil {
		return node{}, err
	}
	then, otherwise, truth := of[0], of[1], condition.truth
	chosen := node{kind: then.kind, whole: then.whole && otherwise.whole}
	chosen.number = chosenOf(truth, then.number, otherwise.number)
	chosen.truth = chosenOf(truth, then.truth, otherwise.truth)
	chosen.text = chosenOf(truth, then.text, otherwise.text)
	return chosen, nil
}

// chosenOf is one of two by a condition; nil where these have no such value.
func chosenOf[T any](truth func([]transform.Value) (bool, bool), then, otherwise func([]transform.Value) (T, bool)) func([]transform.Value) (T, bool) {
	if then == nil || otherwise == nil {
		return nil
	}
	return func(v []transform.Value) (T, bool) {
		switch is, ok := truth(v); {
		case !ok:
			var none T
			return none, false
		case is:
			return then(v)
		}
		return otherwise(v)
	}
}
