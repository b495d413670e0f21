package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/tests/compose/engine"
	"github.com/loanops/loanops/tests/compose/standin"
)

// lists are what has to be there after the services were away, by how a person asks for it.
var lists = [][]string{
	{"pipelines", "list"},
	{"models", "list", shipped},
	{"models", "list", model},
	{"serving", "history", shipped},
	{"serving", "history", model},
	{"models", "history", model},
	{"features", "list"},
	{"runs", "list", "--limit", "1000"},
}

// inventory is what a platform has.
type inventory struct {
	told  map[string]string // by command
	files []string          // see files
}

// take looks at all of it. Of schedules Temporal's own workers tell, which are there later than it is.
func (j *journey) take(ctx context.Context) (i inventory, err error) {
	if err := j.quiet(ctx); err != nil {
		return i, err
	}
	i.told = map[string]string{}
	for _, args := range lists {
		what := "loanops " + strings.Join(args, " ")
		if i.told[what], err = j.told(ctx, args); err != nil {
			return i, err
		}
	}
	err = await(ctx, 2*time.Minute, func() (err error) {
		i.told["loanops schedule list"], err = j.timings(ctx)
		return err
	})
	if err != nil {
		return i, err
	}
	if i.told["what is known of an applicant"], err = j.lookUp(ctx); err != nil {
		return i, err
	}
	i.files, err = j.files(ctx)
	return i, err
}

// lacks is what is not in another one as it is here.
func (i inventory) lacks(other inventory) (lost []string) {
	for what, said := range i.told {
		if other.told[what] != said {
			lost = append(lost, what+" says something else")
		}
	}
	for _, file := range i.files {
		if !slices.Contains(other.files, file) {
			lost = append(lost, "file "+file+" is not there")
		}
	}
	slices.Sort(lost)
	return lost
}

func (i inventory) String() string {
	return fmt.Sprintf("%d lists, what is known of an applicant, and %d files of keys and images", len(i.told)-1, len(i.files))
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
