// Command loanops is the operator's command: it starts the platform on one machine, starts and watches pipelines, and reads the
// registry.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/loanops/loanops/starter/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
