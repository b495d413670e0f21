package request

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/transform"
)

// maxNameBytes bounds how much of the name of an unknown field is repeated: as much as metrics tell of one (deploy/contract.MaxFieldName).
const maxNameBytes = 64

// Applications reads whole applications under a contract, as rows of a model's signature. It is immutable and safe for concurrent use.
type Applications struct {
	fields  []Field
	readers []*Reader // of the fields
	// field, identifier and key are the places of each by its name, row is where each field of the signature is among those that are declared and those that are added.
	field, identifier, key map[string]int
	row                    []int
	additions              *additions
}

// FieldComplaint is what is wrong with one field of an application.
type FieldComplaint struct {
	Field string
	Complaint
}

// NewApplications compiles the cleaning of the contract's fields, and what is added to them. What no spec can declare is fault.Invalid, as is a field of the
// signature that the contract lacks.
func NewApplications(c Contract, signature []transform.Field) (*Applications, error) {
	a := &Applications{fields: c.Fields, field: map[string]int{}, identifier: map[string]int{}, key: map[string]int{}}
	for i, f := range c.Fields {
		reads, err := NewReader(f)
		if err != nil {
			return nil, err
		}
		a.readers = append(a.readers, reads)
		a.field[f.Name] = i
	}
	for i, name := range c.Identifiers {
		a.identifier[name] = i
	}
	for _, read := range signature {
		at, declared := a.field[read.Name]
		if added := c.added(read.Name); added >= 0 {
			at = len(c.Fields) + added
		} else if !declared {
			return nil, fault.New(fault.Invalid, "the model reads %q, which no request holds and nothing adds", clip(read.Name))
		}
		a.row = append(a.row, at)
	}
	var err error
	if a.additions, err = newAdditions(c); err != nil {
		return nil, err
	}
	for i, name := range a.additions.fields {
		a.key[name] = i
	}
	return a, nil
}

// Fields are the declared fields, in the order of the values that Read gives.
func (a *Applications) Fields() []Field { return a.fields }

// Read reads one JSON object and names every field that is wrong. A declared field that the model does not
// read is checked all the same: what a client may send must not depend on which features a training chose. What is not one JSON object is
// fault.Invalid.
func (a *Applications) Read(raw json.RawMessage) (read Application, wrong []FieldComplaint, err error) {
	members, err := Object(raw)
	if err != nil {
		return Application{}, nil, err
	}
	values := make([]transform.Value, len(a.fields))
	read = Application{Values: values, Keys: make([]string, len(a.key))}
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
		if i, ok := a.key[m.Name]; ok {
			read.Keys[i] = nameOf(m.Value)
		}
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
	read.Given = make([]bool, len(a.additions.given))
	for i, at := range a.additions.given {
		read.Given[i] = at >= 0 && seen[at]
	}
	return read, wrong, nil
}

func clip(text string) string {
	if len(text) > maxNameBytes {
		return strings.ToValidUTF8(text[:maxNameBytes], "") + "…"
	}
	return text
}
