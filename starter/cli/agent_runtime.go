package cli

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/deploy/runtime/containers"
	"github.com/loanops/loanops/internal/deploy/runtime/processes"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/sha256hex"
)

// runtimeUsage is the help of a flag that two commands have.
const runtimeUsage = "how predictors run, docker or process\n(default: docker where an engine answers)"

// openRuntime makes what runs an agent's predictors.
func openRuntime(ctx context.Context, s settings.Settings, by, network, dir string) (runtime.Runtime, error) {
	registry, features := image.RegistryOf(s), contract.FeatureStore{URL: s.Features, KeyFile: s.FeaturesKeyFile}
	if err := registry.Check(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "--dir")
	}
	of := contract.Runtime(by)
	if of == "" {
		if of, err = defaultRuntime(ctx, dir); err != nil {
			return nil, err
		}
	}
	switch of {
	case contract.Process:
		images := image.Store{Dir: filepath.Join(dir, "images"), Registry: registry}
		return &processes.Runtime{
			Program: images.Program, Dir: filepath.Join(dir, "run"), Features: features, Needed: func(of func() []string) { images.Needed = of },
		}, nil
	case contract.Docker:
		if network == "" {
			network = "loanops-" + sha256hex.Of([]byte(dir))[:12]
		}
		return containers.Open(ctx, containers.Config{Network: network, Dir: filepath.Join(dir, containersFolder), Archive: registry.Archive, Features: features})
	default:
		return nil, fault.New(fault.Invalid, "--runtime %s: %s or %s is wanted", by, contract.Docker, contract.Process)
	}
}

// containersFolder is that of an agent whose predictors are containers.
const containersFolder = "containers"

// defaultRuntime is containers where an engine answers, and processes where none does. What a plan grants was enforced where predictors have been containers:
// that an engine is away, perhaps for a moment, is no reason to give it up without a word.
func defaultRuntime(ctx context.Context, dir string) (contract.Runtime, error) {
	if containers.Answers(ctx) {
		return contract.Docker, nil
	}
	if _, err := os.Stat(filepath.Join(dir, containersFolder)); err == nil {
		return "", fault.New(fault.Unavailable, "no Docker engine answers, and the predictors of %s were containers: start the engine, or say --runtime %s, with which nothing enforces their limits", dir, contract.Process)
	}
	slog.Info("predictors run as processes, for no Docker engine answers: nothing enforces the limits of their plans")
	return contract.Process, nil
}
