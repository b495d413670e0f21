package predictor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/problem"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// maxDepth bounds nesting; an application has none.
const maxDepth = 8

// reader turns requests into rows of a model's signature.
type reader struct {
	contract request.Contract
	readers  []*request.Reader // of the contract's fields
	// field is the place of each declared field by its name, row the place of each in the signature; -1: the model does not read it.
	field, identifier map[string]int
	row               []int
	width             int
}

func newReader(m *model.Model) (*reader, error) {
	r := &reader{contract: m.Contract, field: map[string]int{}, identifier: map[string]int{}, width: len(m.Signature())}
	for i, f := range m.Contract.Fields {
		reads, err := request.NewReader(f)
		if err != nil {
			return nil, err
		}
		r.readers = append(r.readers, reads)
		r.field[f.Name] = i
		r.row = append(r.row, slices.IndexFunc(m.Signature(), func(read transform.Field) bool { return read.Name == f.Name }))
	}
	for i, name := range m.Contract.Identifiers {
		r.identifier[name] = i
	}
	return r, nil
}

// application turns one JSON object into the values of the declared fields and names every field that is wrong. A declared field that the model does not
// read is checked all the same: what a client may send must not depend on which features a training chose.
func (r *reader) application(raw json.RawMessage, prefix string) ([]transform.Value, []problem.FieldError, error) {
	members, err := object(raw)
	if err != nil {
		return nil, nil, err
	}
	fields := r.contract.Fields
	values := make([]transform.Value, len(fields))
	seen, seenIdentifiers := make([]bool, len(fields)), make([]bool, len(r.identifier))
	var wrong []problem.FieldError
	note := func(field string, rule request.Rule, detail string) {
		wrong = append(wrong, problem.FieldError{Field: prefix + field, Rule: string(rule), Detail: detail})
	}
	once := func(seen *bool, name string) bool {
		if *seen {
			note(name, request.Repeated, "stands twice; send it once")
			return false
		}
		*seen = true
		return true
	}
	for _, m := range members {
		if i, ok := r.field[m.name]; ok {
			if !once(&seen[i], m.name) {
				continue
			}
			value, complaint := r.readers[i].Read(m.value)
			if complaint.Rule != "" {
				note(m.name, complaint.Rule, complaint.Text)
			}
			values[i] = value
			continue
		}
		i, ok := r.identifier[m.name]
		if !ok {
			note(clip(m.name), request.Unknown, "unknown field; the fields are listed in /openapi.json")
			continue
		}
		if once(&seenIdentifiers[i], m.name) {
			if complaint := request.ReadIdentifier(m.value); complaint != "" {
				note(m.name, request.Type, complaint)
			}
		}
	}
	for i := range fields {
		if seen[i] {
			continue
		}
		values[i] = transform.Value{Missing: true}
		if !fields[i].Nullable {
			note(fields[i].Name, request.Required, fmt.Sprintf("is missing; %s is wanted", fields[i].Wanted()))
		}
	}
	return values, wrong, nil
}

// signature is the row that the model reads, of the values of the declared fields.
func (r *reader) signature(values []transform.Value) []transform.Value {
	row := make([]transform.Value, r.width)
	for i, at := range r.row {
		if at >= 0 {
			row[at] = values[i]
		}
	}
	return row
}

// member is one name and value of an object, in order.
type member struct {
	name  string
	value json.RawMessage
}

// object splits a JSON object into its members. What is not one object is a 400 problem.
func object(raw json.RawMessage) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	start, err := decoder.Token()
	if err != nil {
		return nil, syntax(err)
	}
	if start != json.Delim('{') {
		return nil, problem.New(http.StatusBadRequest, "a JSON object is wanted")
	}
	var members []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, syntax(err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, syntax(err)
		}
		text, _ := name.(string)
		members = append(members, member{text, value})
	}
	if _, err := decoder.Token(); err != nil {
		return nil, syntax(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, problem.New(http.StatusBadRequest, "one JSON object is wanted, nothing after it")
	}
	return members, nil
}

// syntax says where JSON is wrong, without repeating it.
func syntax(err error) error {
	var at *json.SyntaxError
	if errors.As(err, &at) {
		return problem.New(http.StatusBadRequest, fmt.Sprintf("the body is not JSON at byte %d", at.Offset))
	}
	return problem.New(http.StatusBadRequest, "the body is not complete JSON")
}

func clip(text string) string {
	if len(text) > contract.MaxFieldName {
		return strings.ToValidUTF8(text[:contract.MaxFieldName], "") + "…"
	}
	return text
}

// shallow refuses deep nesting before anything recurses into it.
func shallow(body []byte) error {
	depth, quoted, escaped := 0, false, false
	for _, b := range body {
		switch {
		case escaped:
			escaped = false
		case quoted && b == '\\':
			escaped = true
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			if depth++; depth > maxDepth {
				return problem.New(http.StatusBadRequest, "the body is nested too deeply")
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return nil
}
