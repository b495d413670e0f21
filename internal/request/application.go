package request

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/transform"
)

// maxNameBytes bounds how much of the name of an unknown field is repeated: as much as metrics tell of one (deploy/contract.MaxFieldName).
const maxNameBytes = 64

// Applications reads whole applications under a contract, as rows of a model's signature. It is immutable and safe for concurrent use.
type Applications struct {
	fields  []Field
	readers []*Reader // of the fields
	// field is the place of each declared field by its name, row the place of each in the signature; -1: the model does not read it.
	field, identifier map[string]int
	row               []int
	width             int
}

// FieldComplaint is what is wrong with one field of an application.
type FieldComplaint struct {
	Field string
	Complaint
}

// NewApplications compiles the cleaning of the contract's fields. What no spec can declare is fault.Invalid.
func NewApplications(c Contract, signature []transform.Field) (*Applications, error) {
	a := &Applications{fields: c.Fields, field: map[string]int{}, identifier: map[string]int{}, width: len(signature)}
	for i, f := range c.Fields {
		reads, err := NewReader(f)
		if err != nil {
			return nil, err
		}
		a.readers = append(a.readers, reads)
		a.field[f.Name] = i
		a.row = append(a.row, slices.IndexFunc(signature, func(read transform.Field) bool { return read.Name == f.Name }))
	}
	for i, name := range c.Identifiers {
		a.identifier[name] = i
	}
	return a, nil
}

// Fields are the declared fields, in the order of the values that Read gives.
func (a *Applications) Fields() []Field { return a.fields }

// Read turns one JSON object into the values of the declared fields and names every field that is wrong. A declared field that the model does not
// read is checked all the same: what a client may send must not depend on which features a training chose. What is not one JSON object is
// fault.Invalid.
func (a *Applications) Read(raw json.RawMessage) (values []transform.Value, wrong []FieldComplaint, err error) {
	members, err := Object(raw)
	if err != nil {
		return nil, nil, err
	}
	values = make([]transform.Value, len(a.fields))
	seen, seenIdentifiers := make([]bool, len(a.fields)), make([]bool, len(a.identifier))
	note := func(field string, rule Rule, text string) {
		wrong = append(wrong, FieldComplaint{field, Complaint{rule, text}})
	}
	once := func(seen *bool, name string) bool {
		if *seen {
			note(name, Repeated, "stands twice; send it once")
			return false
		}
		*seen = true
		return true
	}
	for _, m := range members {
		if i, ok := a.field[m.Name]; ok {
			if !once(&seen[i], m.Name) {
				continue
			}
			value, complaint := a.readers[i].Read(m.Value)
			if complaint.Rule != "" {
				note(m.Name, complaint.Rule, complaint.Text)
			}
			values[i] = value
			continue
		}
		i, ok := a.identifier[m.Name]
		if !ok {
			note(clip(m.Name), Unknown, "unknown field; the fields are listed in /openapi.json")
			continue
		}
		if once(&seenIdentifiers[i], m.Name) {
			if complaint := ReadIdentifier(m.Value); complaint != "" {
				note(m.Name, Type, complaint)
			}
		}
	}
	for i := range a.fields {
		if seen[i] {
			continue
		}
		values[i] = transform.Value{Missing: true}
		if !a.fields[i].Nullable {
			note(a.fields[i].Name, Required, fmt.Sprintf("is missing; %s is wanted", a.fields[i].Wanted()))
		}
	}
	return values, wrong, nil
}

// Row is the row that the model reads, of the values of the declared fields.
func (a *Applications) Row(values []transform.Value) []transform.Value {
	row := make([]transform.Value, a.width)
	for i, at := range a.row {
		if at >= 0 {
			row[at] = values[i]
		}
	}
	return row
}

func clip(text string) string {
	if len(text) > maxNameBytes {
		return strings.ToValidUTF8(text[:maxNameBytes], "") + "…"
	}
	return text
}
