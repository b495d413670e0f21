// Package e2e drives the built programs in bin/ from outside, as a person or a script would: processes, files, REST, and
// nothing else of the platform's inside, but for the bundle codec with which one test makes a bad model.
package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/loanops/loanops/tests/platformtest"
)

// shared is the platform on which most tests run: taken once from an empty folder to a champion that went through a canary. Its repositories lie on forges.
var (
	shared *platform
	forges *forge
)

func TestMain(m *testing.M) {
	platformtest.Contained()
	code, err := runAll(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
	os.Exit(code)
}

func runAll(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "loanops-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	shared = newPlatform(filepath.Join(dir, "state"))
	if forges, err = newForge(filepath.Join(dir, "forge")); err != nil {
		return 1, err
	}
	defer forges.Close()
	shared.Env = append(shared.Env, forges.settings()...)
	if err := shared.FirstRun(); err != nil {
		return 1, err
	}
	if err := shared.Start("--no-run"); err != nil {
		return 1, err
	}
	var paused json.RawMessage
	if err := shared.JSON(&paused, "schedule", "pause", name, "--reason", "tests begin runs themselves"); err != nil {
		return 1, err
	}
	code := m.Run()
	if err := errors.Join(stopFresh(), shared.Stop()); err != nil {
		return 1, err
	}
	return code, nil
}
