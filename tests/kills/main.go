// Command kills ends every process of a platform with SIGKILL, one at a time, once in each step of a delivery, and looks from outside
// at what comes of it: the run must complete or abort, traffic must be what the record says, and a client that asks all the time must
// get its decisions. It makes a platform of its own in a temporary folder:
//
//	go run ./tests/kills
//	go run ./tests/kills -process agent -step SmokeTest
//
// It prints a table and ends with exit code 1 when a row is wrong.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/tests/platformtest"
)

// model is the pipeline that is delivered, back and forth between two good versions.
const model = "kills"

// processes are what is killed, in turn: none is killed again before it has run for a while, so that its restart is not held back.
var processes = []string{"worker", "agent", "gateway", "devserver"}

func main() {
	bin := flag.String("bin", "bin", "folder of the built programs")
	spec := flag.String("spec", "pipelines/loan-eligibility.yaml", "the spec that is made quick")
	process := flag.String("process", "", "kill only this process: "+strings.Join(processes, ", "))
	step := flag.String("step", "", "kill only in this step, such as ApplyStaging")
	flag.Parse()
	if flag.NArg() > 0 || (*process != "" && !slices.Contains(processes, *process)) {
		flag.Usage()
		os.Exit(2)
	}
	rows, err := run(*bin, *spec, *process, *step)
	printTable(os.Stdout, rows)
	if err != nil {
		fmt.Fprintln(os.Stderr, "kills:", err)
		os.Exit(1)
	}
	if slices.ContainsFunc(rows, func(r row) bool { return r.wrong() != "" }) {
		os.Exit(1)
	}
}

func run(bin, original, process, step string) ([]row, error) {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "loanops-kills-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	spec := filepath.Join(dir, model+".yaml")
	if err := platformtest.QuickSpec(original, spec, model, 1); err != nil {
		return nil, err
	}
	p := &platformtest.Platform{State: filepath.Join(dir, "state"), Bin: bin}
	if err := p.Start("--no-run", "--pipeline", spec); err != nil {
		return nil, err
	}
	rows, err := rehearse(p, spec, process, step)
	return rows, errors.Join(err, p.Stop())
}

// rehearse trains two versions, takes the steps from the undisturbed delivery of the second, and kills in each of them.
func rehearse(p *platformtest.Platform, spec, process, step string) ([]row, error) {
	platformtest.Say("training two versions")
	for _, args := range [][]string{{"--pipeline", spec, "--as-of", "2026-03-31"}, {model}} {
		var r platformtest.Result
		if err := p.JSON(&r, append([]string{"ct", "start", "--wait"}, args...)...); err != nil {
			return nil, err
		}
	}
	undisturbed, err := p.History(delivery)
	if err != nil {
		return nil, err
	}
	steps := undisturbed.Scheduled
	platformtest.Say("the steps of an undisturbed delivery: %s", strings.Join(steps, ", "))
	if step != "" {
		if !slices.Contains(steps, step) {
			return nil, fmt.Errorf("a delivery has no step %s; it has %s", step, strings.Join(steps, ", "))
		}
		steps = []string{step}
	}
	client, err := newClient(p)
	if err != nil {
		return nil, err
	}
	defer client.Stop()
	var rows []row
	for i, step := range steps {
		for _, victim := range processes {
			if process != "" && victim != process {
				continue
			}
			began := time.Now()
			r := kill(p, client, victim, step)
			rows = append(rows, r)
			platformtest.Say("%2d/%d %s in %s, %s: %s (%s), %d requests failed, %.0f s%s", i+1, len(steps), victim, step, r.met,
				r.verdict, strings.Join(r.reasons, "; "), r.failed, time.Since(began).Seconds(), r.wrong())
		}
	}
	return rows, nil
}
