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

	"github.com/loanops/loanops/internal/approval"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

func (a *app) trainCommand() *cobra.Command {
	var input workflows.TrainingInput
	var file string
	var by signer
	var wait bool
	c := &cobra.Command{
		Use: "start [PIPELINE]", Short: "Train a model from raw data and deliver it", Args: between(0, 1),
		Example: "  loanops ct start loan-eligibility --wait\n  loanops ct start loan-eligibility --data applications.csv --wait --output json\n  loanops ct start --pipeline cards.yaml --register-only",
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if err := pipeline.CheckDay("--as-of", input.AsOf); err != nil {
				return err
			}
			reg, s, err := a.registry(ctx)
			if err != nil {
				return err
			}
			defer reg.Close()
			registered, err := a.given(ctx, s, reg, &input, args, file)
			if err != nil {
				return err
			}
			if err := by.resolve(); err != nil {
				return err
			}
			if by.signs() {
				input.Actor = by.name
				if input.Signed, err = by.start(workflows.TrainingID(input.Pipeline), input.Pipeline, input.Digest()); err != nil {
					return err
				}
			}
			temporal, err := dial(ctx, s)
			if err != nil {
				return err
			}
			defer temporal.Close()
			if registered != nil {
				if err := schedules(temporal).Register(ctx, reg, *registered); err != nil {
					return err
				}
			}
			run, err := start(ctx, temporal, workflows.TrainingID(input.Pipeline), workflows.ContinuousTrainingName, "train "+input.Pipeline, input)
			if err != nil {
				return err
			}
			return a.finish(ctx, temporal, run, wait)
		},
	}
	c.Flags().StringVar(&file, "pipeline", "", "spec `file` to register and train")
	c.Flags().StringVar(&input.Data, "data", "", "`uri` of rows in place of the spec's: files or s3://bucket/key")
	c.Flags().StringVar(&input.AsOf, "as-of", "", "train on what was known on that `day`, such as 2026-03-31")
	c.Flags().BoolVar(&input.RegisterOnly, "register-only", false, "end after the registry, without a delivery")
	c.Flags().BoolVar(&input.RequireApproval, "require-approval", false, "let the delivery wait for the approve update")
	c.Flags().StringVar(&input.ApprovalExpires, "approval-expires", "", "how long it waits for it, such as 2h30m (default: 24h)")
	c.Flags().BoolVar(&wait, "wait", false, "wait for the end, with progress")
	by.flags(c)
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

// checkRecorded refuses what a person says for a record and that is nothing, or not one line each.
func checkRecorded(reason, actor, with string) error {
	if strings.TrimSpace(reason) == "" || strings.TrimSpace(actor) == "" {
		return fault.New(fault.Invalid, "--reason and --actor must say something: they are kept with the %s", with)
	}
	if err := approval.CheckText("reason", reason); err != nil {
		return err
	}
	return approval.CheckText("actor", actor)
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

// given says in the input what is trained: the pipeline that is named, or the spec in the file, and then what that is to be registered as.
func (a *app) given(ctx context.Context, s settings.Settings, reg registry.Registry, input *workflows.TrainingInput, args []string, file string) (*registry.PipelineSpec, error) {
	switch {
	case file != "" && len(args) > 0:
		return nil, fault.New(fault.Invalid, "a pipeline's name and --pipeline; give one of them")
	case file == "" && len(args) == 0:
		return nil, fault.New(fault.Invalid, "which pipeline? give its name, such as loan-eligibility, or --pipeline FILE")
	case file == "":
		var err error
		input.Pipeline = args[0]
		input.Data, input.Uploads, err = a.bring(ctx, s, reg, input.Pipeline, input.Data, input.AsOf)
		return nil, err
	}
	spec, yaml, err := resolvedSpec(file)
	if err != nil {
		return nil, err
	}
	if err := checkAsOf(input.AsOf, spec.Source, input.Data); err != nil {
		return nil, err
	}
	input.Pipeline = spec.Name
	registered := registry.NewPipelineSpec(spec, yaml)
	input.Data, input.Uploads, err = a.bringSpec(ctx, s, spec, input.Data)
	return &registered, err
}

// resolvedSpec reads a spec file; its relative paths, which are relative to it, become absolute.
func resolvedSpec(file string) (pipeline.Spec, []byte, error) {
	data, err := readSpec(file)
	if err != nil {
		return pipeline.Spec{}, nil, err
	}
	if data, err = pipeline.Resolve(file, data); err != nil {
		return pipeline.Spec{}, nil, err
	}
	spec, err := pipeline.Parse(file, data)
	return spec, data, err
}

// bring stores the local files that replace the rows of a registered pipeline, and are read as its spec says of those; what else the spec names was brought
// when it was registered, or is read by the worker. A day of --as-of that the run would refuse is refused before. It returns what bringSpec does.
func (a *app) bring(ctx context.Context, s settings.Settings, reg registry.Registry, name, data, asOf string) (named string, uploads map[string][]string, err error) {
	registered, err := reg.Pipeline(ctx, name)
	if err != nil || data == "" && asOf == "" {
		return "", nil, err
	}
	spec, err := pipeline.Parse(name+".yaml", registered.YAML)
	if err == nil {
		err = checkAsOf(asOf, spec.Source, data)
	}
	if err != nil || data == "" {
		return "", nil, err
	}
	return a.bringSpec(ctx, s, pipeline.Spec{Source: pipeline.Source{Relation: spec.Source.Relation}}, data)
}

// checkAsOf refuses a day on which nobody can know yet what a run reads of the source, or the data that it is given in place of its rows.
func checkAsOf(asOf string, source pipeline.Source, data string) error {
	read := source.Given(data)
	return pipeline.CheckUntil("--as-of", asOf, read.Last(time.Now()))
}

// bringSpec stores the local files that the run is to read: those of the spec, and data, which replace its rows. It returns how the run names the data, and
// where the files are.
func (a *app) bringSpec(ctx context.Context, s settings.Settings, spec pipeline.Spec, data string) (named string, uploads map[string][]string, err error) {
	if data != "" {
		spec.Source.Relation = spec.Source.At(data)
		switch {
		case spec.Source.Local():
			if data, err = filepath.Abs(data); err != nil {
				return "", nil, fault.Wrap(fault.Invalid, err, "--data")
			}
			spec.Source.Relation = spec.Source.At(data)
		case !strings.HasPrefix(data, "s3://"):
			return "", nil, fault.New(fault.Invalid, "--data %s: a local path or s3://bucket/key is wanted", data)
		}
	}
	uploads, err = a.upload(ctx, s, spec)
	return data, uploads, err
}

func readSpec(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s: there is no such file that can be read", file)
	}
	return data, nil
}
