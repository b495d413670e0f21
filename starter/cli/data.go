package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
)

func (a *app) dataCheckCommand() *cobra.Command {
	var spec, save string
	c := &cobra.Command{
		Use: "check [FILE]", Short: "See what is in data and what is wrong with them, without a platform", Args: between(0, 1),
		Example: "  loanops data check cards.csv --pipeline cards.yaml\n  loanops data check cards.csv --pipeline cards.yaml --save reports --output json",
		RunE: func(c *cobra.Command, args []string) error {
			if spec == "" {
				return fault.New(fault.Invalid, "which pipeline? give --pipeline SPECFILE")
			}
			program, err := os.Executable()
			if err != nil {
				return fault.Wrap(fault.Internal, err, "finding loanops-worker")
			}
			worker := exec.CommandContext(c.Context(), filepath.Join(filepath.Dir(program), "loanops-worker"), //nolint:gosec // the program beside this one
				append([]string{"check", "--pipeline", spec, "--save", save, "--output", a.output}, args...)...)
			worker.Stdout, worker.Stderr = a.out, a.err
			err = worker.Run()
			var ended *exec.ExitError
			if errors.As(err, &ended) && ended.ExitCode() > 0 {
				return exitError(ended.ExitCode()) // the worker has said why
			}
			return fault.Wrap(fault.Internal, err, "running loanops-worker")
		},
	}
	c.Flags().StringVar(&spec, "pipeline", "", "spec `file` that says how to read and clean")
	c.Flags().StringVar(&save, "save", "", "`folder` for dataset, quarantine and reports")
	return c
}
