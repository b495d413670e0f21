// Command compose takes the distributed form on one Docker host, docker-compose.yml, from a clean clone to promoted versions, kills each of its services
// during a canary, brings it to another commit, and takes it down and up again, looking at it from outside as a person would:
//
//	go run ./tests/compose
//	go run ./tests/compose -only kills -service agent -output compose.json
//
// Where no Docker engine answers it starts one, as root on Linux. Images of public registries are stood in for by what this machine has, see package
// standin. It makes a project of its own, with ports of its own, prints what it does and a table of each of these, and ends with exit code 1 when something is wrong. What is
// not committed is not looked at.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/loanops/loanops/tests/compose/engine"
	"github.com/loanops/loanops/tests/compose/standin"
	"github.com/loanops/loanops/tests/platformtest"
)

// limit bounds all of it: a cold build of everything is half an hour on two cores.
const limit = 90 * time.Minute

// skip is what COMPOSE_TEST is where a machine without an engine is meant.
const skip = "skip"

func main() {
	repository := flag.String("repository", ".", "the repository of this project")
	work := flag.String("work", ".compose", "`folder` of what is kept: Docker Compose, and the data of an engine that is started here")
	prepare := flag.Bool("prepare", false, "end when the engine has the public images")
	only := flag.String("only", "", "after the first deliveries, take only these `parts`, with commas between them: "+strings.Join(names(parts), ", "))
	service := flag.String("service", "", "kill only this service")
	keep := flag.Bool("keep", false, "leave the project running")
	output := flag.String("output", "", "write what came of it as JSON to this `file`")
	flag.Parse()
	chosen, err := choose(*only)
	if err != nil || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, limit)
	r, err := run(ctx, *repository, *work, *prepare, *keep, *service, chosen)
	cancel()
	release()
	if errors.Is(err, engine.ErrNone) {
		fmt.Fprintf(os.Stderr, "compose: %s; with COMPOSE_TEST=%s this is no fault\n", err, skip)
		if os.Getenv("COMPOSE_TEST") == skip {
			return
		}
		os.Exit(1)
	}
	r.print(os.Stdout)
	if *output != "" {
		err = errors.Join(err, r.write(*output))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compose:", err)
	}
	if err != nil || r.wrong() {
		os.Exit(1)
	}
}

// choose are the parts of a list of names; all without one.
func choose(list string) ([]part, error) {
	if list == "" {
		return parts, nil
	}
	var chosen []part
	for name := range strings.SplitSeq(list, ",") {
		at := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if at < 0 {
			return nil, fmt.Errorf("there is no part %q", name)
		}
		chosen = append(chosen, parts[at])
	}
	return chosen, nil
}

func names(parts []part) (names []string) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

// run brings an engine and images, and takes a project on it through the parts.
func run(ctx context.Context, repository, work string, prepare, keep bool, service string, chosen []part) (r *report, err error) {
	r = &report{}
	if err := os.MkdirAll(work, 0o755); err != nil {
		return r, err
	}
	stop, err := engine.Ensure(ctx, filepath.Join(work, "engine"), platformtest.Say)
	if err != nil {
		return r, err
	}
	defer stop()
	if err := engine.Room(ctx); err != nil {
		return r, err
	}
	command, err := engine.Compose(ctx, repository, work, platformtest.Say)
	if err != nil {
		return r, err
	}
	if err := (standin.Maker{Repository: repository, Say: platformtest.Say}).Make(ctx); err != nil || prepare {
		return r, err
	}
	p, err := newProject(ctx, repository, command)
	if err != nil {
		return r, err
	}
	if !keep {
		defer func() { err = errors.Join(err, p.remove()) }()
	}
	j := &journey{project: p, report: r, service: service}
	defer j.end()
	for _, part := range append(slices.Clone(beginning), chosen...) {
		if wrong := part.take(j, ctx); wrong != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", part.name, wrong), p.logs())
			if ctx.Err() != nil || part.first {
				return r, err
			}
		}
	}
	return r, err
}

func (r *report) write(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
