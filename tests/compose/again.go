package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/loanops/loanops/tests/compose/engine"
	"github.com/loanops/loanops/tests/platformtest"
)

// again takes the services down and up again, with the volumes: nothing may be lost.
func (j *journey) again(ctx context.Context) error {
	return j.away(ctx, do{"down", func() (string, error) { return "", j.down(ctx, false) }}, do{"up --detach", func() (string, error) {
		_, err := j.compose(ctx, "up", "--detach")
		return "", err
	}})
}

// restore backs all up as the runbook says, leaves nothing, and brings it back as the runbook says.
func (j *journey) restore(ctx context.Context) error {
	back, forth, err := j.runbook()
	if err != nil {
		return err
	}
	return j.away(ctx,
		do{"the runbook's backup; down --volumes, and no secret left", func() (string, error) {
			if err := j.shell(ctx, back); err != nil {
				return "", err
			}
			return "", errors.Join(j.down(ctx, true), os.Remove(filepath.Join(j.clone, ".env")), os.RemoveAll(filepath.Join(j.clone, "infra", "compose", "secrets")))
		}},
		do{"brought back by the runbook", func() (string, error) { return "", j.shell(ctx, forth) }},
	)
}

// away is what is done to have all services away and there again, and what is looked at around it: nothing may be lost, and a delivery goes on from it.
func (j *journey) away(ctx context.Context, away, back do) error {
	var before inventory
	var champion platformtest.Track
	return j.steps(
		do{"what is there", func() (said string, err error) {
			j.client.Stop()
			if before, err = j.take(ctx); err != nil {
				return "", err
			}
			champion, err = j.client.ask()
			return fmt.Sprintf("version %d of %s decides; %s", champion.Version, model, before), err
		}},
		away,
		do{back.name + ", and the first decision", func() (string, error) {
			began := time.Now()
			if _, err := back.do(); err != nil {
				return "", err
			}
			back := time.Since(began)
			err := await(ctx, 2*time.Minute, func() error {
				track, err := j.client.ask()
				if err == nil && track != champion {
					err = fmt.Errorf("version %d decides", track.Version)
				}
				return err
			})
			said := fmt.Sprintf("done after %.1f s, the same version decided after %.1f s", back.Seconds(), time.Since(began).Seconds())
			if err == nil {
				j.client, err = newClient(ctx, j.project)
			}
			return said, err
		}},
		do{"nothing is lost", func() (string, error) {
			now, err := j.take(ctx)
			if lost := before.lacks(now); err == nil && len(lost) > 0 {
				err = errors.New(strings.Join(lost, "; "))
			}
			if err != nil {
				return "", err
			}
			return now.String() + " are as before", nil
		}},
		do{"a delivery afterwards", func() (string, error) {
			version, err := j.other(ctx)
			if err != nil {
				return "", err
			}
			var r platformtest.Result
			if err := j.cli(ctx, &r, "cd", "start", model, "--version", strconv.Itoa(version), "--wait"); err != nil {
				return "", err
			}
			return fmt.Sprintf("%s: version %d", r.Verdict, r.Model.Version), wanted("promoted", r.Verdict, r.Reasons)
		}},
	)
}

// runbook are the commands of docs/runbook.md for a backup of the volumes, and for bringing it back.
func (j *journey) runbook() (back, forth string, err error) {
	text, err := os.ReadFile(filepath.Join(j.clone, "docs", "runbook.md"))
	if err != nil {
		return "", "", err
	}
	_, after, _ := strings.Cut(string(text), "\n**Backups.**")
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(after, 2)
	if len(blocks) < 2 || !strings.Contains(blocks[0][1], "pg_dumpall") || !strings.Contains(blocks[1][1], "psql") {
		return "", "", errors.New("docs/runbook.md does not have the commands of a backup, and then those that bring it back")
	}
	return blocks[0][1], blocks[1][1], nil
}

// shell runs commands that are for a project of the usual name.
func (j *journey) shell(ctx context.Context, commands string) error {
	commands = strings.NewReplacer("docker compose ", strings.Join(j.command, " ")+" --project-name "+j.name+" ", "loanops_$volume", j.name+"_$volume").Replace(commands)
	return engine.Run(ctx, j.clone, j.environment, "sh", "-euc", commands)
}
