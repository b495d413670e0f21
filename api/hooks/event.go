// Package hooks takes what forges tell of pushes and merge requests, and what a look at a branch finds, and has the commits tested. It knows no
// Temporal: whoever wires it says what a start is.
package hooks

import (
	"time"

	"github.com/loanops/loanops/internal/sha256hex"
)

// Kind is what happened.
type Kind string

// The kinds.
const (
	Push         Kind = "push"
	MergeRequest Kind = "merge_request"
)

// Event is a commit to be tested, and why.
type Event struct {
	// Repository is the name that an operator gave it.
	Repository string
	Kind       Kind
	// Ref is where the commit is found: refs/heads/BRANCH of a push, and of a merge request the reference that the forge keeps for it, which is there for one from a
	// copy of the repository (a fork) as well. A newer event of the same Ref overtakes an older one.
	Ref    string
	Commit string
	// Branch is the one that was pushed, or that is to be merged.
	Branch string
	// Against is the branch that a merge request is to be merged into.
	Against string
	// Fork says that the merge request comes from another repository: its commands are a stranger's.
	Fork bool
	// Actor is who did it, by the name that the forge knows; "poll" where nobody said.
	Actor string
	// Delivery is the forge's name of what it sent, for the log. It is not signed: whoever sends the same again may change it.
	Delivery string
	// Digest is that of the body that was sent; empty for a look.
	Digest string
	// At is when it happened, by what the body says.
	At time.Time
}

// ID is the same for the same event, and another for any other. A workflow that is started under it, and refused where it is known, runs once.
func (e Event) ID() string {
	return sha256hex.Of([]byte(e.Repository + "\n" + string(e.Kind) + "\n" + e.Ref + "\n" + e.Commit + "\n" + e.Against + "\n" + e.Digest))[:32]
}
