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
	rights, err := cfg.CommandRights()
	if err != nil || !rights.Run {
		return nil, err
	}
	c := sandbox.Config{Dir: cfg.CIDir, SameUser: rights.SameUser, Network: rights.Network}
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
	return func(ctx context.Context, tree *ci.Tree, command ci.Command) (activities.CommandEnd, error) {
		r, err := box.Run(ctx, sandbox.Command{Args: command.Run, Unpack: tree.Unpack, Timeout: command.Timeout, Output: command.Output})
		return activities.CommandEnd{Printed: r.Lines, Why: r.Why}, err
	}, nil
}
