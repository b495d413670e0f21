package predictor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/problem"
	"github.com/loanops/loanops/internal/transform"
)

// maxDepth bounds nesting; an application has none.
const maxDepth = 8

// application turns one JSON object into a row of the signature and names every field that is wrong.
func application(signature []transform.Field, raw json.RawMessage, prefix string) ([]transform.Value, []problem.FieldError, error) {
	members, err := object(raw)
	if err != nil {
		return nil, nil, err
	}
	row := make([]transform.Value, len(signature))
	seen := map[string]bool{}
	var wrong []problem.FieldError
	note := func(field, format string, args ...any) {
		wrong = append(wrong, problem.FieldError{Field: prefix + field, Detail: fmt.Sprintf(format, args...)})
	}
	for _, m := range members {
		i := slices.IndexFunc(signature, func(f transform.Field) bool { return f.Name == m.name })
		switch {
		case i < 0:
			note(clip(m.name), "unknown field; the fields are listed in /openapi.json")
		case seen[m.name]:
			note(m.name, "stands twice; send it once")
		default:
			seen[m.name] = true
			value, complaint := fieldValue(&signature[i], m.value)
			if complaint != "" {
				note(m.name, "%s", complaint)
			}
			row[i] = value
		}
	}
	for i := range signature {
		if f := &signature[i]; !seen[f.Name] {
			row[i].Missing = true
			if !f.Nullable {
				note(f.Name, "is missing; %s is wanted", wanted(f))
			}
		}
	}
	return row, wrong, nil
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

// fieldValue reads one value; the complaint says what would be right.
func fieldValue(f *transform.Field, raw json.RawMessage) (transform.Value, string) {
	if string(raw) == "null" {
		if f.Nullable {
			return transform.Value{Missing: true}, ""
		}
		return transform.Value{}, fmt.Sprintf("is null; %s is wanted", wanted(f))
	}
	if f.Type == pipeline.Category {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil || !slices.Contains(f.Domain, text) {
			return transform.Value{}, wanted(f) + " is wanted"
		}
		return transform.Value{Text: text}, ""
	}
	var number json.Number
	if raw[0] == '"' || json.Unmarshal(raw, &number) != nil {
		return transform.Value{}, wanted(f) + " is wanted"
	}
	value, err := strconv.ParseFloat(number.String(), 64)
	if err != nil || math.IsInf(value, 0) || (f.Min != nil && value < *f.Min) || (f.Max != nil && value > *f.Max) {
		return transform.Value{}, wanted(f) + " is wanted"
	}
	return transform.Value{Number: value}, ""
}

// wanted describes what a field takes.
func wanted(f *transform.Field) string {
	var text string
	switch {
	case f.Type == pipeline.Category && len(f.Domain) <= 20:
		text = "one of " + strings.Join(f.Domain, ", ")
	case f.Type == pipeline.Category:
		text = "one of the values in /openapi.json"
	case f.Min != nil && f.Max != nil:
		text = fmt.Sprintf("a number from %v to %v", *f.Min, *f.Max)
	case f.Min != nil:
		text = fmt.Sprintf("a number of at least %v", *f.Min)
	case f.Max != nil:
		text = fmt.Sprintf("a number of at most %v", *f.Max)
	default:
		text = "a number"
	}
	if f.Nullable {
		text += ", or null"
	}
	return text
}

func clip(text string) string {
	if len(text) > 60 {
		return strings.ToValidUTF8(text[:60], "") + "…"
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
