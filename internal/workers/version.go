// Package workers knows which versions of the workers' code a cluster has: the one that takes new runs, and those on which runs that began
// with them go on. They are versions of one Temporal worker deployment; each is named by its build.
package workers

import (
	"errors"
	"io/fs"
	"regexp"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
)

// Deployment is the name of the worker deployment.
const Deployment = "loanops"

// Status is what a version is to runs.
type Status string

// The statuses, which are Temporal's.
const (
	Inactive Status = "inactive" // no run ever began on it, but for a trial
	Current  Status = "current"  // runs begin on it
	Ramping  Status = "ramping"  // a share of them does
	Draining Status = "draining" // runs that began on it go on
	Drained  Status = "drained"  // all of them have ended
)

// Version is a version of the workers' code.
type Version struct {
	Build  string `json:"build"`
	Status Status `json:"status"`
	// Since is when it came to the status, zero where that is not known.
	Since   time.Time `json:"since,omitzero"`
	Created time.Time `json:"created"`
	// Pollers is how many processes ask for its runs. One that was killed is counted for two minutes at most, and five where nobody else asks.
	Pollers int `json:"pollers"`
	// Runs are those that go on and end on it.
	Runs []Run `json:"runs"`
	// Stuck says that they do not, for nobody asks for them.
	Stuck bool `json:"stuck"`
	// Commit is the one that it was built from, as far as its workers know it.
	Commit string `json:"commit,omitempty"`
}

// Run is a run that ends on the version.
type Run struct {
	Workflow string `json:"workflow_id"`
	ID       string `json:"run_id"`
	Type     string `json:"type"`
}

// buildDigits is how many hexadecimal digits of a program's digest name its build.
const buildDigits = 16

// BuildOf is the build of a program that is told no other: the beginning of its SHA-256.
func BuildOf(program string) (string, error) {
	digest, _, err := file.Digest(program)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return "", fault.Wrap(fault.NotFound, err, "the worker's program")
	case err != nil:
		return "", fault.Wrap(fault.Unavailable, err, "the worker's program")
	}
	return digest[:buildDigits], nil
}

var build = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// CheckBuild refuses what cannot name a build: it is a part of workflow IDs, of queries and of the names of folders.
func CheckBuild(text string) error {
	if !build.MatchString(text) {
		return fault.New(fault.Invalid, "the build ID %q: 1 to 64 letters, digits, dots, dashes and underscores are wanted, a letter or a digit first", text)
	}
	return nil
}
