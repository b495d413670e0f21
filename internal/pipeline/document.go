package pipeline

import (
	"fmt"
	"reflect"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/loanops/loanops/internal/fault"
)

// maxSpecBytes bounds a spec file: a hundred features take about 20 KB.
const maxSpecBytes = 1 << 20

// Document is one strict YAML file: a spec, or what lies beside it. It knows where every value stands, so that whoever finds out what the values
// mean can still name a line and column. Paths are such as columns[2].min.
type Document struct {
	file string
	data string
	c    *checker
	body ast.Node
}

// ReadDocument reads one YAML document into a pointer to a struct or a list of them, strictly by their yaml tags: an unknown key, a key that
// stands twice and a wrong type are a fault.Invalid as Parse has it. What the target holds stays where the file says nothing. what names the whole in
// texts, such as "the spec"; root is the path of a list, empty for a struct.
func ReadDocument(file, what, root string, data []byte, into any) (*Document, error) {
	if len(data) > maxSpecBytes {
		return nil, fault.New(fault.Invalid, "%s: %d bytes; %s has at most %d", file, len(data), what, maxSpecBytes)
	}
	if line := tooDeep(data); line > 0 {
		return nil, fault.New(fault.Invalid, "%s:%d:1: lists or mappings inside of each other more than %d deep; %s needs five", file, line, maxDepth, what)
	}
	tree, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, syntaxFault(file, err)
	}
	if len(tree.Docs) == 0 || len(tree.Docs) == 1 && tree.Docs[0].Body == nil {
		return nil, fault.New(fault.Invalid, "%s:1:1: there is nothing in it; the file of %s holds one YAML document", file, what)
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return nil, fault.New(fault.Invalid, "%s:1:1: %d YAML documents; the file of %s holds exactly one", file, len(tree.Docs), what)
	}
	d := &Document{file: file, data: string(data), c: newChecker(what), body: tree.Docs[0].Body}
	d.c.node(d.body, reflect.TypeOf(into).Elem(), root)
	if err := d.Fault(); err != nil {
		return nil, err
	}
	if err := yaml.NodeToValue(d.body, into); err != nil {
		return nil, syntaxFault(file, err)
	}
	return d, nil
}

// Wrong notes a mistake at the value of a path, or at the nearest enclosing one that the file has.
func (d *Document) Wrong(path, format string, args ...any) { d.c.wrongAt(path, format, args...) }

// Fault are all mistakes that were noted, as one fault.Invalid in file order; nil without any.
func (d *Document) Fault() error {
	if len(d.c.mistakes) == 0 {
		return nil
	}
	return d.c.fault(d.file)
}

// At is file:line:column of the value of a path, or of the nearest enclosing one that the file has.
func (d *Document) At(path string) string {
	line, column := d.Position(path)
	return fmt.Sprintf("%s:%d:%d", d.file, line, column)
}

// Has says that the file has a value at the path.
func (d *Document) Has(path string) bool {
	_, has := d.c.at[path]
	return has
}

// Position is the line and the column of the value of a path, or of the nearest enclosing one that the file has.
func (d *Document) Position(path string) (line, column int) {
	at := d.c.position(path)
	return at.Line, at.Column
}
