// Package dataset holds tables in memory and their meaning: schema validation, labels, splits, and the Parquet codec that
// gives the same bytes for the same rows.
package dataset

// Table is an ordered set of equally long columns.
type Table struct {
	Columns []Column
}

// Kind is how a column's values are held.
type Kind uint8

// The kinds of columns. All but Text hold their values in Floats, where a missing one is NaN and an infinity is never held.
const (
	Float     Kind = iota // any finite number
	Text                  // UTF-8; a missing value is not Valid
	Date                  // days since 1970-01-01
	Integer               // a whole number, exact up to 2^53 either way
	Boolean               // 0 or 1
	Decimal               // an amount, exact up to 15 digits, of which four are after the point
	Timestamp             // microseconds since 1970-01-01T00:00:00Z
)

// Column is one named column. Texts and Valid are used by Text, Floats by all other kinds.
type Column struct {
	Name   string
	Kind   Kind
	Floats []float64
	Texts  []string
	Valid  []bool
}

// RowColumn is the column that every extracted table begins with: the ordinal, from 1, of the row in its source. It is never a feature.
const RowColumn = "loanops_row"

// Len returns the number of rows of the column.
func (c *Column) Len() int {
	if c.Kind == Text {
		return len(c.Texts)
	}
	return len(c.Floats)
}

// Missing reports whether row i holds no value.
func (c *Column) Missing(i int) bool {
	if c.Kind == Text {
		return !c.Valid[i]
	}
	return c.Floats[i] != c.Floats[i]
}

// Rows returns the number of rows.
func (t *Table) Rows() int {
	if len(t.Columns) == 0 {
		return 0
	}
	return t.Columns[0].Len()
}

// Column returns the named column, or nil.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}
