// Package processes runs predictors as processes of this machine and of its own user. Isolation is said as it is: a clean environment, GOMEMLIMIT and
// GOMAXPROCS, which Go's runtime heeds by itself. There is no cgroup and no user ID of their own, and they end with whoever started them.
package processes

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/process"
)

// Runtime starts the programs of images.
type Runtime struct {
	// Program brings the program of an image, named repository@sha256:…, to this machine and returns its file and the arguments that come before
	// a predictor's. What was brought once it finds again while the registry is away. See image.Store.
	Program func(ctx context.Context, image string) (path string, args []string, err error)
	// Dir is a folder for addresses and policies, made when absent, whose owner is an agent alone; that of temporary files when it is empty.
	Dir string
	// Features is the feature store that predictors ask, if there is one.
	Features contract.FeatureStore
	// Needed is told what Keep is, for whoever keeps what Program brings. May be nil.
	Needed func(images func() []string)
}

// Name is contract.Process.
func (r *Runtime) Name() contract.Runtime { return contract.Process }

// Enforces is false.
func (r *Runtime) Enforces() bool { return false }

// Keep tells Needed.
func (r *Runtime) Keep(images func() []string) {
	if r.Needed != nil {
		r.Needed(images)
	}
}

// Identify knows only what decides: nothing outlives its agent.
func (r *Runtime) Identify(spec contract.TrackSpec) (runtime.Identity, error) {
	return runtime.Identity{Decides: runtime.DecidesOf(spec)}, nil
}

// Orphans are none: the system ends the predictors of an agent that is killed. Their addresses and policies are removed.
func (r *Runtime) Orphans(context.Context) ([]runtime.Orphan, error) {
	if r.Dir == "" {
		return nil, nil
	}
	return nil, fault.Wrap(fault.Internal, os.RemoveAll(r.Dir), "the folder of predictors' addresses")
}

// Close has nothing to give back.
func (r *Runtime) Close() {}

// Bring brings the image's program to this machine.
func (r *Runtime) Bring(ctx context.Context, image string) (runtime.Start, error) {
	program, args, err := r.Program(ctx, image)
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, what runtime.Launch) (runtime.Instance, error) {
		return r.start(program, args, what)
	}, nil
}

func (r *Runtime) start(program string, first []string, what runtime.Launch) (runtime.Instance, error) {
	folder, err := r.folder()
	if err != nil {
		return nil, err
	}
	env := contract.PredictorEnv(what.Spec)
	if what.Owner != (runtime.Owner{}) {
		env = append(env, r.Features.Env()...)
	}
	i, err := start(program, first, env, what, folder)
	if err != nil {
		_ = os.RemoveAll(folder) // the error says what is wrong
		return nil, err
	}
	return i, nil
}

// folder is a new one for what one process is told and tells.
func (r *Runtime) folder() (string, error) {
	if r.Dir != "" {
		if err := os.MkdirAll(r.Dir, 0o700); err != nil {
			return "", fault.Wrap(fault.Internal, err, "the folder of predictors' addresses")
		}
	}
	folder, err := os.MkdirTemp(r.Dir, "loanops-predictor-")
	return folder, fault.Wrap(fault.Internal, err, "a folder for a predictor's address")
}

func start(program string, first, env []string, what runtime.Launch, folder string) (*instance, error) {
	policy := filepath.Join(folder, "policy.json")
	if err := file.Write(policy, []byte(what.Spec.Policy), 0o600); err != nil {
		return nil, err
	}
	i := &instance{folder: folder, ended: make(chan struct{})}
	args := slices.Concat(first, contract.PredictorArgs(what.Spec, what.Bundle, policy), []string{"--address", "127.0.0.1:0", "--address-file", i.addressFile()})
	// No context: it would kill at once, Stop drains first.
	i.cmd = exec.CommandContext(context.Background(), program, args...)
	i.cmd.Env = env
	i.cmd.Stdout, i.cmd.Stderr = what.Log, what.Log
	if err := process.Start(i.cmd); err != nil {
		return nil, fault.Wrap(fault.NotFound, err, "the program of %s", what.Spec.Image)
	}
	go i.wait(what.Log)
	return i, nil
}

// instance is a process.
type instance struct {
	cmd      *exec.Cmd
	folder   string
	ended    chan struct{}
	err      error
	stopping sync.Once
	peak     int64
}

func (i *instance) addressFile() string { return filepath.Join(i.folder, "url") }

func (i *instance) wait(log io.Closer) {
	i.err = i.cmd.Wait()
	if i.err == nil {
		i.err = errors.New("the process ended by itself with exit code 0")
	}
	_ = log.Close()
	_ = os.RemoveAll(i.folder)
	close(i.ended)
}

func (i *instance) PID() int { return i.cmd.Process.Pid }

func (i *instance) URL() string {
	address, err := os.ReadFile(i.addressFile())
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(address))
}

func (i *instance) Ended() <-chan struct{} { return i.ended }

func (i *instance) Err() error { return i.err }

func (i *instance) Stop() {
	i.stopping.Do(func() {
		select {
		case <-i.ended:
		default:
			i.peak = peakResident(i.PID())
			process.Stop(i.cmd, i.ended, runtime.DrainGrace)
		}
	})
}

func (i *instance) Usage() runtime.Usage {
	state := i.cmd.ProcessState
	peak := i.peak
	if peak == 0 {
		peak = maxResident(state)
	}
	return runtime.Usage{CPU: state.UserTime() + state.SystemTime(), PeakMemory: peak}
}
