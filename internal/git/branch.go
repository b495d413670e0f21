package git

import (
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// branches is where the names of branches are.
const branches = "refs/heads/"

// BranchRef is the reference of a branch: refs/heads/main of main.
func BranchRef(name string) string { return branches + name }

// BranchOf is the branch whose reference it is; the text itself, and false, where it is none, as a branch's name alone is.
func BranchOf(ref string) (name string, is bool) { return strings.CutPrefix(ref, branches) }

// usual is the branch of a repository whose HEAD names one that nobody has pushed: `git init --bare` decides that before there is any.
const usual = "main"

// Branch is the repository's own: the one that is checked out, or that a clone of it checks out; main where nobody has pushed that one, and main is there. Where
// HEAD names a commit, and there is no main, it is empty.
func (r *Repository) Branch() string {
	own := ""
	head, err := r.refs.Reference(plumbing.HEAD)
	if err == nil && head.Type() == plumbing.SymbolicReference && head.Target().IsBranch() {
		own = head.Target().Short()
		if r.has(head.Target()) {
			return own
		}
	}
	if r.has(plumbing.NewBranchReferenceName(usual)) {
		return usual
	}
	return own
}

func (r *Repository) has(name plumbing.ReferenceName) bool {
	_, err := r.refs.Reference(name)
	return err == nil
}
