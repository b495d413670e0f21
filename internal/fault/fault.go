// Package fault is the small, closed set of error codes that LoanOps speaks.
//
// Every error that a person or another program may act upon carries a Code. The borders of the system map codes once:
// Temporal (permanent or retried), REST (HTTP status) and the command line (exit code). An error without a code is
// Internal: it is logged and never shown to a caller of the REST API.
package fault

import (
	"errors"
	"fmt"
)

// Code says what kind of fault an error is.
type Code string

// The closed set of codes.
const (
	// Invalid: the input is wrong; the message names the file, line, column or field and what would be right.
	Invalid Code = "invalid"
	// NotFound: what was named does not exist.
	NotFound Code = "not_found"
	// Conflict: the state of the world does not allow it now (already running, changed meanwhile).
	Conflict Code = "conflict"
	// Overtaken: another writer took a newer generation of what serves; whoever hears it writes nothing more.
	Overtaken Code = "overtaken"
	// Refused: a gate, a validation or a capacity check said no. Not a defect.
	Refused Code = "refused"
	// Unavailable: a dependency did not answer; trying again may help.
	Unavailable Code = "unavailable"
	// Unauthorized: the caller did not prove who they are.
	Unauthorized Code = "unauthorized"
	// Internal: a defect or an unknown fault. Retried, logged, never shown.
	Internal Code = "internal"
)

// Codes returns the closed set.
func Codes() []Code {
	return []Code{Invalid, NotFound, Conflict, Overtaken, Refused, Unavailable, Unauthorized, Internal}
}

// Error is a fault with a code, a message for people and an optional cause.
type Error struct {
	Code    Code
	Message string
	Cause   error
}

// Error returns the message, followed by the cause's where there is one.
func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Message + ": " + e.Cause.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New returns an error of the code with a formatted message.
func New(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns err with a code and a message put before it; nil stays nil. A code that err already carries is kept.
func Wrap(code Code, err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	var inner *Error
	if errors.As(err, &inner) {
		code = inner.Code
	}
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Cause: err}
}

// CodeOf returns the code of the outermost fault in err's chain, or Internal where there is none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// Permanent reports whether trying the same thing again cannot help.
func Permanent(code Code) bool {
	switch code {
	case Invalid, NotFound, Overtaken, Refused, Unauthorized:
		return true
	case Conflict, Unavailable, Internal:
		return false
	}
	return false
}
