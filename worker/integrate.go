package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/deploy/runtime/processes"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/git"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/workflows"
)

const integrateUsage = `Usage: loanops-worker integrate [--output json] [--save DIR] [DIR]

Tests the files of a pipeline's repository as an integration does, without a platform: what "loanops ci test" runs.
Ends with 0 when every test passed or had nothing to do, 2 for bad input, 3 when one was refused.

Example: loanops-worker integrate my-pipeline
`

// tested is how the files came through, as the result of an integration says it.
type tested struct {
	Verdict    workflows.Verdict        `json:"verdict"` // nothing, or refused
	FailedStep ci.Step                  `json:"failed_step"`
	Reasons    []string                 `json:"reasons"`
	Tree       string                   `json:"tree"`
	Steps      []activities.StepOutcome `json:"steps"`

	dir string
}

// integrate is one of the program's jobs without a platform: DuckDB is linked into it alone.
func integrate(ctx context.Context, args []string) int {
	flags := flag.NewFlagSet("integrate", flag.ExitOnError)
	flags.Usage = func() { fmt.Fprint(flags.Output(), integrateUsage) }
	output := flags.String("output", "text", "text or json")
	to := flags.String("save", "", "`folder` for the logs of the steps, and a page that has them all")
	if err := flags.Parse(args); err != nil || flags.NArg() > 1 {
		flags.Usage()
		return exitInvalid
	}
	dir := flags.Arg(0)
	if dir == "" {
		dir = "."
	}
	made, err := integrated(ctx, dir, *to)
	if err != nil {
		fmt.Fprintf(os.Stderr, "loanops: %v\n", err)
		return exitCode(err)
	}
	if *output == "json" {
		encoder := json.NewEncoder(os.Stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(made)
	} else {
		_, err = fmt.Print(made)
	}
	switch {
	case err != nil:
		return exitFault
	case made.FailedStep != "":
		return exitRefused
	}
	return 0
}

func integrated(ctx context.Context, dir, to string) (tested, error) {
	if err := savable(to); err != nil {
		return tested{}, err
	}
	tree, err := git.ReadWorking(dir)
	if err != nil {
		return tested{}, err
	}
	program, err := os.Executable()
	if err != nil {
		return tested{}, fault.Wrap(fault.Internal, err, "finding loanops-api")
	}
	cfg, err := settings.ForDesk()
	if err != nil {
		return tested{}, err
	}
	at, objects, remove, err := desk("integrate", cfg.Connection)
	if err != nil {
		return tested{}, err
	}
	defer remove()
	here := processes.Runtime{Program: func(context.Context, string) (string, []string, error) { // without a platform there are no images
		return filepath.Join(filepath.Dir(program), "loanops-api"), nil, nil
	}}
	i := integration(at, activities.Predictor{Bring: here.Bring})
	if i.Commands, err = commands(ctx, cfg); err != nil {
		return tested{}, err
	}
	ref, err := activities.PutTree(ctx, objects, tree)
	if err != nil {
		return tested{}, err
	}
	out := tested{Verdict: workflows.Nothing, Reasons: []string{}, Tree: ref.SHA256, dir: dir}
	out.Steps, err = i.TestAll(ctx, ref, time.Now().UTC().Format(pipeline.DateLayout), func(s activities.StepOutcome) {
		fmt.Fprintf(os.Stderr, "  %s %s: %s\n", marks[s.Status], s.Name, s.Said)
	})
	if err != nil {
		return out, err
	}
	if failed := activities.Failed(out.Steps); failed != nil {
		out.Verdict, out.FailedStep, out.Reasons = workflows.Refused, failed.Name, failed.Reasons
	}
	if to != "" {
		err = saveTested(ctx, objects, out, activities.CommitOutput{Tree: ref, Pipeline: activities.PipelineOf(tree)}, to)
	}
	for n := range out.Steps {
		out.Steps[n].Log = nil // of a folder that is gone
	}
	return out, err
}

// savedTested are the names of the files that saveTested saves: the page, and the logs of the steps that test.
var savedTested = func() *regexp.Regexp {
	names := artifact.IntegrationHTML + `\.html`
	for _, test := range ci.Tests() {
		names += "|" + artifact.LogOf(string(test.Step)) + `\.txt`
	}
	return regexp.MustCompile("^(" + names + ")$")
}()

// saveTested saves the logs of the steps that ran, and the page that has them all.
func saveTested(ctx context.Context, objects artifact.Folder, t tested, of activities.CommitOutput, to string) error {
	in := activities.SummaryInput{Repository: t.dir, Commit: of, Refused: t.FailedStep, Reasons: t.Reasons, Steps: t.Steps}
	if t.FailedStep == "" {
		in.Reasons = []string{everyTestPassed}
	}
	summaries := activities.Summaries{Objects: objects, Page: report.IntegrationHTML}
	page, err := summaries.Write(ctx, in)
	if err != nil {
		return err
	}
	made := page.Artifacts()
	for _, step := range t.Steps {
		if step.Log != nil {
			made[artifact.LogOf(string(step.Name))] = *step.Log
		}
	}
	return save(ctx, objects, made, to, savedTested)
}

const everyTestPassed = "every test passed, or had nothing to do"

// integration are the tests of commits, on a machine that has DuckDB and loanops-api.
func integration(at activities.Desk, predictor activities.Predictor) activities.Integration {
	return activities.Integration{
		Cache: at.Cache, Desk: at, Predictor: predictor,
		Training:   activities.Training{Cache: at.Cache, Code: code()},
		Evaluation: activities.Evaluation{Cache: at.Cache, Page: report.EvaluationHTML, OnDataPage: report.OnDataHTML},
	}
}

var marks = map[ci.Status]string{ci.Passed: "✓", ci.Refused: "✗", ci.NotApplicable: "–", ci.NotRun: " "}

// String is the outcome for people.
func (t tested) String() string {
	if t.FailedStep == "" {
		return everyTestPassed + "\n"
	}
	text := fmt.Sprintf("refused by %s\n", t.FailedStep)
	for _, s := range t.Steps {
		for _, reason := range s.Reasons {
			text += fmt.Sprintf("  %s: %s\n", s.Name, reason)
		}
		if s.Status == ci.NotRun {
			text += fmt.Sprintf("  %s: not run\n", s.Name)
		}
	}
	return text
}
