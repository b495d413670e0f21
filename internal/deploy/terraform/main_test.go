package terraform_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/loanops/loanops/internal/deploy/deploytest"
)

// providerBinary is the real provider, built once.
var providerBinary string

// TestMain is also the predictor that the agent and Measure start.
func TestMain(m *testing.M) {
	deploytest.Main()
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "loanops-provider-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	providerBinary = filepath.Join(dir, "terraform-provider-loanops")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", providerBinary, "github.com/loanops/loanops/infra/provider")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("building the provider: %w\n%s", err, out)
	}
	return m.Run(), nil
}
