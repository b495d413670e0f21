package main

import (
	"context"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/sandbox"
	"github.com/loanops/loanops/internal/settings"
)

// commands runs the commands of repositories as the settings allow; nil where they allow none.
func commands(ctx context.Context, cfg settings.Settings) (activities.Commands, error) {
	allowed, sameUser, network, err := cfg.CommandsAllowed()
	if err != nil || !allowed {
		return nil, err
	}
	c := sandbox.Config{Dir: cfg.CIDir, SameUser: sameUser, Network: network}
	if c.Users, err = sandbox.ParseUsers(cfg.CIUsers); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "LOANOPS_CI_USERS")
	}
	if c.Environment, err = cfg.CommandEnvironment(); err != nil {
		return nil, err
	}
	box, err := sandbox.New(ctx, c)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tree *ci.Tree, command ci.Command) (printed []string, why string, err error) {
		r, err := box.Run(ctx, sandbox.Command{Args: command.Run, Unpack: tree.Unpack, Timeout: command.Timeout, Output: command.Output})
		return r.Lines, r.Why, err
	}, nil
}
