package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/loanops/loanops/tests/platformtest"
)

const (
	// shipped is the pipeline of README.md, model the one that is delivered again and again: the same with a quick canary.
	shipped = "loan-eligibility"
	model   = "composed"
)

// journey takes a project through its parts.
type journey struct {
	*project
	report  *report
	service string // the only one to kill, where somebody wants that
	client  *client
	forge   *forge
}

// part is something that is done. Nothing goes on after a first one that went wrong.
type part struct {
	name  string
	take  func(*journey, context.Context) error
	first bool
}

// beginning is always done, parts can be chosen.
var beginning = []part{{"first", (*journey).first, true}, {"deliver", (*journey).deliver, true}}

var parts = []part{
	{"rollback", (*journey).rollback, false},
	{"schedule", (*journey).schedule, false},
	{"features", (*journey).feature, false},
	{"push", (*journey).push, false},
	{"scale", (*journey).scale, false},
	{"kills", (*journey).kills, false},
	{"upgrade", (*journey).upgrade, false},
	{"again", (*journey).again, false},
	{"restore", (*journey).restore, false},
}

// do is a step: what it is called, and what is done.
type do struct {
	name string
	do   func() (said string, err error)
}

// steps does one thing after the other, as long as nothing goes wrong, says what comes of each, and keeps it for the table. That a client is not answered is wrong.
func (j *journey) steps(steps ...do) error {
	for _, of := range steps {
		began := time.Now()
		said, err := of.do()
		s := step{Name: of.name, Seconds: time.Since(began).Seconds(), Said: said}
		if j.client != nil {
			var first error
			s.Requests, s.Failed, _, first = count(j.client.Take(), platformtest.Outage{})
			err = errors.Join(err, first)
		}
		if err != nil {
			s.Wrong, _, _ = strings.Cut(err.Error(), "\n")
		}
		j.report.Steps = append(j.report.Steps, s)
		platformtest.Say("%s (%.1f s; %d requests, %d failed): %s %s", s.Name, s.Seconds, s.Requests, s.Failed, s.Said, marked(s.Wrong))
		if err != nil {
			return err
		}
	}
	return nil
}

func (j *journey) end() {
	if j.client != nil {
		j.client.Stop()
	}
	if j.forge != nil {
		j.forge.Close()
	}
}

// first goes from the clone to the first decision, by the commands of README.md.
func (j *journey) first(ctx context.Context) (err error) {
	j.report.Commit = j.commit
	platformtest.Say("commit %s in %s, project %s", j.commit, j.clone, j.name)
	if j.forge, err = newForge(ctx, j.dir); err != nil {
		return err
	}
	j.environment = append(j.environment, j.forge.settings()...)
	var up time.Time
	return j.steps(
		do{"secrets.sh", func() (string, error) { return "", j.secrets(ctx) }},
		do{"build", func() (string, error) {
			_, err := j.compose(ctx, "--profile", "*", "build")
			return "three images", err
		}},
		do{"up --build --detach", func() (string, error) {
			up = time.Now()
			_, err := j.compose(ctx, "up", "--build", "--detach")
			return "", err
		}},
		do{"all services are well", func() (string, error) {
			err := await(ctx, 2*time.Minute, func() error {
				unwell, err := j.unwell(ctx)
				if len(unwell) > 0 {
					err = errors.Join(err, errors.New(strings.Join(unwell, ", ")))
				}
				return err
			})
			return fmt.Sprintf("%.1f s after up", time.Since(up).Seconds()), err
		}},
		do{"features apply features", func() (string, error) { return "", j.cli(ctx, nil, "features", "apply", "features") }},
		do{"ct start --pipeline pipelines/" + shipped + ".yaml --wait", func() (string, error) {
			return j.trained(ctx, "bootstrapped", "--pipeline", "pipelines/"+shipped+".yaml")
		}},
		do{"decide --example", func() (string, error) {
			var d struct {
				Verdict string
				Model   struct{ Version int }
			}
			err := j.cli(ctx, &d, "decide", "--example")
			return fmt.Sprintf("%s, by version %d: the first decision %.1f s after up", d.Verdict, d.Model.Version, time.Since(up).Seconds()), err
		}},
	)
}

// trained takes a training to its end, which should be the verdict.
func (j *journey) trained(ctx context.Context, verdict string, args ...string) (string, error) {
	var r platformtest.Result
	if err := j.cli(ctx, &r, append([]string{"ct", "start", "--wait"}, args...)...); err != nil {
		return "", err
	}
	said := fmt.Sprintf("%s: version %d", r.Verdict, r.Model.Version)
	return said, wanted(verdict, r.Verdict, r.Reasons)
}

// wanted says that a run ended in another way than it should.
func wanted(verdict, is string, reasons []string) error {
	if is == verdict {
		return nil
	}
	return fmt.Errorf("%s was wanted: %s", verdict, strings.Join(reasons, "; "))
}

// deliver bootstraps a pipeline with a quick canary, and has its second version go through that while clients ask.
func (j *journey) deliver(ctx context.Context) error {
	if err := j.write(2); err != nil {
		return err
	}
	return j.steps(
		do{"a second pipeline, as of 2026-03-31", func() (string, error) {
			return j.trained(ctx, "bootstrapped", "--pipeline", "pipelines/"+model+".yaml", "--as-of", "2026-03-31")
		}},
		do{"a key of an operator", func() (string, error) { return "made", j.cli(ctx, nil, "operators", "keygen", "ada") }},
		do{"clients begin to ask", func() (said string, err error) {
			j.client, err = newClient(ctx, j.project)
			return "50 requests a second", err
		}},
		do{"its second version, by a canary", func() (string, error) {
			return j.trained(ctx, "promoted", model)
		}},
	)
}

// write makes the pipeline's file, with a canary whose steps take so many seconds at least.
func (j *journey) write(seconds int) error {
	file := filepath.Join(j.clone, "pipelines", model+".yaml")
	return errors.Join(platformtest.QuickSpec(filepath.Join(j.clone, "pipelines", shipped+".yaml"), file, model, seconds), readable(file))
}

// rollback gives all traffic back to the first version.
func (j *journey) rollback(ctx context.Context) error {
	return j.steps(do{"rollback " + model, func() (string, error) {
		if err := j.cli(ctx, nil, "rollback", model, "--reason", "a test", "--wait"); err != nil {
			return "", err
		}
		began := time.Now()
		record, err := j.serving(ctx, model)
		if err != nil {
			return "", err
		}
		err = await(ctx, 30*time.Second, func() error {
			track, err := j.client.ask()
			if err == nil && (record.Champion == nil || track != *record.Champion || track.Version != 1) {
				err = fmt.Errorf("version %d decides", track.Version)
			}
			return err
		})
		return fmt.Sprintf("version 1 decides %.1f s later", time.Since(began).Seconds()), err
	}})
}

// serving is the newest record of production.
func (j *journey) serving(ctx context.Context, model string) (r platformtest.Record, err error) {
	return r, j.cli(ctx, &r, "serving", "show", model)
}

// await calls ok until it returns no error; else its last error is the answer when the limit has passed.
func await(ctx context.Context, limit time.Duration, ok func() error) error {
	return awaitEvery(ctx, 250*time.Millisecond, limit, ok)
}

func awaitEvery(ctx context.Context, interval, limit time.Duration, ok func() error) error {
	deadline, poll := time.After(limit), time.NewTicker(interval)
	defer poll.Stop()
	for {
		err := ok()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-deadline:
			return fmt.Errorf("not within %s: %w", limit, err)
		case <-poll.C:
		}
	}
}
