package pipeline

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// checker holds a YAML tree against the Spec type and remembers where every value stands, so that the rules, which look at
// values, can still name a line and column.
type checker struct {
	what     string // the document, in texts
	mistakes []mistake
	at       map[string]token.Position // path such as columns[2].min
}

func newChecker(what string) *checker { return &checker{what: what, at: map[string]token.Position{}} }

// wrong notes a mistake at a position.
func (c *checker) wrong(at token.Position, format string, args ...any) {
	c.mistakes = append(c.mistakes, mistake{line: at.Line, column: at.Column, text: fmt.Sprintf(format, args...)})
}

// wrongAt notes a mistake at the value of path, or at the nearest enclosing one that the file has.
func (c *checker) wrongAt(path, format string, args ...any) {
	c.wrong(c.position(path), format, args...)
}

// position is where the value of path stands, or the nearest enclosing one that the file has.
func (c *checker) position(path string) token.Position {
	for {
		if at, ok := c.at[path]; ok {
			return at
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return token.Position{Line: 1, Column: 1}
		}
		path = path[:cut]
	}
}

// node checks that a node can become a value of the type.
func (c *checker) node(n ast.Node, want reflect.Type, path string) {
	if want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	at := position(n)
	if path != "" {
		c.at[path] = at
	}
	switch {
	case want == reflect.TypeFor[Date]():
		text, ok := n.(*ast.StringNode)
		if !ok {
			c.wrong(at, "%s is %s; a day such as 2026-06-30 is wanted", path, kindOf(n))
		} else if _, err := time.Parse(DateLayout, text.Value); err != nil {
			c.wrong(at, "%s is %q; a day such as 2026-06-30 is wanted", path, clip(text.Value))
		}
	case reflect.PointerTo(want).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		c.readable(n, want, path)
	case want.Kind() == reflect.Interface:
		c.free(n, path)
	case want == reflect.TypeFor[Names]():
		if _, list := n.(*ast.SequenceNode); !list {
			c.scalar(n, reflect.TypeFor[string](), path)
			return
		}
		c.list(n, reflect.TypeFor[string](), path)
	case want.Kind() == reflect.Struct:
		c.mapping(n, want, path)
	case want.Kind() == reflect.Map:
		c.entries(n, want, path)
	case want.Kind() == reflect.Slice:
		c.list(n, want.Elem(), path)
	default:
		c.scalar(n, want, path)
	}
}

// readable checks a text of which a type makes itself: its error says what is wanted.
func (c *checker) readable(n ast.Node, want reflect.Type, path string) {
	switch n.Type() {
	case ast.StringType, ast.IntegerType, ast.FloatType:
	default:
		c.wrong(position(n), "%s is %s; a text is wanted", path, kindOf(n))
		return
	}
	written := n.GetToken().Value
	if err := reflect.New(want).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(written)); err != nil {
		c.wrong(position(n), "%s is %q; %s", path, clip(written), err)
	}
}

// free checks a value whose kind is the reader's to judge: one that a text, a number, a boolean, null, or keys with such values can become.
func (c *checker) free(n ast.Node, path string) {
	switch n.Type() {
	case ast.NullType, ast.BoolType, ast.IntegerType, ast.FloatType, ast.StringType, ast.LiteralType:
	case ast.MappingType, ast.MappingValueType:
		c.entries(n, reflect.TypeFor[map[string]any](), path)
	default:
		c.wrong(position(n), "%s is %s; a text, a number, true, false or null is wanted", path, kindOf(n))
	}
}

func (c *checker) list(n ast.Node, item reflect.Type, path string) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		c.wrong(position(n), "%s is %s; a list is wanted", path, kindOf(n))
		return
	}
	for i, value := range list.Values {
		if item.Kind() == reflect.String {
			value = joined(value)
			list.Values[i] = value
		}
		c.node(value, item, fmt.Sprintf("%s[%d]", path, i))
	}
}

// joined is a text such as bureau:score. Inside of braces the parser cuts it into a key and a value, though YAML has a key end at a colon with white space
// after it (goccy/go-yaml, issue 832).
func joined(n ast.Node) ast.Node {
	cut, is := n.(*ast.MappingNode)
	if !is || cut.IsFlowStyle || len(cut.Values) != 1 {
		return n
	}
	key, value := cut.Values[0].Key.GetToken(), cut.Values[0].Value.GetToken()
	if key.Type != token.StringType || value.Type != token.StringType {
		return n
	}
	if key.Position.Line != value.Position.Line || key.Position.Column+len([]rune(key.Value))+1 != value.Position.Column {
		return n
	}
	whole := *key
	whole.Value += ":" + value.Value
	return ast.String(&whole)
}

// pairs are the keys and values of a mapping.
func (c *checker) pairs(n ast.Node, path string) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	}
	c.wrong(position(n), "%s is %s; keys with values are wanted", c.orDocument(path), kindOf(n))
	return nil
}

// entries checks a mapping whose keys are the writer's.
func (c *checker) entries(n ast.Node, want reflect.Type, path string) {
	seen := map[string]bool{}
	for _, pair := range c.pairs(n, path) {
		key := pair.Key.GetToken().Value
		if seen[key] {
			c.wrong(*pair.Key.GetToken().Position, "key %q stands twice in %s; keep one", clip(key), c.orDocument(path))
		}
		seen[key] = true
		c.node(pair.Value, want.Elem(), path+"."+key)
	}
}

// fieldsOf are a struct's keys and their types, in the struct's order; those of an embedded struct are the struct's own.
func fieldsOf(of reflect.Type) (fields map[string]reflect.Type, known []string) {
	fields = map[string]reflect.Type{}
	for i := range of.NumField() {
		f := of.Field(i)
		if f.Anonymous {
			inner, names := fieldsOf(f.Type)
			maps.Copy(fields, inner)
			known = append(known, names...)
			continue
		}
		name := f.Tag.Get("yaml")
		if name == "-" { // not of the file
			continue
		}
		fields[name] = f.Type
		known = append(known, name)
	}
	return fields, known
}

// mapping checks the keys of a mapping against a struct's yaml tags.
func (c *checker) mapping(n ast.Node, want reflect.Type, path string) {
	fields, known := fieldsOf(want)
	seen := map[string]bool{}
	for _, pair := range c.pairs(n, path) {
		at := pair.Key.GetToken().Position
		key := pair.Key.GetToken().Value
		field, ok := fields[key]
		switch {
		case !ok:
			c.wrong(*at, "unknown key %q in %s; %s", clip(key), c.orDocument(path), Suggestion(key, known))
		case seen[key]:
			c.wrong(*at, "key %q stands twice in %s; keep one", key, c.orDocument(path))
		default:
			seen[key] = true
			c.node(pair.Value, field, strings.TrimPrefix(path+"."+key, "."))
		}
	}
}

// scalar checks texts, numbers and booleans.
func (c *checker) scalar(n ast.Node, want reflect.Type, path string) {
	at := position(n)
	switch want.Kind() {
	case reflect.String:
		switch n.(type) {
		case *ast.StringNode, *ast.LiteralNode:
		default:
			c.wrong(at, "%s is %s; a text is wanted, put it in quotes: %q", path, kindOf(n), clip(n.GetToken().Value))
		}
	case reflect.Int, reflect.Int64:
		if _, err := strconv.ParseInt(n.GetToken().Value, 10, 64); err != nil || n.Type() != ast.IntegerType {
			c.wrong(at, "%s is %s; a whole number is wanted", path, kindOf(n))
		}
	case reflect.Uint64:
		if _, err := strconv.ParseUint(n.GetToken().Value, 10, 64); err != nil || n.Type() != ast.IntegerType {
			c.wrong(at, "%s is %s; a whole number from 0 is wanted", path, kindOf(n))
		}
	case reflect.Bool:
		if n.Type() != ast.BoolType {
			c.wrong(at, "%s is %s; true or false is wanted", path, kindOf(n))
		}
	case reflect.Float64:
		if n.Type() != ast.IntegerType && n.Type() != ast.FloatType {
			c.wrong(at, "%s is %s; a number is wanted", path, kindOf(n))
		}
	default:
		c.wrong(at, "%s is %s, which %s cannot hold", path, kindOf(n), c.what)
	}
}

// position is where a node's value begins.
func position(n ast.Node) token.Position {
	switch m := n.(type) {
	case *ast.MappingNode:
		if len(m.Values) > 0 && !m.IsFlowStyle {
			return *m.Values[0].Key.GetToken().Position
		}
	case *ast.MappingValueNode:
		return *m.Key.GetToken().Position
	}
	return *n.GetToken().Position
}

// kindOf names what a person wrote.
func kindOf(n ast.Node) string {
	switch n.Type() {
	case ast.NullType:
		return "empty"
	case ast.BoolType:
		return "a boolean"
	case ast.IntegerType:
		return "a whole number"
	case ast.FloatType:
		return "a number"
	case ast.StringType, ast.LiteralType:
		return "a text"
	case ast.SequenceType:
		return "a list"
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	case ast.InfinityType, ast.NanType:
		return "not a finite number"
	default:
		return "of the kind " + strings.ToLower(n.Type().String())
	}
}

func (c *checker) orDocument(path string) string {
	if path == "" {
		return c.what
	}
	return path
}

// clip keeps a message short whatever the file holds.
func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "…"
	}
	return text
}

// Suggestion names the known key that is nearest, or all of them.
func Suggestion(key string, known []string) string {
	best, distance := "", 3
	for _, candidate := range known {
		if d := EditDistance(key, candidate); d < distance {
			best, distance = candidate, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "known are " + strings.Join(known, ", ")
}

// EditDistance is Levenshtein's, over bytes: insertions, deletions and replacements that turn a into b; 64 where one of them is longer than that.
func EditDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
