package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enumspb "go.temporal.io/api/enums/v1"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/history"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

func (a *app) runsListCommand() *cobra.Command {
	var pipeline string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List runs, newest first", Args: between(0, 0),
		Example: "  loanops runs list --pipeline loan-eligibility --limit 10",
		RunE: func(c *cobra.Command, _ []string) error {
			reg, _, err := a.registry(c.Context())
			if err != nil {
				return err
			}
			defer reg.Close()
			runs, err := reg.Runs(c.Context(), pipeline, limit)
			if err != nil {
				return err
			}
			rows := [][]string{{"RUN", "TYPE", "PIPELINE", "STATUS", "VERDICT", "STARTED", "TOOK"}}
			for _, r := range runs {
				rows = append(rows, []string{r.ID, r.Type, r.Pipeline, string(r.Status), r.Verdict, r.StartedAt.Format(timeLayout), took(r.StartedAt, r.EndedAt)})
			}
			return a.print(runs, func() { a.table(rows) })
		},
	}
	c.Flags().StringVar(&pipeline, "pipeline", "", "only runs of this pipeline")
	c.Flags().IntVar(&limit, "limit", 50, "how many")
	return c
}

func took(from, to time.Time) string {
	if to.IsZero() || from.IsZero() {
		return ""
	}
	return to.Sub(from).Round(time.Millisecond).String()
}

// shownRun is a run with the analyses of its canary and what it has made so far.
type shownRun struct {
	registry.Run
	CanaryChecks []registry.CanaryCheck  `json:"canary_checks"`
	Artifacts    map[string]artifact.Ref `json:"artifacts"`
}

func (a *app) runsShowCommand() *cobra.Command {
	var save string
	c := &cobra.Command{
		Use: "show RUN", Short: "Show a run's steps; RUN is a run ID, or a workflow ID for its newest run", Args: between(1, 1),
		Example: "  loanops runs show training-loan-eligibility\n  loanops runs show delivery-loan-eligibility --save reports",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			run, err := reg.Run(ctx, args[0])
			if err != nil {
				return err
			}
			if run.Status == registry.RunRunning {
				if run.Steps, err = liveSteps(ctx, s, run); err != nil {
					a.say("the steps as of now cannot be read: %v", err)
				}
			}
			checks, err := reg.CanaryChecks(ctx, run.ID)
			if err != nil {
				return err
			}
			artifacts, err := reg.RunArtifacts(ctx, run.ID)
			if err != nil {
				return err
			}
			if save != "" {
				if err := a.save(ctx, s, artifacts, save); err != nil {
					return err
				}
			}
			shown := shownRun{run, checks, artifacts}
			return a.print(shown, func() { a.describeRun(shown) })
		},
	}
	c.Flags().StringVar(&save, "save", "", "`folder` to save the reports and data to that the run has made so far")
	return c
}

// liveSteps reads the steps of an open run from its history.
func liveSteps(ctx context.Context, s settings.Settings, run registry.Run) ([]registry.RunStep, error) {
	temporal, err := dial(ctx, s)
	if err != nil {
		return nil, err
	}
	defer temporal.Close()
	return history.Steps(temporal.GetWorkflowHistory(ctx, run.WorkflowID, run.ID, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT))
}

func (a *app) describeRun(r shownRun) {
	fmt.Fprintf(a.out, "%s of %s: %s %s\nrun %s, started %s by %s", r.Type, r.Pipeline, r.Status, r.Verdict, r.ID, r.StartedAt.Format(timeLayout), r.Trigger)
	if r.Cause != "" {
		fmt.Fprintf(a.out, " (%s)", r.Cause)
	}
	if !r.EndedAt.IsZero() {
		fmt.Fprintf(a.out, ", took %s, of which its steps ran %s", took(r.StartedAt, r.EndedAt), r.Busy().Round(time.Millisecond))
	}
	fmt.Fprintln(a.out)
	a.listReasons(reasons(r.Result))
	fmt.Fprintln(a.out)
	rows := [][]string{{"STEP", "STATUS", "ATTEMPTS", "TOOK", ""}}
	for _, s := range r.Steps {
		note := s.LastFailed
		if s.Cached {
			note = "cached"
		}
		rows = append(rows, []string{s.Name, s.Status, strconv.Itoa(s.Attempts), s.Duration.Round(time.Millisecond).String(), note})
	}
	a.table(rows)
	if len(r.Artifacts) > 0 {
		fmt.Fprintln(a.out)
		a.listArtifacts(r.Artifacts)
	}
	for _, check := range r.CanaryChecks {
		fmt.Fprintf(a.out, "canary %s at %d %%: %s, %s\n", check.Phase, check.Weight, check.Verdict, strings.Join(check.Reasons, "; "))
	}
	if r.Error != "" {
		fmt.Fprintln(a.out, r.Error)
	}
}

// reasons are those of a run's result; none while it has none.
func reasons(result json.RawMessage) []string {
	var ended workflows.Result
	if json.Unmarshal(result, &ended) != nil {
		return nil // a later version may have kept another form, and steps and artifacts are of use without it
	}
	return ended.Reasons
}
