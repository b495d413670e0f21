package ci

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// FeatureFile is one file of feature tests.
type FeatureFile struct {
	Path  string
	Cases []Case
}

// Case is one feature test: what becomes of the fields that it names. Fields that it does not name are not looked at.
type Case struct {
	Name string
	Line int
	// Row are the fields as a client would send them, in the order of the file. A field that is expected and not in it is left out.
	Row []Sent
	// Known are values of store features, as the store would give them. Of a feature that is not among them nothing is known.
	Known []Sent
	// Expect is what is wanted of encoded columns and clean values; none where the row is refused.
	Expect []Expectation
	// Refused is the field for which the row must be refused; empty where it must not be.
	Refused string
}

// Sent is one field of a row.
type Sent struct {
	Field string
	Value json.RawMessage
}

// Aspect is what an expectation looks at.
type Aspect int

// The aspects.
const (
	Encoded Aspect = iota // a number's standardised column
	Level                 // the column of one level of a category
	Missing               // the column that says that the value is missing
	Clean                 // the value after cleaning, before it is encoded
	Unseen                // a category's columns together: none of the levels, and not missing
)

// Expectation is what is wanted of one column.
type Expectation struct {
	Column string // as the file has it, such as purpose=car
	Line   int
	Field  string
	Aspect Aspect
	// Level is of the aspect Level.
	Level string
	// Number is wanted within Tolerance, but for the aspects Unseen, and Clean where Text or Null is wanted.
	Number, Tolerance float64
	Text              *string
	Null              bool
}

// usualTolerance is how far an encoded number may be from the wanted one.
const usualTolerance = 1e-9

// missingColumn ends the name of the column that says that a value is missing.
const missingColumn = ":missing"

// featureCase is a case as YAML.
type featureCase struct {
	Name    string         `yaml:"name"`
	Row     map[string]any `yaml:"row"`
	Expect  map[string]any `yaml:"expect"`
	Refused string         `yaml:"refused"`
}

// readFeatures reads a file of feature tests for a spec.
func readFeatures(file string, data []byte, spec pipeline.Spec) (FeatureFile, error) {
	var cases []featureCase
	d, err := pipeline.ReadDocument(file, "the feature tests", "case", data, &cases)
	if err != nil {
		return FeatureFile{}, err
	}
	f := featureReader{d: d, columns: slices.Concat(spec.Columns, spec.Inputs), refuses: spec.FeatureStore.Missing == pipeline.RefuseDecision}
	read := FeatureFile{Path: file}
	if len(cases) == 0 {
		d.Wrong("", "there is no case; write one, or leave the file out")
	}
	for i, c := range cases {
		at := index("case", i)
		switch same := func(other Case) bool { return other.Name == c.Name }; {
		case c.Name == "":
			d.Wrong(at, "name is missing; say what the case shows")
		case slices.ContainsFunc(read.Cases, same):
			d.Wrong(at+".name", "name %q stands twice; cases are told apart by it", short(c.Name))
		}
		read.Cases = append(read.Cases, f.read(at, c))
	}
	return read, d.Fault()
}

// featureReader reads cases and notes what is wrong with them.
type featureReader struct {
	d       *pipeline.Document
	columns []pipeline.Column
	refuses bool // an application of which a feature is not known
}

func (f *featureReader) read(at string, c featureCase) Case {
	read := Case{Name: c.Name, Line: f.line(at), Refused: c.Refused}
	for _, name := range f.inOrder(at+".row", c.Row) {
		column := f.column(at+".row."+name, name)
		if column == nil {
			continue
		}
		if column.Expression != "" {
			f.d.Wrong(at+".row."+name, "%s is computed; give what it is computed of, and expect %s", name, name)
			continue
		}
		if _, keys := c.Row[name].(map[string]any); keys {
			f.d.Wrong(at+".row."+name, "%s holds keys; a text, a number, true, false or null is wanted, as a client would send it", name)
			continue
		}
		value, err := json.Marshal(c.Row[name])
		if err != nil {
			f.d.Wrong(at+".row."+name, "%s is nothing that JSON can hold", name)
		}
		if column.Feature == "" {
			read.Row = append(read.Row, Sent{name, value})
			continue
		}
		f.known(at+".row."+name, column, value)
		read.Known = append(read.Known, Sent{name, value})
	}
	if (len(c.Expect) > 0) == (c.Refused != "") {
		f.d.Wrong(at, "give expect or refused, one of them: what is wanted of the row's columns, or the field for which it is refused")
	}
	if c.Refused != "" {
		if column := f.column(at+".refused", c.Refused); column != nil && column.Looked() && (column.Feature == "" || !f.refuses) {
			f.d.Wrong(at+".refused", "no request is refused for %s: nobody sends it, and feature_store.missing is not refuse", c.Refused)
		}
	}
	for _, name := range f.inOrder(at+".expect", c.Expect) {
		if e, ok := f.expectation(at+".expect."+name, name, c.Expect[name]); ok {
			read.Expect = append(read.Expect, e)
		}
	}
	return read
}

// known checks a value of a feature: the store has clean ones, or none.
func (f *featureReader) known(at string, column *pipeline.Column, value json.RawMessage) {
	reader, err := storeReader(column)
	if err != nil {
		f.d.Wrong(at, "%s", err)
		return
	}
	if _, complaint := reader.Read(value); complaint.Rule != "" {
		f.d.Wrong(at, "%s is a feature of %s, which cannot be that: %s", column.Name, column.Feature, complaint.Text)
	}
}

// storeReader reads values of a feature as JSON, null where it is not known.
func storeReader(column *pipeline.Column) (*request.Reader, error) {
	field := request.FieldOf(*column, nil)
	field.Nullable = true
	return request.NewReader(field)
}

// inOrder are the keys of a mapping as the file has them.
func (f *featureReader) inOrder(at string, m map[string]any) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		line, column := f.d.Position(at + "." + a)
		otherLine, otherColumn := f.d.Position(at + "." + b)
		return cmp.Or(line-otherLine, column-otherColumn)
	})
}

// line is where the value of a path stands.
func (f *featureReader) line(at string) int {
	line, _ := f.d.Position(at)
	return line
}

// column is the spec's of a name; without one the mistake is noted.
func (f *featureReader) column(at, name string) *pipeline.Column {
	if i := f.index(name); i >= 0 {
		return &f.columns[i]
	}
	f.unknown(at, name)
	return nil
}

func (f *featureReader) index(name string) int {
	return slices.IndexFunc(f.columns, func(c pipeline.Column) bool { return c.Name == name })
}

func (f *featureReader) unknown(at, name string) {
	best, distance := "", 3
	var known []string
	for _, c := range f.columns {
		known = append(known, c.Name)
		if d := pipeline.EditDistance(name, c.Name); d < distance {
			best, distance = c.Name, d
		}
	}
	if best != "" {
		f.d.Wrong(at, "the spec has no column %q; did you mean %q?", short(name), best)
		return
	}
	f.d.Wrong(at, "the spec has no column %q; it has %s", short(name), some(known))
}

// find is the column that a name of expect speaks of, and what of it: the field alone, FIELD=LEVEL or FIELD:missing.
func (f *featureReader) find(name string) (c *pipeline.Column, aspect Aspect, level string) {
	if i := f.index(name); i >= 0 {
		return &f.columns[i], Encoded, ""
	}
	if i := f.index(strings.TrimSuffix(name, missingColumn)); i >= 0 {
		return &f.columns[i], Missing, ""
	}
	for i := range f.columns {
		if after, is := strings.CutPrefix(name, f.columns[i].Name+"="); is && (c == nil || len(after) < len(level)) {
			c, aspect, level = &f.columns[i], Level, after
		}
	}
	return c, aspect, level
}

// expectation reads what is wanted of one column.
func (f *featureReader) expectation(at, name string, value any) (e Expectation, ok bool) {
	c, aspect, level := f.find(name)
	wrong := func(format string, args ...any) (Expectation, bool) {
		f.d.Wrong(at, format, args...)
		return Expectation{}, false
	}
	if c == nil {
		field, _, _ := strings.Cut(name, "=")
		f.unknown(at, strings.TrimSuffix(field, missingColumn))
		return Expectation{}, false
	}
	switch {
	case aspect == Missing && c.MissingMax == 0:
		return wrong("column %q is required and has no column for missing values; set missing_max in the spec, or expect refused: %s", c.Name, c.Name)
	case aspect == Level && c.Type != pipeline.Category:
		return wrong("column %q is %s and has no levels; write %s: NUMBER, or {clean: NUMBER}", c.Name, c.Type.Noun(), c.Name)
	case aspect == Level && len(c.Domain) > 0 && !slices.Contains(c.Domain, level):
		return wrong("%q is no value of column %q; its domain is %s", short(level), c.Name, some(c.Domain))
	}
	e = Expectation{Column: name, Line: f.line(at), Field: c.Name, Aspect: aspect, Level: level, Tolerance: usualTolerance}
	if number, is := numberOf(value); is {
		if aspect == Encoded && c.Type == pipeline.Category {
			return wrong("column %q is a category and has a column for each level; write %s=LEVEL: 1, {clean: TEXT} or {unseen: true}", c.Name, c.Name)
		}
		e.Number = number
		return e, true
	}
	keys, is := value.(map[string]any)
	if !is {
		return wrong("%s is %s; a number is wanted, or {clean: VALUE}", name, quoted(value))
	}
	return f.detailed(at, e, c, keys)
}

// detailed reads an expectation that is written with keys.
func (f *featureReader) detailed(at string, e Expectation, c *pipeline.Column, keys map[string]any) (Expectation, bool) {
	wrong := func(key, format string, args ...any) (Expectation, bool) {
		f.d.Wrong(at+"."+key, format, args...)
		return Expectation{}, false
	}
	whole, category := e.Aspect == Encoded, c.Type == pipeline.Category
	said := 0
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		value := keys[key]
		number, is := numberOf(value)
		switch {
		case key == "tolerance" && is && number >= 0:
			e.Tolerance = number
			continue
		case key == "encoded" && is && (!whole || !category):
			e.Number = number
		case key == "clean" && whole:
			e.Aspect = Clean
			if text, is := value.(string); is && category {
				e.Text = &text
			} else if e.Null = value == nil; !e.Null {
				if e.Number, is = cleanNumber(value, c.Type); !is {
					return wrong(key, "clean is %s; %s is wanted, or null where the value is missing", quoted(value), map[bool]string{true: "a text", false: c.Type.Noun()}[category])
				}
			}
		case key == "unseen" && whole && category && len(c.Domain) > 0:
			return wrong(key, "column %q has a domain: another value is refused, not unseen; expect refused: %s", c.Name, c.Name)
		case key == "unseen" && whole && category && value == true:
			e.Aspect = Unseen
		default:
			return wrong(key, "%s: %s is nothing that can be expected of %s; known are encoded: NUMBER and tolerance: NUMBER, of a field alone clean: VALUE, and of a category without a domain unseen: true",
				short(key), quoted(value), e.Column)
		}
		said++
	}
	if said != 1 {
		return wrong("", "%s: give one of encoded, clean and unseen", e.Column)
	}
	return e, true
}

// cleanNumber is a clean value of a numeric type.
func cleanNumber(value any, of pipeline.ColumnType) (float64, bool) {
	if yes, is := value.(bool); is && of == pipeline.Boolean {
		return map[bool]float64{true: 1}[yes], true
	}
	number, is := numberOf(value)
	return number, is && of.Numeric()
}

// numberOf is a number of YAML.
func numberOf(value any) (float64, bool) {
	switch x := value.(type) {
	case int64:
		return float64(x), true
	case uint64:
		return float64(x), true
	case float64:
		return x, true
	}
	return 0, false
}

// some lists names, the first of very many.
func some(names []string) string {
	const most = 20
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
