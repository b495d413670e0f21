package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/tests/compose/engine"
	"github.com/loanops/loanops/tests/platformtest"
)

// ours are the services that run programs of this project.
var ours = []string{"features", "agent", "gateway", "worker", "hooks"}

// slow are the seconds of a canary's step that still goes on when agent and gateway have been replaced.
const slow = 30

// leastRate is how many decisions a second clients ask for while services are replaced.
const leastRate = 100

// rateOf is how many there were.
func rateOf(rows []upgrade) float64 {
	requests, seconds := 0, 0.
	for _, u := range rows {
		requests += u.Requests
		seconds += u.Seconds
	}
	return float64(requests) / seconds
}

// upgrade brings the services from this commit to the next by the script of the runbook, while clients ask and in the middle of a canary, and delivers with what
// runs then.
func (j *journey) upgrade(ctx context.Context) error {
	var before []runs
	return j.steps(
		do{"the next commit", func() (said string, err error) {
			if before, err = j.running(ctx); err != nil {
				return "", err
			}
			if err := j.write(slow); err != nil {
				return "", err
			}
			// It has the pipelines that parts before this one wrote, and is written into each program, so that all of them have other digests.
			if err := engine.Run(ctx, j.clone, nil, "git", "add", "--all"); err != nil {
				return "", err
			}
			if err := engine.Run(ctx, j.clone, nil, "git", "-c", "user.name=test", "-c", "user.email=test@loanops.example", "commit", "--quiet", "--allow-empty", "--message", "The next commit"); err != nil {
				return "", err
			}
			commit, err := engine.Output(ctx, j.clone, nil, "git", "rev-parse", "HEAD")
			j.commit = strings.TrimSpace(commit)
			j.environment = append(j.environment, "LOANOPS_REVISION="+j.commit)
			return j.commit, err
		}},
		do{"its images", func() (string, error) {
			_, err := j.compose(ctx, "build", "agent", "gateway", "worker") // of which the script then finds all: the canary is not over before it replaces anything
			return "", err
		}},
		do{"a canary begins, as of 2026-04-30", func() (string, error) {
			if err := j.cli(ctx, nil, "ct", "start", "--pipeline", "pipelines/"+model+".yaml", "--as-of", "2026-04-30"); err != nil {
				return "", err
			}
			return "", j.analysed(ctx)
		}},
		do{"infra/compose/upgrade.sh", func() (string, error) {
			// With the client that asks already 150 a second are begun, so that a busy machine has its 100.
			others := []*platformtest.Load{platformtest.NewLoad(j.client.ask, j.client.Ended), platformtest.NewLoad(j.client.ask, j.client.Ended)}
			reader := &client{}
			reader.Load = platformtest.NewLoad(j.readFeatures(ctx), reader.Ended)
			err := j.upgradeUnder(ctx, reader)
			for _, load := range others {
				load.Stop()
			}
			reader.Stop()
			_, _, _, first := count(reader.Take(), platformtest.Outage{})
			rate := rateOf(j.report.Upgrades)
			if rate < leastRate {
				err = errors.Join(err, fmt.Errorf("of %d requests a second that were to be, there were %.0f", leastRate, rate))
			}
			return fmt.Sprintf("%.0f requests a second", rate), errors.Join(err, first)
		}},
		do{"the canary that went on", func() (string, error) {
			verdict, reasons, err := j.delivered(ctx)
			err = errors.Join(err, wanted("promoted", verdict, reasons))
			if !slices.ContainsFunc(j.report.Upgrades, func(u upgrade) bool { return strings.HasPrefix(u.What, "gateway:") && u.Canary }) {
				err = errors.Join(err, errors.New("it was over before the gateway was replaced"))
			}
			return verdict, err
		}},
		do{"all services are of that commit", func() (string, error) {
			if err := j.quiet(ctx); err != nil {
				return "", err
			}
			now, err := j.running(ctx)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%d containers", len(now)), j.replaced(before, now)
		}},
		do{"a training and its delivery, by the new services", func() (string, error) {
			return j.trained(ctx, "promoted", model, "--as-of", "2026-05-31")
		}},
	)
}

// upgradeUnder runs the script, and counts what clients asked while each line that it says of a service holds.
func (j *journey) upgradeUnder(ctx context.Context, reader *client) error {
	c := exec.CommandContext(ctx, "sh", "infra/compose/upgrade.sh")
	c.Dir, c.Env = j.clone, append(append(os.Environ(), j.environment...), "DOCKER_COMPOSE="+strings.Join(j.command, " "), "COMPOSE_PROJECT_NAME="+j.name)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	predictors, err := j.predictorIDs(ctx)
	if err != nil {
		return err
	}
	name, began := "before", time.Now()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said, is := strings.CutPrefix(lines.Text(), "==> ")
		if !is {
			continue
		}
		j.upgraded(name, time.Since(began), reader)
		if strings.HasPrefix(name, "agent:") {
			if err := j.adopted(ctx, predictors); err != nil {
				return errors.Join(err, c.Cancel(), c.Wait())
			}
		}
		name, began = said, time.Now()
	}
	err = c.Wait()
	j.upgraded(name, time.Since(began), reader)
	if err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return fmt.Errorf("%w: %s\n%s", err, lines[len(lines)-1], stderr.String())
	}
	return nil
}

// upgraded keeps a row of what was asked since the last one.
func (j *journey) upgraded(name string, took time.Duration, reader *client) {
	u := upgrade{What: name, Seconds: took.Seconds()}
	var first, firstRead error
	u.Requests, u.Failed, _, first = count(j.client.Take(), platformtest.Outage{})
	u.Reads, u.ReadsFailed, _, firstRead = count(reader.Take(), platformtest.Outage{})
	x, err := platformtest.Describe(j.ui, namespace, delivery)
	u.Canary = err == nil && x.Runs("AnalyseCanary")
	if err := errors.Join(first, firstRead); err != nil {
		u.Wrong, _, _ = strings.Cut(err.Error(), "\n")
	}
	j.report.Upgrades = append(j.report.Upgrades, u)
	platformtest.Say("%s (%.1f s): %d decisions, %d failed; %d reads of features, %d failed; a canary goes on: %t %s", u.What, u.Seconds, u.Requests, u.Failed, u.Reads, u.ReadsFailed, u.Canary, marked(u.Wrong))
}

// readFeatures asks the feature store what is known of somebody.
func (j *journey) readFeatures(ctx context.Context) func() (platformtest.Track, error) {
	return func() (platformtest.Track, error) {
		_, err := j.lookUp(ctx)
		return platformtest.Track{}, err
	}
}

// runs is a container of a service of ours: the image that it runs, and the commit that this says.
type runs struct{ service, image, commit string }

// running are the containers of services of ours.
func (j *journey) running(ctx context.Context) (all []runs, err error) {
	for _, service := range ours {
		containers, err := j.containers(ctx, service)
		if err != nil {
			return nil, err
		}
		for _, c := range containers {
			said, err := engine.Output(ctx, ".", nil, "docker", "inspect", "--format", `{{.Image}} {{index .Config.Labels "org.opencontainers.image.revision"}}`, c)
			if err != nil {
				return nil, err
			}
			of := strings.Fields(said)
			if len(of) != 2 {
				return nil, fmt.Errorf("%s says no commit: %s", service, said)
			}
			all = append(all, runs{service, of[0], of[1]})
		}
	}
	return all, nil
}

// replaced says what is not of the newest commit, or not as many as before.
func (j *journey) replaced(before, now []runs) error {
	var wrong []error
	for _, r := range now {
		if r.commit != j.commit || slices.ContainsFunc(before, func(b runs) bool { return b.image == r.image }) {
			wrong = append(wrong, fmt.Errorf("%s runs %s of commit %s", r.service, r.image, r.commit))
		}
	}
	for _, service := range ours {
		of := func(r runs) bool { return r.service == service }
		if was, is := len(filter(before, of)), len(filter(now, of)); was != is {
			wrong = append(wrong, fmt.Errorf("of %s there were %d and are %d", service, was, is))
		}
	}
	return errors.Join(wrong...)
}

func filter(all []runs, of func(runs) bool) []runs {
	return slices.DeleteFunc(slices.Clone(all), func(r runs) bool { return !of(r) })
}
