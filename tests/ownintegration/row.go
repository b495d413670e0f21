package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/loanops/loanops/tests/platformtest"
)

// step is how a step of an integration ended.
type step struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Said   string `json:"said"`
	Cached bool   `json:"cached"`
}

// result is what `ci start --wait --output json` says.
type result struct {
	Verdict         string   `json:"verdict"`
	FailedStep      string   `json:"failed_step"`
	Reasons         []string `json:"reasons"`
	PipelineVersion int      `json:"pipeline_version"`
	Package         string   `json:"package"`
	Steps           []step   `json:"steps"`
}

// row is what became of a commit.
type row struct {
	Commit string `json:"commit"`
	Code   int    `json:"code"`
	result
	Seconds float64 `json:"seconds"`
	// Wrong says what should have been otherwise; empty where all is right.
	Wrong []string `json:"wrong"`
}

// take takes the commit through an integration.
func (c commit) take(ctx context.Context, p *platformtest.Platform, clone string) (row, error) {
	r := row{Commit: c.name, Wrong: []string{}}
	ref, err := c.make(ctx, clone)
	if err != nil {
		return r, err
	}
	began := time.Now()
	start := exec.CommandContext(ctx, filepath.Join(p.Bin, "loanops"), "ci", "start", "--repo", clone, "--ref", ref, "--wait", "--output", "json", "--state", p.State)
	start.Stderr = os.Stderr
	said, err := start.Output()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return r, err
	}
	r.Code, r.Seconds = start.ProcessState.ExitCode(), time.Since(began).Seconds()
	if err := json.Unmarshal(said, &r.result); err != nil {
		return r, fmt.Errorf("what ci start says is no result: %w", err)
	}
	r.Wrong = append(r.Wrong, c.wrong(r)...)
	return r, nil
}

// commandSteps are those that have commands in ci.yaml, and what they say when these were run.
var commandSteps = map[string]string{"RunCommands": "1 commands", "ReplayHistories": "1 commands", "TestArtifacts": "artifacts; 1 commands"}

// maxReason is how long a reason may be that a person is to read, in bytes, and maxReasons how many there may be.
const (
	maxReason  = 600
	maxReasons = 6
)

// wrong holds what became of the commit against what must.
func (c commit) wrong(r row) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if r.Code != c.code || r.Verdict != c.verdict || r.FailedStep != c.step {
		complain("exit code %d, %s by %q; %d, %s by %q is wanted", r.Code, r.Verdict, r.FailedStep, c.code, c.verdict, c.step)
	}
	if published := r.PipelineVersion > 0 || r.Package != ""; published != (c.code == 0) {
		complain("published as version %d, %q", r.PipelineVersion, r.Package)
	}
	for _, name := range []string{"RunCommands", "ReplayHistories", "TestArtifacts"} {
		at := slices.IndexFunc(r.Steps, func(s step) bool { return s.Name == name })
		switch {
		case at < 0:
			complain("there is no step %s", name)
		case r.Steps[at].Cached:
			complain("%s was not done for this commit", name)
		case name == c.step && r.Steps[at].Status == "refused":
		case r.Steps[at].Status != "passed" || !strings.HasSuffix(r.Steps[at].Said, commandSteps[name]):
			complain("%s is %s (%s); its commands must have been run, and passed", name, r.Steps[at].Status, r.Steps[at].Said)
		}
	}
	if c.code == 0 {
		return wrong
	}
	says := func(reason string) bool {
		return !slices.ContainsFunc(c.says, func(part string) bool { return !strings.Contains(reason, part) })
	}
	if !slices.ContainsFunc(r.Reasons, says) {
		complain("no reason says %q", c.says)
	}
	if len(r.Reasons) > maxReasons || slices.ContainsFunc(r.Reasons, func(reason string) bool { return len(reason) > maxReason || strings.Contains(reason, "\n") }) {
		complain("the reasons are too long for a person to read")
	}
	return wrong
}

// printTable prints the rows for people.
func printTable(to io.Writer, rows []row) {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COMMIT\tEXIT\tVERDICT\tSTEP\tSECONDS\tRIGHT")
	for _, r := range rows {
		right := "yes"
		if len(r.Wrong) > 0 {
			right = "no: " + strings.Join(r.Wrong, "; ")
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%.0f\t%s\n", r.Commit, r.Code, r.Verdict, r.FailedStep, r.Seconds, right)
	}
	_ = w.Flush()
}
