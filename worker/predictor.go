package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/settings"
)

// How long is waited between two tries to reach the registry: at first, and at most.
const (
	firstWait   = 250 * time.Millisecond
	longestWait = 10 * time.Second
)

// predictorImage is what predictors run in: the image that the settings name, else that of the loanops-api beside this program, which is brought into the
// registry unless it is there. A registry that is away is waited for: it may start later than the worker.
func predictorImage(ctx context.Context, cfg settings.Settings, logger *slog.Logger) (string, error) {
	if cfg.PredictorImage != "" {
		return cfg.PredictorImage, nil
	}
	registry := image.RegistryOf(cfg)
	if err := registry.Check(); err != nil {
		return "", err
	}
	made, err := image.Predictor(filepath.Join(cfg.BinDir, "loanops-api"))
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "LOANOPS_PREDICTOR_IMAGE names no image, and none can be made of the programs in LOANOPS_BIN_DIR")
	}
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		ref, err := registry.Push(ctx, made.Repository, made.Image, made.SBOM)
		if err == nil {
			logger.Info("predictors run in the image of the program beside this one", "image", ref.String())
			return ref.String(), nil
		}
		if fault.CodeOf(err) != fault.Unavailable || ctx.Err() != nil {
			return "", err
		}
		logger.Warn("the predictor's image waits for the registry", "error", err)
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(wait):
		}
	}
}
