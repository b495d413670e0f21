package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/settings"
)

const checkUsage = `Usage: loanops-worker check --pipeline SPECFILE [--output json] [--save DIR] [FILE]

Takes data from files to a cleaned, validated, split dataset and looks for leaks, without a platform: what "loanops data check" runs.
Ends with 0 when a training would go on, 2 for bad input, 3 when it would be refused.

Example: loanops-worker check --pipeline cards.yaml cards.csv
`

// The exit codes of a check, those of the loanops command.
const (
	exitFault   = 1
	exitInvalid = 2
	exitRefused = 3
)

// check is the program's second job: DuckDB is linked into it alone.
func check(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("check", flag.ExitOnError)
	flags.Usage = func() { fmt.Fprint(flags.Output(), checkUsage) }
	spec := flags.String("pipeline", "", "spec `file`")
	output := flags.String("output", "text", "text or json")
	to := flags.String("save", "", "`folder` for what was made")
	if err := flags.Parse(args); err != nil || *spec == "" || flags.NArg() > 1 {
		flags.Usage()
		return exitInvalid
	}
	made, err := checked(ctx, *spec, flags.Arg(0), *to)
	if err != nil {
		fmt.Fprintf(os.Stderr, "loanops: %v\n", err)
		return exitCode(err)
	}
	if *output == "json" {
		err = json.NewEncoder(os.Stdout).Encode(made)
	} else {
		_, err = fmt.Print(made)
	}
	switch {
	case err != nil:
		return exitFault
	case len(made.Refused) > 0:
		return exitRefused
	}
	return 0
}

func checked(ctx context.Context, file, data, to string) (activities.DataCheck, error) {
	if err := savable(to); err != nil {
		return activities.DataCheck{}, err
	}
	yaml, err := os.ReadFile(file)
	if err != nil {
		return activities.DataCheck{}, fault.New(fault.NotFound, "%s: there is no such file that can be read", file)
	}
	if yaml, err = pipeline.Resolve(file, yaml); err != nil {
		return activities.DataCheck{}, err
	}
	spec, err := pipeline.Parse(file, yaml)
	if err != nil {
		return activities.DataCheck{}, err
	}
	at, objects, remove, err := desk("check", settings.Settings{Environment: settings.NewEnvironment(os.Environ()...)}.Connection)
	if err != nil {
		return activities.DataCheck{}, err
	}
	defer remove()
	made, err := at.Check(ctx, spec, data, time.Now())
	if err != nil || to == "" {
		return made, err
	}
	return made, save(ctx, objects, made.Artifacts, to, savedChecked)
}
