package git

import "github.com/go-git/go-git/v5/plumbing"

// usual is the branch of a repository whose HEAD names one that nobody has pushed: `git init --bare` decides that before there is any.
const usual = "main"

// Branch is the repository's own: the one that is checked out, or that a clone of it checks out, and where there is none of that name, main. Empty where there
// is neither.
func (r *Repository) Branch() string {
	head, err := r.refs.Reference(plumbing.HEAD)
	if err == nil && head.Type() == plumbing.SymbolicReference && head.Target().IsBranch() && r.has(head.Target()) {
		return head.Target().Short()
	}
	if r.has(plumbing.NewBranchReferenceName(usual)) {
		return usual
	}
	return ""
}

func (r *Repository) has(name plumbing.ReferenceName) bool {
	_, err := r.refs.Reference(name)
	return err == nil
}
