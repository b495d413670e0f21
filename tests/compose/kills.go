package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/loanops/loanops/tests/compose/engine"
	"github.com/loanops/loanops/tests/platformtest"
)

// backLimit is how long a service may take until it is well again.
const backLimit = 2 * time.Minute

// victims are killed one after the other. Of those of ours the process is ended as well, as the kernel would: then the engine has to start it again.
var victims = []struct {
	service string
	crash   bool
}{
	{"worker", false}, {"worker", true}, {"gateway", false}, {"gateway", true}, {"balancer", false}, {"agent", false}, {"agent", true}, {"features", false}, {"features", true}, {"hooks", false},
	{"temporal", false}, {"temporal-ui", false}, {"s3", false}, {"registry", false}, {"postgresql", false},
}

const (
	byKill  = "docker kill, docker start"
	byCrash = "kill -9 of its process"
)

// kills ends each service once in the middle of a canary, while clients ask.
func (j *journey) kills(ctx context.Context) error {
	for _, v := range victims {
		if j.service != "" && j.service != v.service {
			continue
		}
		k := kill{Service: v.service, How: byKill}
		if v.crash {
			k.How = byCrash
		}
		began := time.Now()
		err := j.kill(ctx, &k)
		k.Seconds = time.Since(began).Seconds()
		k.judge(err)
		j.report.Kills = append(j.report.Kills, k)
		platformtest.Say("%s, %s: well again after %.1f s, %d requests, %d failed, %s (%s) %s", k.Service, k.How, k.BackSeconds, k.Requests, k.Failed, k.Verdict, strings.Join(k.Reasons, "; "), marked(k.Wrong))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// judge says what is wrong with it.
func (k *kill) judge(err error) {
	var wrong []string
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		wrong = append(wrong, first)
	}
	// A canary may take the end of what its requests go through for its challenger's fault.
	excused := k.Verdict == "aborted" && k.inTheWay()
	if k.Verdict != "promoted" && !excused {
		wrong = append(wrong, "the canary was "+k.Verdict)
	}
	if k.Unexpected > 0 {
		wrong = append(wrong, fmt.Sprintf("%d requests failed that should not", k.Unexpected))
	}
	k.Wrong = strings.Join(wrong, "; ")
}

// kill delivers the version that does not serve, and ends the service while its canary is analysed.
func (j *journey) kill(ctx context.Context, k *kill) error {
	if err := j.quiet(ctx); err != nil {
		return fmt.Errorf("before the delivery: %w", err)
	}
	version, err := j.other(ctx)
	if err != nil {
		return err
	}
	_, before, _, first := count(j.client.Take(), platformtest.Outage{})
	if before > 0 {
		return fmt.Errorf("%d requests failed before the delivery: %w", before, first)
	}
	if err := j.cli(ctx, nil, "cd", "start", model, "--version", strconv.Itoa(version)); err != nil {
		return err
	}
	if err := j.analysed(ctx); err != nil {
		return err
	}
	away, err := j.shoot(ctx, k)
	if err != nil {
		return err
	}
	k.Verdict, k.Reasons, err = j.delivered(ctx)
	k.Requests, k.Failed, k.Unexpected, first = count(j.client.Take(), away)
	return errors.Join(err, first)
}

// inTheWay says that clients' requests go through what was killed.
func (k *kill) inTheWay() bool { return k.Service == "gateway" || k.Service == "balancer" }

// victim is the service's container; of workers the one that analyses the canary.
func (j *journey) victim(ctx context.Context, service string) (string, error) {
	containers, err := j.containers(ctx, service)
	if err != nil || service != "worker" && len(containers) == 1 {
		return strings.Join(containers, ""), err
	}
	x, err := platformtest.Describe(j.ui, namespace, delivery)
	for _, c := range containers {
		if service == "worker" && strings.Contains(x.RunsAt("AnalyseCanary"), "@"+c[:12]) { // a container's host is named by it
			return c, err
		}
	}
	return "", errors.Join(err, fmt.Errorf("service %s has %d containers, none of which is the one", service, len(containers)))
}

// shoot ends a container of the service, and returns when it is well again. Only the end of what they go through excuses that requests fail.
func (j *journey) shoot(ctx context.Context, k *kill) (away platformtest.Outage, err error) {
	victim, err := j.victim(ctx, k.Service)
	if err != nil {
		return away, err
	}
	before, err := inspect(ctx, victim)
	if err != nil {
		return away, err
	}
	predictors, err := j.predictorIDs(ctx)
	if err != nil {
		return away, err
	}
	from := time.Now()
	if k.How == byCrash {
		if err := syscall.Kill(before.Pid, syscall.SIGKILL); err != nil {
			return away, fmt.Errorf("killing process %d of %s: %w", before.Pid, k.Service, err)
		}
	} else if err := engine.Run(ctx, ".", nil, "docker", "kill", victim); err != nil {
		return away, err
	} else if err := engine.Run(ctx, ".", nil, "docker", "start", victim); err != nil {
		return away, err
	}
	err = await(ctx, backLimit, func() error {
		now, err := inspect(ctx, victim)
		if err == nil && (!now.StartedAt.After(before.StartedAt) || !now.well()) {
			err = fmt.Errorf("%s is not well again: %s", k.Service, now.Status)
		}
		return err
	})
	k.BackSeconds = time.Since(from).Seconds()
	if err == nil {
		err = j.adopted(ctx, predictors)
	}
	if err != nil || !k.inTheWay() {
		return away, err
	}
	back := time.Now()
	err = await(ctx, backLimit, func() error {
		if _, answered := j.client.AnsweredSince(back); !answered {
			return errors.New("the gateway answers nobody")
		}
		return nil
	})
	at, _ := j.client.AnsweredSince(back)
	return platformtest.Outage{From: from, To: at}, err
}

// adopted says that no predictor was started anew since others ran: an agent that comes back goes on with those.
func (j *journey) adopted(ctx context.Context, before []string) error {
	now, err := j.predictorIDs(ctx)
	for _, id := range now {
		if !slices.Contains(before, id) {
			err = errors.Join(err, fmt.Errorf("a predictor was started anew: %s", id))
		}
	}
	if len(now) == 0 {
		err = errors.Join(err, errors.New("no predictor runs"))
	}
	return err
}
