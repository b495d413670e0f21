package agent

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/process"
)

// drainGrace is how long a predictor may answer what it has begun before it is killed.
const drainGrace = 10 * time.Second

// child is a started loanops-api. err says how it ended once exited is closed.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error
}

// stop drains the process, kills it after drainGrace, and returns when it has ended.
func (c *child) stop() { process.Stop(c.cmd, c.exited, drainGrace) }

// logFile is where the slot's predictors write.
func (a *agent) logFile(k key) string {
	return filepath.Join(a.cfg.Dir, "logs", k.environment+"-"+k.pipeline+"-"+k.slot+".log")
}

// parts are what of a track is on this machine before it starts: its bundle, and the program of its image with its first arguments.
type parts struct {
	bundle, program string
	args            []string
}

// bring fetches what the track needs and is not here.
func (a *agent) bring(ctx context.Context, spec contract.TrackSpec) (parts, error) {
	bundle, err := a.bundles.path(ctx, spec.BundleURI, spec.Digest)
	if err != nil {
		return parts{}, err
	}
	program, args, err := a.cfg.Program(ctx, spec.Image)
	return parts{bundle, program, args}, err
}

// startAPI starts the image's loanops-api for the slot.
func (a *agent) startAPI(k key, spec contract.TrackSpec, of parts, addressFile string) (*child, error) {
	log, err := file.OpenLog(a.logFile(k))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	policy, err := contract.WritePolicy(a.runDir, spec)
	if err != nil {
		return nil, err
	}
	// No context: it would kill at once, stop drains first.
	args := slices.Concat(of.args, contract.PredictorArgs(spec, of.bundle, policy, addressFile))
	cmd := exec.CommandContext(context.Background(), of.program, args...)
	cmd.Env = append(contract.PredictorEnv(spec), a.cfg.Features.Env()...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := process.Start(cmd); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, exited: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.exited)
	}()
	return c, nil
}
