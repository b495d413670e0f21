package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/workers"
)

// buildID is the build that this worker was told, or that of its program.
func buildID(told string) (string, error) {
	if told != "" {
		return told, workers.CheckBuild(told)
	}
	program, err := os.Executable()
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "this program's file")
	}
	return workers.BuildOf(program)
}

// sayBuild prints the build of a worker that is started without --build-id, for whoever promotes it.
func sayBuild(_ context.Context, args []string) int {
	if len(args) > 0 {
		fmt.Fprintln(os.Stderr, "loanops-worker: `loanops-worker build` is wanted, without anything else")
		return exitInvalid
	}
	build, err := buildID(os.Getenv("LOANOPS_BUILD_ID"))
	if err != nil {
		fmt.Fprintf(os.Stderr, "loanops-worker: %v\n", err)
		return exitCode(err)
	}
	fmt.Println(build)
	return 0
}

// tellCommit says which commit the build was made from, once Temporal knows the build. People read it; nothing depends on it.
func tellCommit(ctx context.Context, cluster workers.Cluster, build string, logger *slog.Logger) {
	commit := code().Revision
	if commit == "" {
		return
	}
	for range 60 {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
		if cluster.TellCommit(ctx, build, commit) == nil {
			return
		}
	}
	logger.Warn("the commit of this build is not told", "build", build, "commit", commit)
}
