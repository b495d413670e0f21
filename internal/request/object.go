package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/loanops/loanops/internal/fault"
)

// Member is one name and value of a JSON object.
type Member struct {
	Name  string
	Value json.RawMessage
}

// Object splits a JSON object into its members, in order, with those that stand twice. What is not one object is fault.Invalid, without what was
// sent.
func Object(raw json.RawMessage) ([]Member, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	start, err := decoder.Token()
	if err != nil {
		return nil, syntax(err)
	}
	if start != json.Delim('{') {
		return nil, fault.New(fault.Invalid, "a JSON object is wanted")
	}
	var members []Member
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
		members = append(members, Member{text, value})
	}
	if _, err := decoder.Token(); err != nil {
		return nil, syntax(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "one JSON object is wanted, nothing after it")
	}
	return members, nil
}

// syntax says where JSON is wrong, without repeating it.
func syntax(err error) error {
	var at *json.SyntaxError
	if errors.As(err, &at) {
		return fault.New(fault.Invalid, "the body is not JSON at byte %d", at.Offset)
	}
	return fault.New(fault.Invalid, "the body is not complete JSON")
}
