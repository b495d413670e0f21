// Command ownintegration takes this project's own repository through ContinuousIntegration, with the built programs on a platform of its own, in a temporary
// folder: the commit that is checked out must come through to a published pipeline version, and commits that break this project's own code must each be
// refused by the step that is there for it, with a reason that says what is wrong.
//
//	go run ./tests/ownintegration
//	go run ./tests/ownintegration -only reordered -cache /srv/ownintegration
//
// It prints a table, and ends with exit code 1 when a row is wrong. What is not committed is not looked at.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loanops/loanops/tests/platformtest"
)

func main() {
	bin := flag.String("bin", "bin", "folder of the built programs")
	repository := flag.String("repository", ".", "the repository of this project")
	only := flag.String("only", "", "take only this commit")
	cache := flag.String("cache", "", "`folder` for modules and what is compiled of them, kept for the next time; every user must be able to enter it (default: one that is removed)")
	output := flag.String("output", "", "write the rows as JSON to this `file`")
	flag.Parse()
	chosen := slices.DeleteFunc(slices.Clone(commits), func(c commit) bool { return *only != "" && c.name != *only })
	if flag.NArg() > 0 || len(chosen) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt)
	defer release()
	rows, err := take(ctx, *bin, *repository, *cache, chosen)
	printTable(os.Stdout, rows)
	if *output != "" {
		err = errors.Join(err, platformtest.WriteRows(*output, rows))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ownintegration:", err)
	}
	if err != nil || slices.ContainsFunc(rows, func(r row) bool { return len(r.Wrong) > 0 }) {
		release()
		os.Exit(1) //nolint:gocritic // released
	}
}

// take starts a platform and takes the commits through an integration, one after the other.
func take(ctx context.Context, bin, repository, cache string, chosen []commit) (rows []row, err error) {
	if bin, err = filepath.Abs(bin); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "loanops-own-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o711); err != nil { // commands have users of their own
		return nil, err
	}
	if cache == "" {
		cache = filepath.Join(dir, "cache")
	}
	clone := filepath.Join(dir, "clone")
	if err := cloned(ctx, repository, clone); err != nil {
		return nil, err
	}
	environment, err := prepared(ctx, clone, cache)
	if err != nil {
		return nil, err
	}
	p := &platformtest.Platform{State: filepath.Join(dir, "state"), Bin: bin, Env: environment}
	if err := p.Start("--no-run"); err != nil {
		return nil, err
	}
	for _, c := range chosen {
		platformtest.Say("%s: %s", c.name, c.is)
		r, err := c.take(ctx, p, clone)
		if err != nil {
			r.Wrong = append(r.Wrong, err.Error())
		}
		rows = append(rows, r)
		if ctx.Err() != nil || !p.Running() {
			_ = p.Stop() // it may have ended before
			return rows, errors.New("the platform has ended before the commits were through")
		}
		platformtest.Say("%s: exit code %d after %.0f s: %s %s", c.name, r.Code, r.Seconds, r.Verdict, strings.Join(r.Reasons, "; "))
	}
	return rows, p.Stop()
}
