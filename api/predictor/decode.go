package predictor

import (
	"encoding/json"
	"net/http"

	"github.com/loanops/loanops/internal/problem"
	"github.com/loanops/loanops/internal/request"
)

// maxDepth bounds nesting; an application has none.
const maxDepth = 8

// application reads one JSON object and names every field that is wrong, each behind the prefix. What is not one object is a 400 problem.
func (p *Predictor) application(raw json.RawMessage, prefix string) (request.Application, []problem.FieldError, error) {
	read, complaints, err := p.applications.Read(raw)
	if err != nil {
		return read, nil, problem.New(http.StatusBadRequest, err.Error())
	}
	var wrong []problem.FieldError
	for _, c := range complaints {
		wrong = append(wrong, problem.FieldError{Field: prefix + c.Field, Rule: string(c.Rule), Detail: c.Text})
	}
	return read, wrong, nil
}

// object splits a JSON object into its members. What is not one object is a 400 problem.
func object(raw json.RawMessage) ([]request.Member, error) {
	members, err := request.Object(raw)
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, err.Error())
	}
	return members, nil
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
