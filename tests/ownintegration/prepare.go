package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/loanops/loanops/tests/platformtest"
)

// flags are Go's, for what is compiled beforehand and for the commands.
const flags = "-mod=readonly"

// command runs a program in a folder; what it prints goes to standard error. variables are added to the environment, as NAME=value.
func command(ctx context.Context, dir string, variables []string, args ...string) error {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env, c.Stdout, c.Stderr = dir, append(os.Environ(), variables...), os.Stderr, os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// cloned makes a clone of the commit that is checked out, on a branch main whatever branch it is of.
func cloned(ctx context.Context, repository, clone string) error {
	if err := command(ctx, ".", nil, "git", "clone", "--quiet", "--no-hardlinks", repository, clone); err != nil {
		return err
	}
	return command(ctx, clone, nil, "git", "checkout", "--quiet", "-B", "main")
}

// prepared brings what the commands need, and cannot fetch, to where their users can read it: the modules, and what is compiled of these. It is the
// environment with which the platform is started, as docs/runbook.md says.
func prepared(ctx context.Context, clone, cache string) ([]string, error) {
	cache, err := filepath.Abs(cache)
	if err != nil {
		return nil, err
	}
	modules, seed := filepath.Join(cache, "gomod"), filepath.Join(cache, "seed")
	if err := os.MkdirAll(modules, 0o755); err != nil {
		return nil, err
	}
	here, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	at, proxy, _ := strings.Cut(strings.TrimSpace(string(here)), "\n")
	platformtest.Say("bringing the modules to %s", modules)
	err = command(ctx, clone, []string{"GOMODCACHE=" + modules, "GOFLAGS=-modcacherw", "GOPROXY=file://" + filepath.Join(at, "cache", "download") + "," + proxy}, "go", "mod", "download")
	if err != nil {
		return nil, err
	}
	if err := command(ctx, clone, nil, "chmod", "-R", "a+rX", cache); err != nil {
		return nil, err
	}
	variables := []string{"GOMODCACHE=" + modules, "GOPROXY=off", "GOFLAGS=" + flags}
	platformtest.Say("compiling them into %s", seed)
	if err := command(ctx, clone, variables, "sh", "tests/ownintegration/seed.sh", seed); err != nil {
		return nil, err
	}
	allow := "allow"
	if os.Geteuid() != 0 {
		allow = "allow-same-user"
	}
	return append(variables, "GOCACHE_SEED="+seed, "LOANOPS_CI_ENVIRONMENT=GOMODCACHE,GOPROXY,GOFLAGS,GOCACHE_SEED", "LOANOPS_CI_COMMANDS="+allow), nil
}
