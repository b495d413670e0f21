package cli

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"github.com/loanops/loanops/api/hooks"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

// hooksGrace is how long deliveries that are under way may go on when the receiver is told to stop.
const hooksGrace = 5 * time.Second

func (a *app) hooksCommand() *cobra.Command {
	var address string
	c := &cobra.Command{
		Use: "hooks", Short: "Take what forges tell of pushes and merge requests, and look at branches (loanops up starts it)", Args: between(0, 0),
		Long: `Take what forges tell of pushes and merge requests, and look at branches.

GitHub, GitLab and Gitea send webhooks to POST /hooks/NAME, NAME being one of the repositories
that LOANOPS_REPOSITORY_<NAME>_URL names. The commit is tested as merged into its target where
it is a merge request; the branch of the settings is published, any other is only tested.`,
		Example: "  LOANOPS_REPOSITORY_LOANS_URL=https://git.bank.example/risk/loans.git \\\n  LOANOPS_REPOSITORY_LOANS_KIND=gitea LOANOPS_REPOSITORY_LOANS_SECRET_FILE=loans.secret \\\n  loanops hooks --address 127.0.0.1:8090",
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := settings.ForHooks()
			if err != nil {
				return err
			}
			repositories, err := s.Repositories()
			if err != nil {
				return err
			}
			temporal, err := dial(c.Context(), s)
			if err != nil {
				return err
			}
			defer temporal.Close()
			return serveHooks(c.Context(), address, repositories, pushes{temporal, repositories}.start)
		},
	}
	c.Flags().StringVar(&address, "address", "127.0.0.1:8090", "host:port to listen on")
	return c
}

// serveHooks receives and polls until the context ends.
func serveHooks(ctx context.Context, address string, repositories []forge.Repository, start func(context.Context, hooks.Event) error) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "--address")
	}
	server := hooks.Server(hooks.Receiver{Repositories: repositories, Start: start}.Handler())
	slog.Info("taking pushes", "address", listener.Addr().String(), "repositories", len(repositories))
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fault.Wrap(fault.Unavailable, err, "taking pushes")
		}
		return nil
	})
	all.Go(func() error { return hooks.Poller{Repositories: repositories, Start: start}.Run(ctx) })
	all.Go(func() error {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), hooksGrace)
		defer cancel()
		return server.Shutdown(last)
	})
	return all.Wait()
}

// pushes starts integrations.
type pushes struct {
	temporal     client.Client
	repositories []forge.Repository
}

// start starts what has the integration of an event run, once: under its ID Temporal takes no second workflow.
func (p pushes) start(ctx context.Context, e hooks.Event) error {
	input := p.input(e)
	id := workflows.PushID(e.ID())
	_, err := p.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: workflows.TaskQueue, StaticSummary: string(e.Kind) + " of " + e.Branch + " of " + e.Repository,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_FAIL, WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, workflows.PushName, input)
	var known *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &known) {
		return fault.New(fault.Conflict, "%s was started before", id)
	}
	return fault.Wrap(fault.Unavailable, err, "starting %s", id)
}

// input is how an event is tested: a merge request as merged into its target, and of branches only that of the settings is published.
func (p pushes) input(e hooks.Event) workflows.IntegrationInput {
	input := workflows.IntegrationInput{
		Repository: e.Repository, Ref: e.Ref, Against: e.Against, Commit: e.Commit, Fork: e.Fork, Trigger: registry.ByPush, Actor: e.Actor, Event: e.ID(), TestOnly: true,
	}
	for _, r := range p.repositories {
		if r.Name == e.Repository && e.Kind == hooks.Push && e.Branch == r.Branch {
			input.TestOnly = false
		}
	}
	return input
}
