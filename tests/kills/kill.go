package main

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"syscall"
	"time"

	"github.com/loanops/loanops/tests/platformtest"
)

const (
	delivery = "delivery-" + model
	// closeLimit is how long a run may take with one kill in it, lastLimit how long traffic may take to be what the record says.
	closeLimit = 4 * time.Minute
	lastLimit  = time.Minute
)

// kill delivers the version that does not serve and kills the process while the step runs.
func kill(p *platformtest.Platform, c *client, process, step string) row {
	r := row{process: process, step: step, recorded: "no"}
	r.fault = r.play(p, c)
	return r
}

func (r *row) play(p *platformtest.Platform, c *client) error {
	if err := quiet(p, c); err != nil {
		return fmt.Errorf("before the delivery: %w", err)
	}
	c.Take()
	record, err := p.Serving(model)
	if err != nil {
		return err
	}
	version := 1
	if record.Champion != nil && record.Champion.Version == 1 {
		version = 2
	}
	var begun any
	if err := p.JSON(&begun, "cd", "start", model, "--version", strconv.Itoa(version)); err != nil {
		return err
	}
	if r.met, err = meet(p, r.step); err != nil {
		return err
	}
	away, err := shoot(p, c, r.process)
	if err != nil {
		return err
	}
	if r.verdict, r.reasons, err = ended(p); err != nil {
		return err
	}
	r.recorded, err = recorded(p)
	if err != nil {
		return err
	}
	out := away()
	var first error
	r.failed, r.unexpected, first = platformtest.Failures(c.Take(), out)
	if r.unexpected > 0 {
		return fmt.Errorf("the first unexpected answer: %w", first)
	}
	return nil
}

// quiet waits until the platform is whole again: the champion serves, and Temporal answers.
func quiet(p *platformtest.Platform, c *client) error {
	since := time.Now()
	return await(lastLimit, func() error {
		if _, answered := c.AnsweredSince(since); !answered {
			return errors.New("the gateway does not decide")
		}
		if actual, err := p.Actual("production", model); err != nil || !actual.Whole() {
			return errors.Join(err, errors.New("a track that gets traffic is not ready"))
		}
		x, err := p.Describe(delivery)
		if err == nil && !x.Closed() {
			return errors.New("the last delivery goes on")
		}
		return err
	})
}

// afterTheRun says of a kill that it hit nothing: its step was the last one and over before it was seen.
const afterTheRun = "after the run, it was too short"

// meet waits until the step runs. A step that is over before it was seen, in the history, is met just after.
func meet(p *platformtest.Platform, step string) (string, error) {
	met := ""
	err := awaitEvery(time.Millisecond, closeLimit, func() error {
		x, err := p.Describe(delivery)
		if err != nil {
			return err
		}
		if x.Runs(step) {
			met = "while it ran"
			return nil
		}
		past, err := p.History(delivery)
		switch {
		case err != nil:
			return err
		case past.Done[step] && x.Closed():
			met = afterTheRun
		case past.Done[step]:
			met = "just after it, it was too short"
		case x.Closed():
			return errDone
		default:
			return errors.New(step + " has not begun")
		}
		return nil
	})
	return met, err
}

// errDone ends the waiting for a step that does not come any more.
var errDone = errors.New("the run ended without the step")

// shoot kills the process and returns a function that waits until requests are answered again and says when they were not, as far as
// that is excused: a gateway that is down answers nobody. An agent takes its predictors along, but the gateway's callers wait for them.
func shoot(p *platformtest.Platform, c *client, process string) (func() platformtest.Outage, error) {
	e, err := p.Endpoints()
	if err != nil {
		return nil, err
	}
	before := e.PID[process]
	from := time.Now()
	if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
		return nil, fmt.Errorf("killing the %s, process %d: %w", process, before, err)
	}
	err = await(lastLimit, func() error {
		if e, err = p.Endpoints(); err == nil && (e.PID[process] == before || e.PID[process] == 0) {
			err = fmt.Errorf("the %s was not started again", process)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if process != "gateway" {
		return func() platformtest.Outage { return platformtest.Outage{} }, nil
	}
	back := make(chan time.Time, 1)
	go func() {
		whole, to := time.Now(), time.Time{}
		_ = await(lastLimit, func() error {
			at, answered := c.AnsweredSince(whole)
			if to = at; !answered {
				return errors.New("no decision")
			}
			return nil
		})
		back <- to
	}()
	return func() platformtest.Outage { return platformtest.Outage{From: from, To: <-back} }, nil
}

// ended waits for the run's close and returns its verdict with the reasons, or how else it ended.
func ended(p *platformtest.Platform) (verdict string, reasons []string, err error) {
	err = await(closeLimit, func() error {
		x, err := p.Describe(delivery)
		switch {
		case err != nil:
			return err
		case !x.Closed():
			return errors.New("the run has not closed")
		case !x.Completed():
			verdict = x.Info.Status
			return nil
		}
		past, err := p.History(delivery)
		if err == nil && past.Result == nil {
			err = errors.New("the run has no result")
		}
		if err == nil {
			verdict, reasons = past.Result.Verdict, past.Result.Reasons
		}
		return err
	})
	return verdict, reasons, err
}

// recorded waits until traffic is what the record says, on tracks that are ready.
func recorded(p *platformtest.Platform) (string, error) {
	err := await(lastLimit, func() error {
		record, err := p.Serving(model)
		if err != nil {
			return err
		}
		actual, err := p.Actual("production", model)
		if err != nil {
			return err
		}
		if want, got := record.Shares(), actual.Shares(); !maps.Equal(want, got) || !actual.Whole() {
			return fmt.Errorf("the record says %v, the agent %v, ready %t", want, got, actual.Whole())
		}
		return nil
	})
	if err != nil {
		return "no", err
	}
	return "yes", nil
}

// await calls ok until it returns no error, or errDone; else its last error is the answer when the limit has passed.
func await(limit time.Duration, ok func() error) error {
	return awaitEvery(50*time.Millisecond, limit, ok)
}

func awaitEvery(interval, limit time.Duration, ok func() error) error {
	deadline := time.After(limit)
	poll := time.NewTicker(interval)
	defer poll.Stop()
	for {
		err := ok()
		if err == nil || errors.Is(err, errDone) {
			return err
		}
		select {
		case <-deadline:
			return fmt.Errorf("not within %s: %w", limit, err)
		case <-poll.C:
		}
	}
}
