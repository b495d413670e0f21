package agent

import (
	"context"
	"path/filepath"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/file"
)

// logFile is where the slot's predictors write.
func (a *agent) logFile(k key) string {
	return filepath.Join(a.cfg.Dir, "logs", k.environment+"-"+k.pipeline+"-"+k.slot+".log")
}

// parts are what of a track is on this machine before it starts: its bundle, and how its image is started.
type parts struct {
	bundle string
	start  runtime.Start
}

// bring fetches what the track needs and is not here.
func (a *agent) bring(ctx context.Context, spec contract.TrackSpec) (parts, error) {
	bundle, err := a.bundles.path(ctx, spec.BundleURI, spec.Digest)
	if err != nil {
		return parts{}, err
	}
	start, err := a.cfg.Runtime.Bring(ctx, spec.Image)
	return parts{bundle, start}, err
}

// startIn starts an instance of the spec for the slot.
func (a *agent) startIn(ctx context.Context, k key, j *job, of parts) (runtime.Instance, error) {
	log, err := file.OpenLog(a.logFile(k))
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	owner := runtime.Owner{Environment: k.environment, Pipeline: k.pipeline, Slot: k.slot, Generation: j.generation}
	a.mu.Unlock()
	instance, err := of.start(ctx, runtime.Launch{Owner: owner, Spec: j.spec, Bundle: of.bundle, Log: log})
	if err != nil {
		_ = log.Close() // nothing was written
	}
	return instance, err
}
