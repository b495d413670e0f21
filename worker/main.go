// Command loanops-worker takes workflows and activities from Temporal's task queue "loanops". Run as many as the load needs.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

const usage = `Usage: loanops-worker [--activities N] [--ready-file FILE]

Takes LoanOps' workflows and activities from Temporal's task queue "loanops" until it is told to stop (SIGINT, SIGTERM).
It is configured by the environment: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the other variables of Temporal's standard
configuration; the standard AWS variables for S3; and LOANOPS_*, see docs/reference.md. On one machine "loanops up" sets
them all.

Example: env $(cat .loanops/platform.env) loanops-worker

`

// stopTimeout is how long activities may go on after the worker was told to stop; then they run elsewhere.
const stopTimeout = 5 * time.Second

func main() {
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), usage)
		flag.PrintDefaults()
	}
	concurrent := flag.Int("activities", 4, "how many activities run at once")
	readyFile := flag.String("ready-file", "", "file to write the process ID to once the worker polls")
	flag.Parse()
	if flag.NArg() > 0 || *concurrent < 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *concurrent, *readyFile)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "loanops-worker: %v\n", err)
		if fault.CodeOf(err) == fault.Invalid {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, concurrent int, readyFile string) error {
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	cfg, err := settings.FromEnvironment()
	if err != nil {
		return err
	}
	temporal, err := dial(logger)
	if err != nil {
		return err
	}
	defer temporal.Close()
	stages, closeStages, err := wire(ctx, cfg, temporal)
	if err != nil {
		return err
	}
	defer closeStages()

	failed := make(chan error, 1)
	w := worker.New(temporal, workflows.TaskQueue, worker.Options{
		MaxConcurrentActivityExecutionSize: concurrent,
		WorkerStopTimeout:                  stopTimeout,
		// A cancellation reaches an activity with its heartbeats: not later than this.
		MaxHeartbeatThrottleInterval:     2 * time.Second,
		DefaultHeartbeatThrottleInterval: 2 * time.Second,
		OnFatalError:                     func(err error) { failed <- err },
	})
	workflows.Register(w)
	activities.Register(w, stages)
	if err := w.Start(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "starting the worker")
	}
	defer w.Stop()
	if err := announce(readyFile); err != nil {
		return err
	}
	logger.Info("worker started", "queue", workflows.TaskQueue, "activities", concurrent)
	select {
	case <-ctx.Done():
		logger.Info("worker stopping")
		return nil
	case err := <-failed:
		return err
	}
}

func dial(logger *slog.Logger) (client.Client, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "Temporal's configuration")
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	options.Identity = fmt.Sprintf("loanops-worker-%d@%s", os.Getpid(), host)
	options.Logger = log.NewStructuredLogger(logger)
	temporal, err := client.Dial(options)
	return temporal, fault.Wrap(fault.Unavailable, err, "reaching Temporal at %s (TEMPORAL_ADDRESS)", options.HostPort)
}

// announce writes the process ID, whole or not at all.
func announce(path string) error {
	if path == "" {
		return nil
	}
	return fault.Wrap(fault.Unavailable, file.Write(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o600), "writing the ready file")
}
