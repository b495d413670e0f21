// Package cli is the loanops command: a file for each command, or for a few that belong together.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/healthy"
	"github.com/loanops/loanops/workflows"
)

// Exit codes, a contract with scripts.
const (
	exitDone        = 0
	exitFault       = 1
	exitUsage       = 2
	exitRefused     = 3
	exitAborted     = 4
	exitNotFound    = 5
	exitInterrupted = 130
)

// app is what every command shares.
type app struct {
	state  string
	output string
	in     io.Reader
	out    io.Writer // results
	err    io.Writer // progress, logs
}

// Run runs the command and returns its exit code.
func Run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	a := &app{in: in, out: out, err: errOut}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	var ended verdictError
	var told exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &ended):
		return ended.code()
	case errors.As(err, &told):
		return int(told)
	case ctx.Err() != nil:
		fmt.Fprintln(errOut, "interrupted")
		return exitInterrupted
	}
	fmt.Fprintln(errOut, "loanops:", err)
	switch {
	case fault.CodeOf(err) == fault.Invalid, strings.HasPrefix(err.Error(), "unknown command"), strings.HasPrefix(err.Error(), "required flag"):
		return exitUsage
	case fault.CodeOf(err) == fault.Refused:
		return exitRefused
	case fault.CodeOf(err) == fault.Overtaken:
		return exitAborted
	case fault.CodeOf(err) == fault.NotFound:
		return exitNotFound
	}
	return exitFault
}

// exitError is the code with which another program ended that has said why.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("ended with %d", int(e)) }

// verdictError carries a verdict that is not a success to the exit code; the result has been printed.
type verdictError struct{ verdict workflows.Verdict }

func (e verdictError) Error() string { return string(e.verdict) }

func (e verdictError) code() int {
	switch e.verdict {
	case workflows.Refused, workflows.Rejected, workflows.Alerted, workflows.Retrain, workflows.Review:
		return exitRefused
	case workflows.Aborted, workflows.RolledBack:
		return exitAborted
	case workflows.Promoted, workflows.Bootstrapped, workflows.Restored, workflows.Registered, workflows.Nothing, workflows.Evaluated, workflows.Published:
		return exitDone
	}
	return exitFault
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "loanops",
		Short: "Train, deliver and serve loan eligibility models",
		Long: `loanops trains, delivers and serves loan eligibility models on durable workflows.

Start with "loanops up": it runs the whole platform on this machine, takes the loan-eligibility
pipeline from raw data to a champion in production, and serves until Ctrl-C. The other commands
find the running platform by --state, or by TEMPORAL_*, AWS_* and LOANOPS_* variables.

Exit codes: 0 done, 1 fault, 2 usage or bad input, 3 refused by a gate or validation,
4 aborted or rolled back, 5 not found, 130 interrupted.`,
		Example:       "  loanops up\n  loanops ct start loan-eligibility --wait\n  loanops models history loan-eligibility",
		SilenceErrors: true, SilenceUsage: true,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.output != "text" && a.output != "json" {
				return fault.New(fault.Invalid, "--output is %q; text or json is wanted", a.output)
			}
			return nil
		},
	}
	state := os.Getenv("LOANOPS_STATE")
	if state == "" {
		state = ".loanops"
	}
	root.PersistentFlags().StringVar(&a.state, "state", state, "`folder` of the platform's state (LOANOPS_STATE)")
	root.PersistentFlags().StringVar(&a.output, "output", "text", "text or json")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fault.New(fault.Invalid, "%s; see `%s --help`", err, c.CommandPath())
	})
	root.AddCommand(a.upCommand(), a.agentCommand(), a.hooksCommand(),
		group("ct", "Continuous training", a.trainCommand()),
		group("schemas", "Versions of what columns are, and who accepted them", a.schemasListCommand(), a.schemasShowCommand(), a.schemasDiffCommand(), a.schemasAcceptCommand()),
		group("data", "Data at a desk", a.dataCheckCommand(), a.dataInferCommand()),
		group("ci", "Continuous integration of pipelines' repositories", a.ciStartCommand(), a.ciTestCommand(), a.ciHookCommand()),
		group("cd", "Continuous delivery", a.deliverCommand()),
		a.approveCommand(), a.abortCommand(), a.rollbackCommand(),
		group("monitor", "Looks at production: what changed, and what comes of it", a.monitorStartCommand(), a.monitorListCommand(), a.monitorShowCommand(), a.monitorCadenceCommand()),
		group("operators", "Whose signatures count, and what they signed", a.operatorsListCommand(), a.operatorsAddCommand(), a.operatorsRevokeCommand(), a.operatorsKeygenCommand(), a.operatorsVerifyCommand()),
		group("models", "Model versions and who was champion when", a.modelsListCommand(), a.modelsShowCommand(), a.modelsHistoryCommand(),
			a.modelsLineageCommand(), a.modelsEvaluateCommand(), a.modelsCompareCommand()),
		group("features", "The feature store: what is declared, found, computed and put out of use", a.featuresApplyCommand(), a.featuresListCommand(), a.featuresSearchCommand(),
			a.featuresShowCommand(), a.featuresCatalogueCommand(), a.featuresServeCommand(), a.featuresRetireCommand(), a.featuresMaterializeCommand()),
		group("policy", "What makes verdicts and reasons of scores", a.policyShowCommand(), a.policyHistoryCommand(), a.policyDiffCommand()),
		group("serving", "What should serve, and who said so", a.servingShowCommand(), a.servingHistoryCommand()),
		group("schedule", "What pipelines do by themselves, and when", a.scheduleListCommand(), a.scheduleSetCommand(), a.schedulePauseCommand(), a.scheduleResumeCommand(), a.scheduleTriggerCommand(), a.scheduleDeleteCommand()),
		group("alerts", "What people are told of, and who takes care of it", a.alertsListCommand(), a.alertsAckCommand()),
		group("workers", "Builds of the workers, and on which of them runs begin", a.workersListCommand(), a.workersStartCommand(), a.workersPromoteCommand(), a.workersDrainCommand(), a.workersMoveCommand()),
		group("runs", "Runs of pipelines and their steps", a.runsListCommand(), a.runsShowCommand()),
		group("pipelines", "Pipeline specs", a.pipelinesListCommand(), a.pipelinesVersionsCommand(), a.pipelinesValidateCommand(), a.pipelinesRegisterCommand()),
		a.decideCommand(), a.simulateCommand(), a.pruneCommand(), a.packageCommand(),
		healthy.Command("loanops", "http://127.0.0.1:7070/healthz"))
	return root
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Example: commands[0].Example,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fault.New(fault.Invalid, "unknown command %q; see `%s --help`", args[0], c.CommandPath())
			}
			return c.Help()
		},
	}
	c.AddCommand(commands...)
	return c
}

// between accepts from least to most arguments, which usage describes.
func between(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return fault.New(fault.Invalid, "%d arguments; `%s` is wanted", len(args), c.UseLine())
		}
		return nil
	}
}
