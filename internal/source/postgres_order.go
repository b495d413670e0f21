package source

import (
	"bytes"
	"io"

	"github.com/loanops/loanops/internal/fault"
)

// untied passes the rows of a COPY on without their first column, see tie, and ends at a row for which that is true: rows that order_by does not tell
// apart come in any order, and the same table would be another dataset every time.
type untied struct {
	to      io.Writer
	where   database
	orderBy string
	rows    int64 // that were passed on, after the header
	header  bool  // was passed on
}

// Write takes one row: PostgreSQL's protocol has a message for each.
func (u *untied) Write(p []byte) (int, error) {
	tied, row, _ := bytes.Cut(p, []byte{','})
	switch {
	case !u.header:
		u.header = true
	case string(tied) == "t" && u.rows > 0:
		return 0, fault.New(fault.Invalid, "%s: rows %d and %d have the same values in order_by (%s), so that their order is not defined; add columns to order_by that name every row",
			u.where, u.rows, u.rows+1, clip(u.orderBy))
	default:
		u.rows++
	}
	if _, err := u.to.Write(row); err != nil {
		return 0, err
	}
	return len(p), nil
}
