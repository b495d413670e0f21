package dataset

import (
	"encoding/json"
	"os"

	"github.com/loanops/loanops/internal/fault"
)

// Manifest is a dataset: its rows lie in Parquet parts, one after the other. It says what the parts hold and nothing of where they are, so
// that the same rows have the same manifest in any store; its SHA-256 is the dataset's identity.
type Manifest struct {
	// Schema is the version of the pipeline's schema that the rows were held against.
	Schema  int     `json:"schema"`
	Columns []Field `json:"columns"`
	Rows    int64   `json:"rows"`
	Parts   []Part  `json:"parts"`
}

// Field is a column of a dataset.
type Field struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// Part is one Parquet file.
type Part struct {
	SHA256 string `json:"sha256"` // lower-case hexadecimal
	Bytes  int64  `json:"bytes"`
	Rows   int64  `json:"rows"`
}

// Encode writes the manifest. The same dataset gives the same bytes.
func (m Manifest) Encode() ([]byte, error) {
	data, err := json.Marshal(m)
	return data, fault.Wrap(fault.Internal, err, "encoding a dataset's manifest")
}

// DecodeManifest reads what Encode wrote; anything else is fault.Invalid.
func DecodeManifest(data []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fault.Wrap(fault.Invalid, err, "not a dataset's manifest")
	}
	var rows int64
	for _, part := range m.Parts {
		rows += part.Rows
	}
	if rows != m.Rows || len(m.Columns) == 0 {
		return m, fault.New(fault.Invalid, "not a dataset's manifest: its parts hold %d rows, it says %d in %d columns", rows, m.Rows, len(m.Columns))
	}
	return m, nil
}

// Fields are a table's columns.
func (t *Table) Fields() []Field {
	fields := make([]Field, len(t.Columns))
	for i := range t.Columns {
		fields[i] = Field{Name: t.Columns[i].Name, Kind: t.Columns[i].Kind}
	}
	return fields
}

// Empty is a table without rows that has the fields as columns.
func Empty(fields []Field) Table {
	t := Table{Columns: make([]Column, len(fields))}
	for i, f := range fields {
		t.Columns[i] = Column{Name: f.Name, Kind: f.Kind}
	}
	return t
}

// Append adds the rows of a table that has the same columns.
func (t *Table) Append(other Table) error {
	if len(t.Columns) != len(other.Columns) {
		return fault.New(fault.Internal, "a table of %d columns is appended to one of %d", len(other.Columns), len(t.Columns))
	}
	for i := range t.Columns {
		c, from := &t.Columns[i], &other.Columns[i]
		if c.Name != from.Name || c.Kind != from.Kind {
			return fault.New(fault.Internal, "column %q (%s) is appended to %q (%s)", from.Name, from.Kind, c.Name, c.Kind)
		}
		c.Floats, c.Texts, c.Valid = append(c.Floats, from.Floats...), append(c.Texts, from.Texts...), append(c.Valid, from.Valid...)
	}
	return nil
}

// Read brings the parts of a dataset, files on this machine in their order, into memory.
func Read(m Manifest, paths []string) (Table, error) {
	t := Empty(m.Columns)
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Kind == Text {
			c.Texts, c.Valid = make([]string, 0, m.Rows), make([]bool, 0, m.Rows)
		} else {
			c.Floats = make([]float64, 0, m.Rows)
		}
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return t, fault.Wrap(fault.Unavailable, err, "reading a part")
		}
		part, err := ReadParquet(data)
		if err != nil {
			return t, err
		}
		if err := t.Append(part); err != nil {
			return t, err
		}
	}
	return t, nil
}
