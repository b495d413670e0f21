package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/git"
)

func (a *app) ciHookCommand() *cobra.Command {
	return group("hook", "What a bare repository runs after a push", a.ciHookInstallCommand(), a.ciHookPrintCommand())
}

func (a *app) ciHookInstallCommand() *cobra.Command {
	var h git.Hook
	var repository string
	var force bool
	c := &cobra.Command{
		Use: "install", Short: "Have each branch tested that is pushed to a repository of this machine", Args: between(0, 0),
		Long: `Have each branch tested that is pushed to a repository of this machine.

Writes hooks/post-receive of the repository, which runs "loanops ci start". A push is taken
whatever comes of it; who pushes reads on the terminal what was started, or why nothing was.
The hook finds the platform by --state, or by the variables in a file (--environment), as of:

  TEMPORAL_ADDRESS=temporal.bank.example:7233
  LOANOPS_DATABASE='postgres://…'`,
		Example: "  loanops ci hook install --repo /srv/git/loans.git",
		RunE: func(*cobra.Command, []string) error {
			h, err := a.located(h)
			if err != nil {
				return err
			}
			file, err := h.Install(repository, force)
			if err != nil {
				return err
			}
			return a.print(map[string]string{"hook": file}, func() { fmt.Fprintln(a.out, file) })
		},
	}
	c.Flags().StringVar(&repository, "repo", "", "`folder` of the repository")
	c.Flags().BoolVar(&force, "force", false, "overwrite a hook that is there already")
	hookFlags(c, &h)
	_ = c.MarkFlagRequired("repo")
	return c
}

func (a *app) ciHookPrintCommand() *cobra.Command {
	var h git.Hook
	c := &cobra.Command{
		Use: "print", Short: "Print the hook, to call it from one that is there already", Args: between(0, 0),
		Example: "  loanops ci hook print > /srv/git/loans.git/hooks/post-receive.d/loanops",
		RunE: func(*cobra.Command, []string) error {
			h, err := a.located(h)
			if err != nil {
				return err
			}
			return a.print(map[string]string{"script": h.Script()}, func() { fmt.Fprint(a.out, h.Script()) })
		},
	}
	hookFlags(c, &h)
	return c
}

func hookFlags(c *cobra.Command, h *git.Hook) {
	c.Flags().StringVar(&h.Environment, "environment", "", "`file` of the shell with the platform's variables; default none")
	c.Flags().StringVar(&h.Program, "program", "", "`file` of the loanops command; default this one")
}

// located is a hook whose paths hold wherever it is run.
func (a *app) located(h git.Hook) (git.Hook, error) {
	h.State = a.state
	if h.Program == "" {
		program, err := os.Executable()
		if err != nil {
			return h, fault.Wrap(fault.Unavailable, err, "where this program is; say it by --program")
		}
		h.Program = program
	}
	for _, path := range []*string{&h.Program, &h.State, &h.Environment} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return h, fault.Wrap(fault.Invalid, err, "%s", *path)
		}
		*path = absolute
	}
	return h, nil
}
