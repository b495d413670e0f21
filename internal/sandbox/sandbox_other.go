//go:build !linux

package sandbox

import (
	"context"

	"github.com/loanops/loanops/internal/fault"
)

// Sandbox runs commands, on Linux.
type Sandbox struct{}

// New says that there is no Linux here.
func New(context.Context, Config) (*Sandbox, error) {
	return nil, fault.New(fault.Invalid, "commands of repositories are run on Linux alone")
}

// Run is never reached: there is no Sandbox.
func (s *Sandbox) Run(context.Context, Command) (Result, error) {
	return Result{}, fault.New(fault.Invalid, "commands of repositories are run on Linux alone")
}

// Supervise is never asked.
func Supervise(context.Context, []string) int { return 1 }
