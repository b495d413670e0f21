package cli

import (
	"context"
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

// openRuntime makes what runs an agent's predictors, and what is to know which images its tracks need.
func openRuntime(ctx context.Context, s settings.Settings, by, network, dir string) (runtime.Runtime, func(images func() []string), error) {
	registry, features := image.RegistryOf(s), contract.FeatureStore{URL: s.Features, KeyFile: s.FeaturesKeyFile}
	if err := registry.Check(); err != nil {
		return nil, nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, err, "--dir")
	}
	if by == "" {
		by = runtime.Process
		if containers.Answers(ctx) {
			by = runtime.Docker
		}
	}
	switch by {
	case runtime.Process:
		images := image.Store{Dir: filepath.Join(dir, "images"), Registry: registry}
		return &processes.Runtime{Program: images.Program, Dir: filepath.Join(dir, "run"), Features: features}, func(of func() []string) { images.Needed = of }, nil
	case runtime.Docker:
		if network == "" {
			network = "loanops-" + sha256hex.Of([]byte(dir))[:12]
		}
		engine, err := containers.Open(ctx, containers.Config{Network: network, Archive: registry.Archive, Features: features})
		return engine, func(func() []string) {}, err // the engine keeps them all
	default:
		return nil, nil, fault.New(fault.Invalid, "--runtime %s: %s or %s is wanted", by, runtime.Docker, runtime.Process)
	}
}
