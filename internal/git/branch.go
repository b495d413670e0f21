package git

import "github.com/go-git/go-git/v5/plumbing"

// Branch is the repository's own: the one that is checked out, or that a clone of it checks out. Empty where there is none.
func (r *Repository) Branch() string {
	head, err := r.refs.Reference(plumbing.HEAD)
	if err != nil || head.Type() != plumbing.SymbolicReference || !head.Target().IsBranch() {
		return ""
	}
	return head.Target().Short()
}
