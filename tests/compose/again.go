package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/tests/compose/engine"
	"github.com/loanops/loanops/tests/compose/standin"
	"github.com/loanops/loanops/tests/platformtest"
)

// kept are what has to be there after `down` and `up`, by how a person asks for it.
var kept = [][]string{
	{"pipelines", "list"},
	{"models", "list", shipped},
	{"models", "list", model},
	{"serving", "history", shipped},
	{"serving", "history", model},
	{"models", "history", model},
	{"features", "list"},
	{"runs", "list", "--limit", "1000"},
}

// again takes the services down and up again, with the volumes: nothing may be lost.
func (j *journey) again(ctx context.Context) error {
	before := map[string]string{}
	var champion, schedules, known string
	var files []string
	return j.steps(
		do{"a key of an operator", func() (string, error) { return "made", j.cli(ctx, nil, "operators", "keygen", "ada") }},
		do{"what is there", func() (said string, err error) {
			j.client.Stop()
			if err := j.quiet(ctx); err != nil {
				return "", err
			}
			for _, args := range kept {
				text, err := j.told(ctx, args)
				if err != nil {
					return "", err
				}
				before[strings.Join(args, " ")] = text
			}
			if schedules, err = j.timings(ctx); err != nil {
				return "", err
			}
			if known, err = j.lookUp(ctx); err != nil {
				return "", err
			}
			if files, err = j.files(ctx); err != nil {
				return "", err
			}
			track, err := j.client.ask()
			champion = fmt.Sprint(track)
			return fmt.Sprintf("version %d of %s decides", track.Version, model), err
		}},
		do{"down", func() (string, error) { return "", j.down(ctx, false) }},
		do{"up --detach, and the first decision", func() (string, error) {
			began := time.Now()
			if _, err := j.compose(ctx, "up", "--detach"); err != nil {
				return "", err
			}
			up := time.Since(began)
			err := await(ctx, 2*time.Minute, func() error {
				track, err := j.client.ask()
				if err == nil && fmt.Sprint(track) != champion {
					err = fmt.Errorf("version %d decides", track.Version)
				}
				return err
			})
			said := fmt.Sprintf("up returned after %.1f s, the same version decided after %.1f s", up.Seconds(), time.Since(began).Seconds())
			if err == nil {
				j.client, err = newClient(ctx, j.project)
			}
			return said, err
		}},
		do{"nothing is lost", func() (string, error) {
			if err := j.quiet(ctx); err != nil {
				return "", err
			}
			var lost []string
			for _, args := range kept {
				what := strings.Join(args, " ")
				text, err := j.told(ctx, args)
				if err != nil {
					return "", err
				}
				if text != before[what] {
					lost = append(lost, "loanops "+what+" says something else")
				}
			}
			var now string
			// Of schedules Temporal's own workers tell, which are there later than it is.
			err := await(ctx, 2*time.Minute, func() (err error) {
				now, err = j.timings(ctx)
				return err
			})
			if err != nil {
				return "", err
			}
			if now != schedules {
				lost = append(lost, fmt.Sprintf("schedules were %s, and are %s", schedules, now))
			}
			if knows, err := j.lookUp(ctx); err != nil || knows != known {
				lost = append(lost, fmt.Sprintf("of an applicant %s was known, and is %s", known, knows))
			}
			there, err := j.files(ctx)
			if err != nil {
				return "", err
			}
			for _, file := range files {
				if !slices.Contains(there, file) {
					lost = append(lost, "file "+file)
				}
			}
			if len(lost) > 0 {
				return "", errors.New(strings.Join(lost, "; "))
			}
			return fmt.Sprintf("%d lists, the schedules, what is known of an applicant and %d files of keys and images are as before", len(kept), len(files)), nil
		}},
		do{"a delivery afterwards", func() (string, error) {
			version, err := j.other(ctx)
			if err != nil {
				return "", err
			}
			var r platformtest.Result
			err = j.cli(ctx, &r, "cd", "start", model, "--version", strconv.Itoa(version), "--wait")
			if err == nil && r.Verdict != "promoted" {
				err = fmt.Errorf("promoted was wanted: %s", strings.Join(r.Reasons, "; "))
			}
			return fmt.Sprintf("%s: version %d", r.Verdict, r.Model.Version), err
		}},
	)
}

// files are those of the volumes of which no command tells: operators' keys, and what the registry has of images.
func (j *journey) files(ctx context.Context) (all []string, err error) {
	for volume, of := range map[string]string{"operators": "*.key", "registry": "data"} {
		said, err := engine.Output(ctx, ".", nil, "docker", "run", "--rm", "--network", "none", "--volume", j.name+"_"+volume+":/kept:ro", standin.Debian, "find", "/kept", "-type", "f", "-name", of)
		if err != nil {
			return nil, err
		}
		found := strings.Fields(said)
		if len(found) == 0 {
			return nil, fmt.Errorf("volume %s has no file %s", volume, of)
		}
		all = append(all, found...)
	}
	return all, nil
}

// told is what the command says, as a text that says the same whenever it is asked.
func (j *journey) told(ctx context.Context, args []string) (string, error) {
	var said any
	if err := j.cli(ctx, &said, args...); err != nil {
		return "", err
	}
	text, err := json.Marshal(said)
	return string(text), err
}

// timings are the schedules, without when they are due.
func (j *journey) timings(ctx context.Context) (string, error) {
	var listed []struct{ Schedule, Pipeline, Run, Timing string }
	if err := j.cli(ctx, &listed, "schedule", "list"); err != nil {
		return "", err
	}
	text, err := json.Marshal(listed)
	return string(text), err
}
