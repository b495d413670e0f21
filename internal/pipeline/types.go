package pipeline

import "strings"

// ColumnType is the type of a column; package clean says how each is written.
type ColumnType string

// The column types. A feature has one of the first five.
const (
	Number    ColumnType = "number"    // any finite number
	Integer   ColumnType = "integer"   // a whole number
	Boolean   ColumnType = "boolean"   // true or false; 1 or 0 to a model
	Decimal   ColumnType = "decimal"   // an exact amount of at most four digits after the point
	Category  ColumnType = "category"  // one of a domain of texts
	Day       ColumnType = "date"      // a calendar day
	Timestamp ColumnType = "timestamp" // an instant, written with its zone
	Text      ColumnType = "text"
)

// featureTypes and columnTypes are what a spec may name for a feature, and for any other column.
var (
	featureTypes = []ColumnType{Number, Integer, Boolean, Decimal, Category}
	columnTypes  = append(featureTypes[:len(featureTypes):len(featureTypes)], Day, Timestamp, Text)
)

// Numeric says that a model reads the type's values as numbers.
func (t ColumnType) Numeric() bool { return t == Boolean || t.Quantity() }

// Quantity says that the type's values count something: they have an order, bounds and amounts.
func (t ColumnType) Quantity() bool { return t == Number || t == Integer || t == Decimal }

// Noun is the type with its article: an integer.
func (t ColumnType) Noun() string { return Article(string(t)) }

// Article is a noun with its article.
func Article(noun string) string {
	if noun != "" && strings.IndexByte("aeiou", noun[0]) >= 0 {
		return "an " + noun
	}
	return "a " + noun
}

// TypeOf is the type of a column: a feature's is its own, others have those of Types. Without one the time column and that of outcomes are dates, and every other is a
// text.
func (s *Spec) TypeOf(name string) ColumnType {
	for i := range s.Columns {
		if s.Columns[i].Name == name {
			return s.Columns[i].Type
		}
	}
	for i := range s.Inputs {
		if s.Inputs[i].Name == name {
			return s.Inputs[i].Type
		}
	}
	if of, ok := s.Types[name]; ok {
		return of
	}
	if name != "" && name == s.Time || s.Outcomes.dates(name) {
		return Day
	}
	return Text
}
