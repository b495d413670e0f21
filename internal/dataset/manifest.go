package dataset

import (
	"encoding/json"
	"strconv"

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
	// Views are the versions of feature views that the rows were joined from as they were extracted, in the order in which they are looked up; none of other rows. Parts of a
	// split name none: the same rows are the same part, whatever else a view holds by now.
	Views []View `json:"views,omitempty"`
}

// View is a version of a feature view, and what the offline store held of it when rows were joined from it.
type View struct {
	Name     string `json:"name"`
	Version  int    `json:"version"`
	Manifest string `json:"manifest"` // SHA-256 of its feature.Manifest
}

// ID names the version: name@version.
func (v View) ID() string { return v.Name + "@" + strconv.Itoa(v.Version) }

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
