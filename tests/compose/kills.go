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
	if !slices.Contains([]string{"promoted", "aborted"}, k.Verdict) {
		wrong = append(wrong, "the canary was neither promoted nor aborted")
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
	j.client.Take()
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
	var first error
	k.Requests, k.Failed, k.Unexpected, first = count(j.client.Take(), away)
	return errors.Join(err, first)
}

// shoot ends a container of the service, and returns when it is well again. Only the end of the gateway, and of the balancer before it, excuses that requests fail: they go through both.
func (j *journey) shoot(ctx context.Context, k *kill) (away platformtest.Outage, err error) {
	containers, err := j.containers(ctx, k.Service)
	if err != nil || len(containers) == 0 {
		return away, errors.Join(err, fmt.Errorf("service %s has no container", k.Service))
	}
	victim := containers[0]
	before, err := inspect(ctx, victim)
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
	if err != nil || k.Service != "gateway" && k.Service != "balancer" {
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
