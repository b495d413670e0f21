package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
)

func (a *app) ciTestCommand() *cobra.Command {
	var save string
	c := &cobra.Command{
		Use: "test [DIR]", Short: "Test a pipeline's repository as it lies in a folder, without a platform", Args: between(0, 1),
		Example: "  loanops ci test\n  loanops ci test examples/pipeline-repo --save logs --output json",
		RunE: func(c *cobra.Command, args []string) error {
			return a.runWorker(c, append([]string{"integrate", "--save", save, "--output", a.output}, args...)...)
		},
	}
	c.Flags().StringVar(&save, "save", "", "`folder` for the logs of the steps, and a page that has them all")
	return c
}

// runWorker runs a job of loanops-worker, which is beside this program and has DuckDB, and ends as it does.
func (a *app) runWorker(c *cobra.Command, args ...string) error {
	program, err := os.Executable()
	if err != nil {
		return fault.Wrap(fault.Internal, err, "finding loanops-worker")
	}
	worker := exec.CommandContext(c.Context(), filepath.Join(filepath.Dir(program), "loanops-worker"), args...) //nolint:gosec // the program beside this one
	worker.Stdout, worker.Stderr = a.out, a.err
	err = worker.Run()
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() > 0 {
		return exitError(ended.ExitCode()) // the worker has said why
	}
	return fault.Wrap(fault.Internal, err, "running loanops-worker")
}
