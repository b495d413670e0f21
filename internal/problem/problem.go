// Package problem is the body of every error that the HTTP APIs answer: application/problem+json (RFC 9457). It knows no web
// framework; what answers with it adapts it.
package problem

import (
	"fmt"
	"net/http"

	"github.com/loanops/loanops/internal/fault"
)

// MediaType is the Content-Type of a problem.
const MediaType = "application/problem+json"

// Problem is the body of an error.
type Problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail,omitempty"`
	Code   fault.Code   `json:"code"`
	Errors []FieldError `json:"errors,omitempty"`
}

// FieldError is one field of a request and what would be right there. It never repeats the sender's value.
type FieldError struct {
	Field  string `json:"field"`
	Rule   string `json:"rule,omitempty"` // a short name of what is wrong, for programs
	Detail string `json:"detail"`
}

// Error is the detail, so that a Problem can be returned as an error.
func (p *Problem) Error() string { return p.Detail }

// Fault is the fault that the other side met.
func (p *Problem) Fault() error { return &fault.Error{Code: p.Code, Message: p.Detail} }

// maxFields bounds how many wrong fields an answer names: what is sent wrong must not make the answer larger than what was sent.
const maxFields = 100

// statuses is how each fault is answered.
var statuses = map[fault.Code]int{
	fault.Invalid:      http.StatusUnprocessableEntity,
	fault.NotFound:     http.StatusNotFound,
	fault.Conflict:     http.StatusConflict,
	fault.Overtaken:    http.StatusConflict,
	fault.Refused:      http.StatusUnprocessableEntity,
	fault.Unavailable:  http.StatusServiceUnavailable,
	fault.Unauthorized: http.StatusUnauthorized,
	fault.Internal:     http.StatusInternalServerError,
}

// New is a problem of a status. Of very many wrong fields the first are named.
func New(status int, detail string, fields ...FieldError) *Problem {
	if len(fields) > maxFields {
		detail = fmt.Sprintf("%s; the first %d of %d are listed", detail, maxFields, len(fields))
		fields = fields[:maxFields]
	}
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: codeOf(status), Errors: fields}
}

// OfFields is the problem of a request with wrong fields. What says what became of all of it, empty where that is plain.
func OfFields(what string, wrong ...FieldError) *Problem {
	detail := "one field is wrong"
	if len(wrong) != 1 {
		detail = fmt.Sprintf("%d fields are wrong", len(wrong))
	}
	if what != "" {
		detail += "; " + what
	}
	return New(http.StatusUnprocessableEntity, detail, wrong...)
}

// FromFault is the problem of an error. One that is internal, or of a code that nobody knows, says nothing of what happened: whoever
// answers with it logs it.
func FromFault(err error) *Problem {
	code := fault.CodeOf(err)
	if code == fault.Internal || statuses[code] == 0 {
		return New(http.StatusInternalServerError, "the request failed by a fault of the server; its log says more")
	}
	p := New(statuses[code], err.Error())
	p.Code = code
	return p
}

// codeOf is the code of a status that was not made from a fault.
func codeOf(status int) fault.Code {
	switch {
	case status == http.StatusUnauthorized:
		return fault.Unauthorized
	case status == http.StatusNotFound:
		return fault.NotFound
	case status == http.StatusConflict:
		return fault.Conflict
	case status < http.StatusInternalServerError:
		return fault.Invalid
	case status == http.StatusInternalServerError:
		return fault.Internal
	default:
		return fault.Unavailable
	}
}
