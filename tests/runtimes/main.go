// Command runtimes measures what it costs to run a predictor as a container rather than as a process: the time from start to ready, and how it answers
// callers, with the same program, model and share of the machine, in turns. It trains the model on a platform of its own in a temporary folder. Where
// no container engine answers it starts one, as root on Linux:
//
//	go run ./tests/runtimes -rounds 5
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/deploy/runtime/containers"
	"github.com/loanops/loanops/internal/deploy/runtime/processes"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/tests/compose/engine"
	"github.com/loanops/loanops/tests/platformtest"
)

func main() {
	bin := flag.String("bin", "bin", "folder of the built programs")
	spec := flag.String("spec", "pipelines/loan-eligibility.yaml", "the spec whose model is served")
	rounds := flag.Int("rounds", 5, "how often each runtime is measured")
	flag.Parse()
	if flag.NArg() > 0 || *rounds < 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(context.Background(), *bin, *spec, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "runtimes:", err)
		os.Exit(1)
	}
}

// model is the pipeline whose model is served.
const model = "runtimes"

func run(ctx context.Context, bin, original string, rounds int) error {
	stop, err := engine.Ensure(ctx, filepath.Join(".compose", "engine"), platformtest.Say)
	if err != nil {
		return err
	}
	defer stop()
	bin, err = filepath.Abs(bin)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "loanops-runtimes-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	spec := filepath.Join(dir, model+".yaml")
	if err := platformtest.QuickSpec(original, spec, model, 1); err != nil {
		return err
	}
	p := &platformtest.Platform{State: filepath.Join(dir, "state"), Bin: bin}
	if err := p.Start("--no-run", "--pipeline", spec); err != nil {
		return err
	}
	return errors.Join(compare(ctx, p, spec, rounds), p.Stop())
}

// compare trains a model and serves it by both runtimes.
func compare(ctx context.Context, p *platformtest.Platform, spec string, rounds int) error {
	platformtest.Say("training a version")
	var trained platformtest.Result
	if err := p.JSON(&trained, "ct", "start", "--pipeline", spec, "--wait"); err != nil {
		return err
	}
	applications, err := p.Examples(model, "champion")
	if err != nil {
		return err
	}
	launch, err := champion(ctx, p)
	if err != nil {
		return err
	}
	endpoints, err := p.Endpoints()
	if err != nil {
		return err
	}
	registry := image.Registry{URL: "http://" + endpoints.Registry}
	engine, err := containers.Open(ctx, containers.Config{Network: "loanops-runtimes", Dir: filepath.Join(p.State, "loaded"), Archive: registry.Archive})
	if err != nil {
		return err
	}
	defer engine.Close()
	store := image.Store{Dir: filepath.Join(p.State, "runtimes"), Registry: registry}
	of := []runtime.Runtime{&processes.Runtime{Program: store.Program}, engine}
	seen := make([][]round, len(of))
	for range rounds {
		for i, one := range of {
			r, err := measure(ctx, one, launch, applications)
			if err != nil {
				return fmt.Errorf("%s: %w", one.Name(), err)
			}
			platformtest.Say("%-8s %s", one.Name(), r)
			seen[i] = append(seen[i], r)
		}
	}
	for i, one := range of {
		platformtest.Say("%-8s %s (medians of %d)", one.Name(), medians(seen[i]), rounds)
	}
	return nil
}

// champion is what the platform's agent serves in production, on all of the machine: with less, the kernel's limit and Go's own would be compared.
func champion(ctx context.Context, p *platformtest.Platform) (runtime.Launch, error) {
	address, err := p.Environment("LOANOPS_AGENT")
	if err != nil {
		return runtime.Launch{}, err
	}
	actual, err := contract.NewAgentClient(address, "").Actual(ctx, contract.Production, model)
	if err != nil {
		return runtime.Launch{}, err
	}
	spec := actual.Tracks[contract.Blue].Spec // the first delivery's
	spec.CPUMillis = 2000
	return runtime.Launch{Spec: spec, Bundle: filepath.Join(p.State, "agent", "bundles", spec.Digest)}, nil
}
