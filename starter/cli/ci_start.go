package cli

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/git"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

func (a *app) ciStartCommand() *cobra.Command {
	var input workflows.IntegrationInput
	var trigger string
	var wait bool
	c := &cobra.Command{
		Use: "start", Short: "Test a commit, and publish, train and deliver the pipeline that passes", Args: between(0, 0),
		Example: "  loanops ci start --repo . --ref main --wait\n  loanops ci start --repo loans --ref feature --against main --wait --output json",
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			input.Trigger = registry.Trigger(trigger)
			if input.TakeOver && (input.Trigger != registry.ByHand || input.Against != "" || input.TestOnly) {
				return fault.New(fault.Invalid, "--take-over goes with a commit that an operator publishes by hand: leave out --trigger, --against and --test-only")
			}
			s, err := settings.FromState(a.state)
			if err != nil {
				return err
			}
			if err := a.pack(ctx, s, &input); err != nil {
				return err
			}
			temporal, err := dial(ctx, s)
			if err != nil {
				return err
			}
			defer temporal.Close()
			run, err := tellNewest(&input, func() error { return a.pack(ctx, s, &input) }, func() (client.WorkflowRun, error) {
				return startIntegration(ctx, temporal, input)
			})
			if err != nil {
				return err
			}
			if run == nil && input.Trigger != registry.ByPush {
				return fault.New(fault.Invalid, "--branch %s: %s is not its newest commit, and a branch is published by its newest; leave --branch out to start with this one", input.Branch, input.Ref)
			}
			if run == nil {
				a.say("the branch %s has moved on: its newest commit is tested in place of this one", input.Branch)
				return nil
			}
			if !wait {
				return a.finish(ctx, temporal, run, false)
			}
			result, err := a.wait(ctx, temporal, run)
			if err != nil {
				return err
			}
			if came := result.Integrated; came != nil && input.Packed != nil && came.Commit != input.Packed.Commit {
				a.say("a newer push took over: this is what came of commit %.12s", came.Commit)
				result.Verdict = workflows.Aborted
			}
			return a.result(result)
		},
	}
	c.Flags().StringVar(&input.Repository, "repo", ".", "`folder` of a repository, or the name of one that workers know")
	c.Flags().StringVar(&input.Ref, "ref", "", "branch, tag or commit (default: what is checked out)")
	c.Flags().StringVar(&input.Branch, "branch", "", "`branch` of the ref: any but the repository's own is only tested")
	c.Flags().StringVar(&input.Against, "against", "", "test it as merged into this `branch`, and publish nothing")
	c.Flags().BoolVar(&input.TestOnly, "test-only", false, "end after the tests")
	c.Flags().BoolVar(&input.TakeOver, "take-over", false, "make this repository the one whose pushes replace the pipeline")
	c.Flags().StringVar(&trigger, "trigger", string(registry.ByHand), "why it is started: `manual` or push")
	c.Flags().BoolVar(&wait, "wait", false, "wait for the end, with progress")
	input.Actor = actor()
	return c
}

// pack brings the files of a commit of a local repository into the store. A name is left to the workers.
func (a *app) pack(ctx context.Context, s settings.Settings, input *workflows.IntegrationInput) error {
	info, err := os.Stat(input.Repository)
	if err != nil || !info.IsDir() {
		if strings.ContainsRune(input.Repository, filepath.Separator) && !strings.Contains(input.Repository, "://") {
			return fault.New(fault.NotFound, "--repo %s: there is no such folder", input.Repository)
		}
		if input.Ref == "" { // the branch is a part of the run's ID
			known, err := s.Repository(input.Repository)
			if err != nil {
				return fault.New(fault.Invalid, "--ref: which branch, tag or commit of %s? Its own branch is known to the workers, not here", input.Repository)
			}
			input.Ref = known.Branch
		}
		return nil
	}
	repository, err := git.Open(input.Repository)
	if err != nil {
		return err
	}
	if input.Ref == "" {
		if input.Ref = repository.Branch(); input.Ref == "" {
			input.Ref = "HEAD"
		}
	}
	commit, err := activities.ReadCommit(ctx, repository, input.Ref, input.Against)
	if err != nil {
		return err
	}
	store, err := objects(ctx, s)
	if err != nil {
		return err
	}
	a.say("storing the files of %.12s", commit.Hash)
	packed, err := activities.PackCommit(ctx, store, commit)
	if err != nil {
		return err
	}
	input.Packed = &packed
	own := repository.Branch()
	packed.Other = input.Branch != "" && input.Branch != own // where the settings name the repository, they say which branch is its own
	at, err := filepath.Abs(input.Repository)
	input.Repository = forge.Folder(at)
	return fault.Wrap(fault.Invalid, err, "--repo")
}

// tellNewest starts the integration of a branch's commit that was packed. Hooks of two pushes may come to that in either order, and who comes last is tested: a
// commit that is not the newest any more is not told, and after it was told, where the branch has moved on meanwhile, the newest is packed and told. So
// whoever tells last tells the newest. No run is returned where another hook tells it.
func tellNewest(input *workflows.IntegrationInput, pack func() error, start func() (client.WorkflowRun, error)) (client.WorkflowRun, error) {
	if newest, err := newestOf(*input); newest != "" || err != nil {
		return nil, err
	}
	for {
		run, err := start()
		if err != nil {
			return nil, err
		}
		newest, err := newestOf(*input)
		if fault.CodeOf(err) == fault.NotFound { // the branch is gone by now
			return run, nil
		}
		if err != nil {
			return nil, err
		}
		if newest == "" {
			return run, nil
		}
		input.Ref = newest
		if err := pack(); err != nil {
			return nil, err
		}
	}
}

// newestOf is the newest commit of the branch of one that was packed, where that is another.
func newestOf(input workflows.IntegrationInput) (string, error) {
	if input.Branch == "" || input.Packed == nil {
		return "", nil
	}
	repository, err := git.Open(input.Repository)
	if err != nil {
		return "", err
	}
	newest, err := repository.Hash(git.BranchRef(input.Branch))
	if newest == input.Packed.Commit {
		return "", nil
	}
	return newest, err
}

// startIntegration starts an integration. One of the same branch that goes on gives way to it, and goes on with it: who waits for the run that is returned
// waits for what the last of them comes to.
func startIntegration(ctx context.Context, temporal client.Client, input workflows.IntegrationInput) (client.WorkflowRun, error) {
	input.Event = "command-" + rand.Text()
	id := input.ID()
	run, err := temporal.SignalWithStartWorkflow(ctx, id, workflows.PushSignal, input, client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.TaskQueue, StaticSummary: "test " + input.Ref + " of " + filepath.Base(input.Repository),
	}, workflows.ContinuousIntegrationName, input)
	return run, fault.Wrap(fault.Unavailable, err, "starting %s", id)
}
