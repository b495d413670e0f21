// Command loanops-devserver is what a LoanOps platform on one machine stands on, in one process: a Temporal server on a
// SQLite file, its Web UI, an S3 store and an OCI registry, each over a folder. Everything listens on loopback.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

const usage = `loanops-devserver: Temporal server, Web UI, S3 store and OCI registry for one machine

The Temporal flags are those of "temporal server start-dev". The S3 store takes its keys from the environment:
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Without --registry-port there is no registry. It ends cleanly at SIGTERM or SIGINT.

Example:
  AWS_ACCESS_KEY_ID=dev AWS_SECRET_ACCESS_KEY=secret loanops-devserver \
    --db-filename state/temporal.db --port 7233 --http-port 7243 --ui-port 8233 --s3-port 9000 --s3-dir state/s3 \
    --registry-port 5000 --registry-dir state/registry \
    --search-attribute LoanOpsPipeline=Keyword

Flags:
`

func main() {
	options, err := parse(os.Args[1:], os.Stderr)
	if err != nil {
		if err == flag.ErrHelp {
			return
		}
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, options); err != nil {
		fmt.Fprintln(os.Stderr, "loanops-devserver:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	ip                         string
	port, httpPort, uiPort     int
	database, namespace, level string
	attributes                 attributes
	s3Port                     int
	s3Dir                      string
	registryPort               int
	registryDir                string
}

func parse(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("loanops-devserver", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.ip, "ip", "127.0.0.1", "address to listen on")
	flags.IntVar(&o.port, "port", 7233, "port of Temporal's gRPC service")
	flags.IntVar(&o.httpPort, "http-port", 7243, "port of Temporal's HTTP API")
	flags.IntVar(&o.uiPort, "ui-port", 8233, "port of the Web UI")
	flags.StringVar(&o.database, "db-filename", "", "SQLite `file` of the Temporal server; made when absent (needed)")
	flags.StringVar(&o.namespace, "namespace", "default", "namespace to have")
	flags.StringVar(&o.level, "log-level", "error", "debug, info, warn or error")
	flags.Var(&o.attributes, "search-attribute", "`Name=Type` of a search attribute of a new namespace; may be repeated")
	flags.IntVar(&o.s3Port, "s3-port", 9000, "port of the S3 store")
	flags.StringVar(&o.s3Dir, "s3-dir", "", "`folder` of the S3 store's buckets (needed)")
	flags.IntVar(&o.registryPort, "registry-port", 0, "port of the OCI registry; 0 for none")
	flags.StringVar(&o.registryDir, "registry-dir", "", "`folder` of the OCI registry; goes with --registry-port")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.database == "" || o.s3Dir == "" || flags.NArg() > 0 {
		err := fmt.Errorf("--db-filename and --s3-dir are needed, and no further arguments; see --help")
		fmt.Fprintln(out, err)
		return o, err
	}
	if (o.registryPort == 0) != (o.registryDir == "") {
		err := fmt.Errorf("--registry-port and --registry-dir go together; see --help")
		fmt.Fprintln(out, err)
		return o, err
	}
	return o, nil
}

// run serves until ctx ends or a part fails.
func run(ctx context.Context, o options) error {
	// The S3 store changes the working folder to its own.
	for _, path := range []*string{&o.database, &o.s3Dir, &o.registryDir} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	if err := os.MkdirAll(filepath.Dir(o.database), 0o700); err != nil {
		return err
	}
	unlock, err := lock(o.database + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	temporal, err := startTemporal(o)
	if err != nil {
		return err
	}
	defer temporal.Stop()
	ui := newUI(o)
	defer ui.Stop()
	failed := make(chan error, 3)
	go func() { failed <- ui.Start() }()
	serving, cancel := context.WithCancel(ctx)
	go func() { failed <- serveS3(serving, o) }()
	if o.registryPort != 0 {
		go func() { failed <- serveRegistry(serving, o) }()
	}
	select {
	case <-ctx.Done():
		cancel()
		return nil
	case err := <-failed:
		cancel()
		return err
	}
}
