package gateway

import "github.com/loanops/loanops/internal/deploy/contract"

// names are those that clients give to fields that a pipeline has not. One is told from its contract.MinNamed-th request of an institution on: what
// few requests have may be an applicant's value in the wrong place. It is not safe for concurrent use.
type names struct {
	// by is which institution's requests made a name told.
	by map[string]string
	// seen counts an institution's requests for each name that is not told. No more than contract.MaxUnknownFields are kept: when another one comes, each
	// loses one request, which those that are frequent survive (Misra and Gries, https://doi.org/10.1016/0167-6423(82)90012-0).
	seen map[string]map[string]int
}

func newNames() *names { return &names{by: map[string]string{}, seen: map[string]map[string]int{}} }

// told counts a request that has the name, and reports whether the name is told.
func (n *names) told(institution, name string) bool {
	if _, told := n.by[name]; told {
		return true
	}
	seen := n.seen[institution]
	if seen == nil {
		seen = map[string]int{}
		n.seen[institution] = seen
	}
	if _, kept := seen[name]; !kept && len(seen) == contract.MaxUnknownFields {
		for other := range seen {
			if seen[other]--; seen[other] == 0 {
				delete(seen, other)
			}
		}
		return false
	}
	if seen[name]++; seen[name] < contract.MinNamed || len(n.by) == contract.MaxUnknownFields || n.of(institution) == contract.MaxNamesOfOne {
		return false
	}
	delete(seen, name)
	n.by[name] = institution
	return true
}

// of is how many names an institution's requests made told.
func (n *names) of(institution string) (told int) {
	for _, by := range n.by {
		if by == institution {
			told++
		}
	}
	return told
}

// isName reports whether a text is written as a field's name, and not as a value: a number of a person, of an account, a date.
func isName(text string) bool {
	if text == "" || len(text) > contract.MaxFieldName {
		return false
	}
	digits := 0 // in a row
	for i, b := range []byte(text) {
		letter, digit := 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z', '0' <= b && b <= '9'
		digits++
		if !digit {
			digits = 0
		}
		if digits > 3 || i == 0 && !letter || !letter && !digit && b != '_' && b != '.' && b != '-' {
			return false
		}
	}
	return true
}
