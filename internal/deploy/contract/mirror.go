package contract

import "github.com/loanops/loanops/internal/fault"

// ValidateMirror returns an Invalid fault unless mirror is empty, for none, or a known slot without weight: a slot whose answers reach
// clients cannot be judged by copies of its own requests.
func ValidateMirror(mirror string, weights map[string]int) error {
	switch {
	case mirror == "":
		return nil
	case mirror != Blue && mirror != Green:
		return fault.New(fault.Invalid, "mirror: there is no slot %q; the slots are %s and %s", mirror, Blue, Green)
	case weights[mirror] != 0:
		return fault.New(fault.Invalid, "mirror: %s gets %d %% of the traffic; want a slot without weight", mirror, weights[mirror])
	}
	return nil
}
