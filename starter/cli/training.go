package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

func (a *app) trainCommand() *cobra.Command {
	var input workflows.TrainingInput
	var file string
	var wait bool
	c := &cobra.Command{
		Use: "start [PIPELINE]", Short: "Train a model from raw data and deliver it", Args: between(0, 1),
		Example: "  loanops ct start loan-eligibility --wait\n  loanops ct start loan-eligibility --data applications.csv --wait --output json\n  loanops ct start --pipeline cards.yaml --register-only",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			if input.Pipeline, err = pipelineName(ctx, reg, args, file); err != nil {
				return err
			}
			if input.Data, err = upload(ctx, s, input.Data); err != nil {
				return err
			}
			temporal, err := dial(ctx, s)
			if err != nil {
				return err
			}
			defer temporal.Close()
			run, err := start(ctx, temporal, workflows.TrainingID(input.Pipeline), workflows.ContinuousTrainingName, "train "+input.Pipeline, input)
			if err != nil {
				return err
			}
			return a.finish(ctx, temporal, run, wait)
		},
	}
	c.Flags().StringVar(&file, "pipeline", "", "spec `file` to register and train")
	c.Flags().StringVar(&input.Data, "data", "", "CSV or Parquet `file`, local or s3://, in place of the spec's source")
	c.Flags().StringVar(&input.AsOf, "as-of", "", "train on what was known on that `day`, such as 2026-03-31")
	c.Flags().BoolVar(&input.RegisterOnly, "register-only", false, "end after the registry, without a delivery")
	c.Flags().BoolVar(&input.RequireApproval, "require-approval", false, "let the delivery wait for the approve update")
	c.Flags().StringVar(&input.ApprovalExpires, "approval-expires", "", "how long it waits for it, such as 2h30m (default: 24h)")
	c.Flags().BoolVar(&wait, "wait", false, "wait for the end, with progress")
	input.Actor = actor()
	return c
}

// actor is who runs the command.
func actor() string {
	if name := os.Getenv("USER"); name != "" {
		return name
	}
	return "operator"
}

// finish waits for a run, or says where it can be seen.
func (a *app) finish(ctx context.Context, temporal client.Client, run client.WorkflowRun, wait bool) error {
	if !wait {
		started := map[string]string{"workflow_id": run.GetID(), "run_id": run.GetRunID()}
		return a.print(started, func() { fmt.Fprintf(a.out, "started %s, run %s\n", run.GetID(), run.GetRunID()) })
	}
	result, err := a.wait(ctx, temporal, run)
	if err != nil {
		return err
	}
	return a.result(result)
}

// pipelineName is the argument's, or that of the spec file, which is registered.
func pipelineName(ctx context.Context, reg registry.Registry, args []string, file string) (string, error) {
	switch {
	case file != "" && len(args) > 0:
		return "", fault.New(fault.Invalid, "a pipeline's name and --pipeline; give one of them")
	case file != "":
		spec, err := register(ctx, reg, file)
		return spec.Name, err
	case len(args) == 0:
		return "", fault.New(fault.Invalid, "which pipeline? give its name, such as loan-eligibility, or --pipeline FILE")
	}
	_, err := reg.Pipeline(ctx, args[0])
	return args[0], err
}

// register records the spec in a file.
func register(ctx context.Context, reg registry.Registry, file string) (pipeline.Spec, error) {
	data, err := readSpec(file)
	if err != nil {
		return pipeline.Spec{}, err
	}
	spec, err := pipeline.Parse(file, data)
	if err != nil {
		return spec, err
	}
	return spec, reg.PutPipeline(ctx, registry.NewPipelineSpec(spec, data))
}

func readSpec(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s: there is no such file that can be read", file)
	}
	return data, nil
}

// uploadTimeout bounds the way of a file into the object store.
const uploadTimeout = 10 * time.Minute

// upload brings a local file into the object store, so that any worker can read it.
func upload(ctx context.Context, s settings.Settings, uri string) (string, error) {
	if uri == "" || strings.HasPrefix(uri, "s3://") {
		return uri, nil
	}
	extension := strings.TrimPrefix(strings.ToLower(filepath.Ext(uri)), ".")
	if extension != "csv" && extension != "parquet" {
		return "", fault.New(fault.Invalid, "%s: a .csv or .parquet file is wanted", uri)
	}
	data, err := os.ReadFile(uri)
	if err != nil {
		return "", fault.New(fault.NotFound, "%s: there is no such file", uri)
	}
	ctx, cancel := context.WithTimeout(ctx, uploadTimeout)
	defer cancel()
	store, err := objects(ctx, s)
	if err != nil {
		return "", err
	}
	ref, err := store.Put(ctx, data, map[string]string{"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}[extension], extension)
	return ref.URI, err
}
