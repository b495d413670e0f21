package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
)

// Commands runs a command of a repository's own over its files, bounded, and returns what it printed. An error is a fault of this machine; that the command
// failed is said by why.
type Commands func(ctx context.Context, tree *ci.Tree, command ci.Command) (printed []string, why string, err error)

// RunCommands runs those that belong to no other step.
func (i *Integration) RunCommands(ctx context.Context, in TestInput) (TestOutput, error) {
	return i.test(ctx, RunCommands, in, i.commandsOf(ci.RunCommands, "the repository brings no commands"))
}

// ReplayHistories runs those that replay histories of workflows on their code as it is in the commit.
func (i *Integration) ReplayHistories(ctx context.Context, in TestInput) (TestOutput, error) {
	return i.test(ctx, ReplayHistories, in, i.commandsOf(ci.ReplayHistories, "the repository has no workflows of its own, so there are no histories"))
}

// commandsOf is a step that is nothing but the repository's commands for it.
func (i *Integration) commandsOf(step ci.Step, none string) func(context.Context, *ci.Tree, TestInput) (ci.Report, map[string]artifact.Ref, error) {
	return func(ctx context.Context, tree *ci.Tree, in TestInput) (ci.Report, map[string]artifact.Ref, error) {
		repository, err := ci.Read(tree)
		if err != nil {
			return ci.Report{}, nil, err
		}
		report := ci.Report{Status: ci.NotApplicable, Summary: none}
		ran := 0
		for _, command := range repository.Commands {
			if command.Step != step {
				continue
			}
			if why := i.mayNot(in); why != "" {
				return ci.Report{Status: ci.Refused, Summary: "its commands may not be run", Reasons: []string{fmt.Sprintf("command %s of ci.yaml: %s", command.Name, why)}}, nil, nil
			}
			say(ctx, "running "+command.Name)
			printed, why, err := i.Commands(ctx, tree, command)
			if err != nil {
				return report, nil, err
			}
			ran++
			report.Log = append(append(report.Log, "command "+command.Name), printed...)
			if why != "" {
				report.Reasons = append(report.Reasons, fmt.Sprintf("command %s: %s", command.Name, why))
			}
			report.Status, report.Summary = ci.Passed, fmt.Sprintf("%d commands", ran)
		}
		if len(report.Reasons) > 0 {
			report.Status = ci.Refused
		}
		return report, nil, nil
	}
}

// mayNot says why commands of the commit are not run; empty where they are. A command that is not run is no test that passed.
func (i *Integration) mayNot(in TestInput) string {
	switch {
	case i.Commands == nil:
		return "the settings of this worker allow none; set LOANOPS_CI_COMMANDS=allow, or take it out"
	case in.Stranger:
		return "the merge request comes from a fork; read it, and have this commit of it tested by hand: loanops ci start --repo NAME --ref HASH --against BRANCH"
	}
	return ""
}
