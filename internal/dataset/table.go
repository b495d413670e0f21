// Package dataset holds tables in memory and their meaning: schema validation, labels, splits, and the Parquet codec that
// gives the same bytes for the same rows.
package dataset

// Table is an ordered set of equally long columns.
type Table struct {
	Columns []Column
}

// Kind is how a column's values are held.
type Kind uint8

// The kinds of columns.
const (
	Float Kind = iota // float64; a missing value is NaN, an infinity is never held
	Text              // UTF-8; a missing value is not Valid
	Date              // days since 1970-01-01 in Floats; a missing value is NaN
)

// Column is one named column. Floats is used by Float and Date, Texts and Valid by Text.
type Column struct {
	Name   string
	Kind   Kind
	Floats []float64
	Texts  []string
	Valid  []bool
}

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
