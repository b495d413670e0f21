package activities

import (
	"context"
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
)

// Commands runs a command of a repository's own over its files, bounded. That the command failed is said by its end; an error is a fault of this machine.
type Commands func(ctx context.Context, tree *ci.Tree, command ci.Command) (CommandEnd, error)

// CommandEnd is how a command ended.
type CommandEnd struct {
	// Printed are the lines that were kept of what it printed.
	Printed []string
	// Why says in what way it failed; empty where it did not.
	Why string
}

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
		repository, err := readLocked(ctx, i.Cache.Objects, tree, in.Made)
		if err != nil {
			return ci.Report{}, nil, err
		}
		report, err := i.run(ctx, tree, repository, step, in)
		if report.Status == ci.NotApplicable {
			report.Summary = none
		}
		return report, nil, err
	}
}

// run runs the repository's commands for a step, all of them, also after one that failed. Without any the report is ci.NotApplicable.
func (i *Integration) run(ctx context.Context, tree *ci.Tree, repository ci.Repository, step ci.Step, in TestInput) (ci.Report, error) {
	report := ci.Report{Status: ci.NotApplicable}
	ran := 0
	for _, command := range repository.Commands {
		if command.Step != step {
			continue
		}
		if why := i.mayNot(in); why != "" {
			return ci.Report{Status: ci.Refused, Summary: "its commands may not be run", Reasons: []string{fmt.Sprintf("command %s of ci.yaml: %s", command.Name, why)}}, nil
		}
		say(ctx, "running "+command.Name)
		ended, err := i.Commands(ctx, tree, command)
		if err != nil {
			return report, err
		}
		ran++
		report.Log = append(append(report.Log, "command "+command.Name), ended.Printed...)
		if ended.Why != "" {
			report.Reasons = append(report.Reasons, reasonsOf(command.Name, ended)...)
		}
		report.Status, report.Summary = ci.Passed, fmt.Sprintf("%d commands", ran)
	}
	if len(report.Reasons) > 0 {
		report.Status = ci.Refused
	}
	return report, nil
}

// What a command that fails says of why, in lines of its own, becomes the reasons of the refusal. Nothing else that it prints does: reasons are kept in the run's
// history and told to the forge, and a command prints whatever it comes across.
const (
	reasonMark     = "reason: "
	maxReasons     = 5
	maxReasonBytes = 500
)

// reasonsOf are the reasons for which a commit is refused by a command that failed: each thing that it said, once, and in what way it ended.
func reasonsOf(command string, ended CommandEnd) (reasons []string) {
	said := map[string]bool{}
	for _, line := range ended.Printed {
		reason, is := strings.CutPrefix(strings.TrimSpace(line), reasonMark)
		if reason = ci.Cut(strings.TrimSpace(reason), maxReasonBytes); !is || reason == "" || said[reason] {
			continue
		}
		said[reason] = true
		if len(said) <= maxReasons {
			reasons = append(reasons, fmt.Sprintf("command %s: %s", command, reason))
		}
	}
	if more := len(said) - len(reasons); more > 0 {
		ended.Why += fmt.Sprintf("; its log has %d more reasons", more)
	}
	return append(reasons, fmt.Sprintf("command %s: %s", command, ended.Why))
}

// mayNot says why commands of the commit are not run; empty where they are. A command that is not run is no test that passed.
func (i *Integration) mayNot(in TestInput) string {
	switch {
	case i.Commands == nil:
		return "the settings of this worker allow none; set LOANOPS_CI_COMMANDS=allow, or take it out"
	case in.Fork:
		return "the merge request comes from a fork; read it, and have this commit of it tested by hand: loanops ci start --repo NAME --ref HASH --against BRANCH"
	}
	return ""
}
