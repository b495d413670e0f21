package engine

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Run runs a command in a folder, with this process's environment and variables beside it, as NAME=value. What it prints is the error's when it fails.
func Run(ctx context.Context, dir string, variables []string, args ...string) error {
	_, err := Output(ctx, dir, variables, args...)
	return err
}

// Output is what Run's command prints to standard output. An error's first line has the last one of standard error, where programs say what was wrong.
func Output(ctx context.Context, dir string, variables []string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	var stdout, stderr bytes.Buffer
	c.Dir, c.Env, c.Stdout, c.Stderr = dir, append(c.Environ(), variables...), &stdout, &stderr
	if err := c.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return stdout.String(), fmt.Errorf("%s %s: %w: %s\n%s%s", filepath.Base(args[0]), strings.Join(args[1:], " "), err, lines[len(lines)-1], tail(stdout.String()), tail(stderr.String()))
	}
	return stdout.String(), nil
}

// tail is the end of what a command printed, where it says what went wrong.
func tail(text string) string {
	const most = 4000
	if len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	return text
}
