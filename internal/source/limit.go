package source

import (
	"fmt"

	"github.com/loanops/loanops/internal/fault"
)

// PastLimit is the fault of a relation that has more than its options allow. Its message names the limits of a spec.
type PastLimit struct {
	// File is where the limit was passed.
	File string
	// Limit is the limit in words, such as 5000000 rows.
	Limit string

	fault error
}

// Error returns the message of the fault.
func (e *PastLimit) Error() string { return e.fault.Error() }

// Unwrap returns the fault: the input is invalid.
func (e *PastLimit) Unwrap() error { return e.fault }

func tooManyRows(where string, limit int64) error {
	return pastLimit(where, fmt.Sprintf("%d rows", limit), "max_rows", limit)
}

func tooManyBytes(where string, limit int64) error {
	return pastLimit(where, fmt.Sprintf("%d bytes of content", limit), "max_bytes", limit)
}

func pastLimit(where, words, key string, limit int64) error {
	return &PastLimit{where, words, fault.New(fault.Invalid, "%s: the relation has more than %s; limits.%s is %d", where, words, key, limit)}
}
