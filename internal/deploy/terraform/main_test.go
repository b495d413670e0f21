package terraform_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/deploy/deploytest"
)

// providerBinary is the real provider, built once.
var providerBinary string

// store is a real S3 store, and bucket a bucket in it.
var store artifact.S3

const bucket = "loanops"

// TestMain is also the predictor that the agent and Measure start, and a worker that can be killed.
func TestMain(m *testing.M) {
	deploytest.Main()
	playWorker()
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
	at, stop, err := s3test.Serve(dir)
	if err != nil {
		return 1, err
	}
	defer stop()
	store = at
	if _, err := artifact.Open(context.Background(), artifact.Config{Bucket: bucket, CacheDir: filepath.Join(dir, "cache"), S3: at}); err != nil {
		return 1, err
	}
	return m.Run(), nil
}
