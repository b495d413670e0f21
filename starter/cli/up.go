package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/platform"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/store"
	"github.com/loanops/loanops/internal/store/featuredb"
	"github.com/loanops/loanops/pipelines"
	"github.com/loanops/loanops/workflows"
)

// defaultPipeline comes with LoanOps.
const defaultPipeline = "loan-eligibility.yaml"

func (a *app) upCommand() *cobra.Command {
	u := &up{app: a}
	c := &cobra.Command{
		Use: "up", Short: "Run the whole platform on this machine, from raw data to a champion", Args: between(0, 0),
		Long: `up starts Temporal with its Web UI, an S3 store, the deployment agent, the gateway and a worker,
all on loopback and with all state in one folder. Then it takes the pipeline from raw data to a
first version in production, and with simulated data once more to a challenger that goes through a
canary. What is done already is skipped. It serves until Ctrl-C.`,
		Example: "  loanops up\n  loanops up --once --state /tmp/demo\n  loanops up --pipeline cards.yaml --data cards.csv",
		RunE:    func(c *cobra.Command, _ []string) error { return u.run(c.Context()) },
	}
	c.Flags().BoolVar(&u.once, "once", false, "end after the first full run")
	c.Flags().BoolVar(&u.noRun, "no-run", false, "only serve")
	c.Flags().StringVar(&u.file, "pipeline", "", "spec `file` (default: the loan-eligibility pipeline that comes with LoanOps)")
	c.Flags().StringVar(&u.runtime, "runtime", "", runtimeUsage)
	c.Flags().StringVar(&u.data, "data", "", "CSV or Parquet `file`, local or s3://, in place of the spec's source")
	return c
}

// up is one call of the command.
type up struct {
	*app
	once, noRun bool
	file, data  string
	runtime     string
	began       time.Time
	features    feature.Store
	catalogue   *feature.Catalogue // of what is registered there
}

func (u *up) run(ctx context.Context) error {
	u.began = time.Now()
	spec, yaml, err := u.spec()
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := platform.Start(ctx, platform.Config{State: u.state, BinDir: filepath.Dir(program), Pipeline: spec.Name, Runtime: u.runtime, Say: u.say})
	if err != nil {
		return err
	}
	defer p.Stop()
	reg, err := store.Open(ctx, p.Settings.Database)
	if err != nil {
		return err
	}
	defer reg.Close()
	temporal, namespace, err := dialNamed(ctx, p.Settings)
	if err != nil {
		return err
	}
	defer temporal.Close()
	cluster := clusterOf(temporal, namespace)
	if u.features, err = featuredb.Open(ctx, p.Settings.FeaturesDatabase); err != nil {
		return err
	}
	defer u.features.Close()
	if err := errors.Join(u.declare(ctx, temporal), p.AwaitWorker(ctx)); err != nil { // the one while the worker starts
		return err
	}
	if err := u.renewWorkers(ctx, cluster, p.Build); err != nil {
		return err
	}
	bring := func(ctx context.Context, of pipeline.Spec) (string, map[string][]string, error) {
		if of.Name != spec.Name {
			return u.bringSpec(ctx, p.Settings, of, "")
		}
		return u.bringSpec(ctx, p.Settings, of, u.data)
	}
	changed, err := u.register(ctx, u.registrar(reg, temporal, bring), spec, registry.NewPipelineSpec(spec, yaml))
	if err != nil {
		return err
	}
	if err := p.Announce(); err != nil {
		return err
	}
	keeping, stop := context.WithCancel(ctx)
	kept := make(chan struct{})
	go func() {
		p.KeepWorkers(keeping, cluster.Versions)
		close(kept)
	}()
	defer func() { // before the services end
		stop()
		<-kept
	}()
	u.say("the platform is ready after %s: Web UI %s", u.elapsed(), p.Endpoints().TemporalUI)
	if !u.noRun {
		if err := u.job(ctx, p, temporal, reg, spec, changed); err != nil || u.once {
			return err
		}
	}
	u.say("serving; Ctrl-C ends it")
	<-ctx.Done()
	return nil
}

func (u *up) elapsed() time.Duration { return time.Since(u.began).Round(100 * time.Millisecond) }

// spec reads the pipeline's YAML.
func (u *up) spec() (spec pipeline.Spec, yaml []byte, err error) {
	if u.file != "" {
		return resolvedSpec(u.file)
	}
	if yaml, err = pipelines.FS.ReadFile(defaultPipeline); err == nil {
		spec, err = pipeline.Parse(defaultPipeline, yaml)
	}
	return spec, yaml, err
}

// register records every pipeline that comes with LoanOps, and the given one. It returns the trigger of the training that this one's change starts, nil
// for none.
func (u *up) register(ctx context.Context, to registrar, given pipeline.Spec, as registry.PipelineSpec) (client.WorkflowRun, error) {
	shipped, err := fs.Glob(pipelines.FS, "*.yaml")
	if err != nil {
		return nil, err
	}
	for _, file := range shipped {
		data, err := pipelines.FS.ReadFile(file)
		if err != nil {
			return nil, err
		}
		spec, err := pipeline.Parse(file, data)
		if err != nil {
			return nil, err
		}
		if spec.Name == given.Name {
			continue
		}
		if _, err := u.registerOne(ctx, to, spec, registry.NewPipelineSpec(spec, data)); err != nil {
			return nil, err
		}
	}
	return u.registerOne(ctx, to, given, as)
}

func (u *up) registerOne(ctx context.Context, to registrar, spec pipeline.Spec, as registry.PipelineSpec) (client.WorkflowRun, error) {
	done, err := to.register(ctx, spec, as)
	if done.Triggered != "" {
		u.say("%s: a training is started, by %s: %s", done.Pipeline, done.Triggered, done.Reason)
	}
	return done.trigger, err
}

// challengerDays is how much older the first run's data are, so that the second has something new to learn.
const challengerDays = 90

// job takes the pipeline to a champion, and with simulated data to a second one through a canary. A training that a changed spec has started stands for
// the one that would be due, and is waited for where nothing else is to come.
func (u *up) job(ctx context.Context, p *platform.Platform, temporal client.Client, reg registry.Registry, spec pipeline.Spec, changed client.WorkflowRun) error {
	simulated := spec.Source.Simulate != nil && u.data == ""
	from := workflows.TrainingInput{Pipeline: spec.Name, Trigger: registry.ByUp, Actor: actor()}
	err := u.looks(&spec)
	if err != nil {
		return err
	}
	if from.Data, from.Uploads, err = u.bringSpec(ctx, p.Settings, spec, u.data); err != nil {
		return err
	}
	shown := false // whether the decision of the version that serves has been shown
	for run := 1; ; run++ {
		versions, err := reg.Versions(ctx, spec.Name)
		if err != nil {
			return err
		}
		newest, err := reg.Serving(ctx, spec.Name, serving.Production)
		if err != nil {
			return err
		}
		first := newest.Champion == nil
		due := first || simulated && len(versions) < 2
		if run > 2 || !due && (changed == nil || !u.once) {
			break
		}
		input := from
		if first && simulated {
			input.AsOf = spec.Source.Simulate.To.AddDate(0, 0, -challengerDays).Format(pipeline.DateLayout)
		}
		var result workflows.Result
		if changed != nil {
			result, err = u.follow(ctx, temporal, changed)
			changed = nil
		} else {
			result, err = u.train(ctx, temporal, input, first)
		}
		if err != nil {
			return err
		}
		if ended := (verdictError{result.Verdict}); ended.code() != exitDone {
			return u.result(result)
		}
		u.say("%s: version %d after %s", result.Verdict, result.Model.Version, u.elapsed())
		if shown = false; !first {
			continue
		}
		if shown = u.output != "json"; shown { // a program gets one JSON value, at the end
			if err := u.show(ctx, p, reg, spec); err != nil {
				return err
			}
		}
		if err := u.fill(ctx, temporal, spec); err != nil {
			return err
		}
		if shown && len(spec.Looked()) > 0 {
			if _, _, err := u.decideOnce(ctx, p, reg, spec); err != nil {
				return err
			}
		}
	}
	if shown {
		return nil
	}
	return u.show(ctx, p, reg, spec)
}

// train starts a training, or joins the one that a platform before this one left running, or that a schedule was first to start.
func (u *up) train(ctx context.Context, temporal client.Client, input workflows.TrainingInput, first bool) (workflows.Result, error) {
	id := workflows.TrainingID(input.Pipeline)
	run, err := start(ctx, temporal, id, workflows.ContinuousTrainingName, "train "+input.Pipeline, input)
	if fault.CodeOf(err) == fault.Conflict {
		u.say("going on with %s, which is under way", id)
		return u.wait(ctx, temporal, temporal.GetWorkflow(ctx, id, ""))
	}
	if err != nil {
		return workflows.Result{}, err
	}
	what := "training a challenger on newer data; it goes through a canary"
	if first {
		what = "training a first version; it is bootstrapped into production"
	}
	u.say("%s: %s", input.Pipeline, what)
	return u.wait(ctx, temporal, run)
}

// follow waits for the training that a trigger starts: at once, or when another one has ended.
func (u *up) follow(ctx context.Context, temporal client.Client, trigger client.WorkflowRun) (workflows.Result, error) {
	for {
		var done workflows.Triggered
		if err := trigger.Get(ctx, &done); err != nil {
			return workflows.Result{}, workflowFault(err)
		}
		next := temporal.GetWorkflow(ctx, done.WorkflowID, done.RunID)
		if done.Outcome == workflows.TriggerStarted {
			return u.wait(ctx, temporal, next)
		}
		trigger = next // the keeper
	}
}

// decideOnce asks the champion about an application of somebody whom the feature store knows, if there is anybody, and says what it decides.
func (u *up) decideOnce(ctx context.Context, p *platform.Platform, reg registry.Registry, spec pipeline.Spec) (body []byte, d answer, err error) {
	if body, err = exampleApplication(ctx, reg, p.Settings, spec.Name); err == nil {
		body, err = u.known(ctx, spec, body)
	}
	if err != nil {
		return nil, d, err
	}
	key, err := u.key("")
	if err != nil {
		return nil, d, err
	}
	if d, err = decide(ctx, p.Settings.Gateway, spec.Name, key, body); err != nil {
		return nil, d, errors.Join(errors.New("the champion does not decide"), err)
	}
	if u.output != "json" {
		u.describeDecision(body, d)
	}
	return body, d, nil
}

// show makes one decision and says where everything is.
func (u *up) show(ctx context.Context, p *platform.Platform, reg registry.Registry, spec pipeline.Spec) error {
	body, d, err := u.decideOnce(ctx, p, reg, spec)
	if err != nil {
		return err
	}
	e := p.Endpoints()
	endpoints := struct {
		platform.Endpoints
		Decision answer `json:"decision"`
	}{e, d}
	return u.print(endpoints, func() {
		fmt.Fprintf(u.out, "\n(after %s)\n\ncurl -s %s/v1/decisions -H 'Content-Type: application/json' \\\n  -H \"Authorization: Bearer $(sed -n 's/.*\"north-bank\": \"\\(.*\\)\".*/\\1/p' %s)\" \\\n  -d '%s'\n\n",
			u.elapsed(), e.Gateway, e.KeysFile, strings.ReplaceAll(string(body), "'", `'\''`))
		fmt.Fprintf(u.out, "Web UI   %s\ngateway  %s  (openapi.json, metrics)\nreports  loanops models show %s --state %s --save reports\n", e.TemporalUI, e.Gateway, spec.Name, u.state)
	})
}
