package sandbox

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// Users is a range of user IDs that belong to nobody else. The group of each has the same number.
type Users struct{ First, Last uint32 }

// usualUsers are above those that systemd and distributions give out, and below 65532, as which images run (this project's own, and distroless ones), and nobody's.
var usualUsers = Users{65520, 65531}

// ParseUsers reads FIRST-LAST, or one ID; nothing gives the usual ones. IDs below 1000 belong to the system.
func ParseUsers(text string) (Users, error) {
	if text == "" {
		return usualUsers, nil
	}
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	from, err1 := strconv.ParseUint(first, 10, 31)
	to, err2 := strconv.ParseUint(last, 10, 31)
	if err1 != nil || err2 != nil || from < 1000 || to < from || to-from >= 1000 {
		return Users{}, fault.New(fault.Invalid, "%q is no range of user IDs; 1000 or more, such as %s, at most 1000 of them", text, usualUsers)
	}
	return Users{uint32(from), uint32(to)}, nil
}

// String is as ParseUsers reads it.
func (u Users) String() string { return fmt.Sprintf("%d-%d", u.First, u.Last) }
