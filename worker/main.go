// Command loanops-worker takes workflows from Temporal's task queue "loanops" and the steps of its roles from the roles' queues. Run as
// many as the load needs.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/namespace"
	"github.com/loanops/loanops/internal/sandbox"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/workers"
	"github.com/loanops/loanops/workflows"
)

const usage = `Usage: loanops-worker [--roles data,train,deliver,integrate] [--activities N] [--build-id BUILD] [--ready-file FILE]

Takes LoanOps' workflows from Temporal's task queue "loanops" and the steps of its roles from "loanops-data", "loanops-train",
"loanops-deliver" and "loanops-integrate" (urgent ones from queues of their own, "loanops-deliver-urgent"), until it is told to stop (SIGINT, SIGTERM).
It takes the runs of its build: those that began with it, and new ones where it is the current build, see "loanops workers".
"loanops-worker healthy" ends with 0 where the worker with the same LOANOPS_HEALTH_ADDRESS takes work, and Temporal answers it;
"loanops-worker build" says of which build one with this environment is.
It is configured by the environment: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the other variables of Temporal's standard
configuration; the standard AWS variables for S3; and LOANOPS_*, see docs/reference.md. On one machine "loanops up" sets
them all.

Example: env $(cat .loanops/platform.env) loanops-worker

`

// stopTimeout is how long activities may go on after the worker was told to stop; then they run elsewhere.
const stopTimeout = 5 * time.Second

// jobs are what the program does beside working: for the loanops command, since DuckDB is linked into it alone, for health checks, for who upgrades workers, and for itself.
var jobs = map[string]func(ctx context.Context, args []string) (exitCode int){"check": check, "integrate": integrate, "healthy": askHealth, "build": sayBuild, sandbox.Job: sandbox.Supervise}

func main() {
	if len(os.Args) > 1 {
		if job, is := jobs[os.Args[1]]; is {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			code := job(ctx, os.Args[2:])
			stop()
			os.Exit(code)
		}
	}
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	roles := activities.Roles
	flag.Func("roles", "`list` of the roles whose steps it does (default data,train,deliver,integrate)", func(text string) (err error) {
		roles, err = parseRoles(text)
		return err
	})
	concurrent := flag.Int("activities", 4, "how many activities of each queue run at once")
	readyFile := flag.String("ready-file", "", "file to write the process ID to once the worker polls")
	build := flag.String("build-id", "", "`build` that it is of (default: LOANOPS_BUILD_ID, else the beginning of its program's SHA-256)")
	flag.Parse()
	if flag.NArg() > 0 || *concurrent < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, roles, *concurrent, *build, *readyFile)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "loanops-worker: %v\n", err)
		if fault.CodeOf(err) == fault.Invalid {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// parseRoles reads a list such as data,train.
func parseRoles(text string) ([]activities.Role, error) {
	var roles []activities.Role
	for name := range strings.SplitSeq(text, ",") {
		role := activities.Role(name)
		if !slices.Contains(activities.Roles, role) || slices.Contains(roles, role) {
			return nil, errors.New("a list of data, train, deliver and integrate is wanted, each at most once")
		}
		roles = append(roles, role)
	}
	return roles, nil
}

func texts(roles []activities.Role) []string {
	var texts []string
	for _, role := range roles {
		texts = append(texts, string(role))
	}
	return texts
}

func run(ctx context.Context, roles []activities.Role, concurrent int, build, readyFile string) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	cfg, err := settings.ForWorker(texts(roles)...)
	if err != nil {
		return err
	}
	build, err = buildID(cmp.Or(build, cfg.Build))
	if err != nil {
		return err
	}
	healthy, err := serveHealth(ctx, cfg.HealthAddress)
	if err != nil {
		return err
	}
	temporal, name, err := dial(logger)
	if err != nil {
		return err
	}
	defer temporal.Close()
	of, err := namespace.Describe(ctx, temporal.WorkflowService(), name)
	if err != nil {
		return err
	}
	addSearchAttributes(ctx, temporal.OperatorService(), name, logger)
	if slices.Contains(roles, activities.Deliver) || slices.Contains(roles, activities.Integrate) {
		if cfg.PredictorImage, err = predictorImage(ctx, cfg, logger); err != nil {
			return err
		}
	}
	stages, closeStages, err := wire(ctx, cfg, roles, temporal, of)
	if err != nil {
		return err
	}
	defer closeStages()
	stages.Trials = activities.Trials{Build: build, Replay: historianOf(temporal).replay}

	failed := make(chan error, 1+2*len(roles)) // one for each worker
	fatal := func(err error) { failed <- err }
	version := worker.DeploymentOptions{UseVersioning: true, Version: workers.VersionOf(build)}
	decider := worker.New(temporal, workflows.TaskQueue, worker.Options{
		LocalActivityWorkerOnly: true, WorkerStopTimeout: stopTimeout, OnFatalError: fatal, DeploymentOptions: version,
	})
	workflows.Register(decider)
	all := []worker.Worker{decider}
	options := worker.Options{
		DisableWorkflowWorker:              true,
		MaxConcurrentActivityExecutionSize: concurrent,
		WorkerStopTimeout:                  stopTimeout,
		// A cancellation reaches an activity with its heartbeats: not later than this.
		MaxHeartbeatThrottleInterval:     2 * time.Second,
		DefaultHeartbeatThrottleInterval: 2 * time.Second,
		OnFatalError:                     fatal,
		DeploymentOptions:                version,
	}
	for _, role := range roles {
		for queue, urgent := range map[string]bool{role.Queue(): false, role.UrgentQueue(): true} {
			w := worker.New(temporal, queue, options)
			activities.Register(w, role, urgent, stages)
			all = append(all, w)
		}
	}
	stop, err := start(all)
	if err != nil {
		return err
	}
	defer stop()
	healthy.polls(temporal)
	cluster := workers.Cluster{Client: temporal, Namespace: name, Queue: workflows.TaskQueue}
	go tellCommit(ctx, cluster, build, logger)
	go cluster.Lead(ctx, build, logger)
	if slices.Contains(roles, activities.Deliver) {
		warnOfNobody(logger, len(stages.Alerts.Endpoints))
		if err := adoptRollbacks(ctx, stages.Environments.Registry, temporal, logger); err != nil {
			logger.Warn("rollbacks are not followed", "error", err) // the next worker that starts tries again
		}
	}
	if err := announce(readyFile); err != nil {
		return err
	}
	logger.Info("worker started", "queue", workflows.TaskQueue, "roles", roles, "activities", concurrent, "build", build)
	select {
	case <-ctx.Done():
		logger.Info("worker stopping")
		return nil
	case err := <-failed:
		return err
	}
}

// start starts every worker; stop stops them all at once, so that each has the whole time to stop.
func start(workers []worker.Worker) (stop func(), err error) {
	var started []worker.Worker
	stop = func() {
		var stopping sync.WaitGroup
		for _, w := range started {
			stopping.Go(w.Stop)
		}
		stopping.Wait()
	}
	for _, w := range workers {
		if err := w.Start(); err != nil {
			stop()
			return nil, fault.Wrap(fault.Unavailable, err, "starting the worker")
		}
		started = append(started, w)
	}
	return stop, nil
}

// dial connects to the Temporal that the environment names, and says which namespace that is.
func dial(logger *slog.Logger) (temporal client.Client, namespace string, err error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, "", fault.Wrap(fault.Invalid, err, "Temporal's configuration")
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	options.Identity = fmt.Sprintf("loanops-worker-%d@%s", os.Getpid(), host)
	options.Logger = log.NewStructuredLogger(logger)
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	temporal, err = client.Dial(options)
	return temporal, options.Namespace, fault.Wrap(fault.Unavailable, err, "reaching Temporal at %s (TEMPORAL_ADDRESS)", options.HostPort)
}

// announce writes the process ID, whole or not at all.
func announce(path string) error {
	if path == "" {
		return nil
	}
	return fault.Wrap(fault.Unavailable, file.Write(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600), "writing the ready file")
}
