package platform

import (
	"context"
	"path/filepath"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
)

// packed is the image of the predictor's program, or why there is none.
type packed struct {
	image image.Program
	err   error
}

// packPredictor packs the program that predictors run, while other things start.
func (p *Platform) packPredictor() <-chan packed {
	program := p.cfg.Predictor
	if program == "" {
		program = filepath.Join(p.cfg.BinDir, "loanops-api")
	}
	done := make(chan packed, 1)
	go func() {
		made, err := image.Predictor(program)
		done <- packed{made, err}
	}()
	return done
}

// pushPredictor brings the image into the registry, unless it is there, and tells the programs that are started from here on.
func (p *Platform) pushPredictor(ctx context.Context, packing <-chan packed) error {
	made := <-packing
	if made.err != nil {
		return fault.Wrap(fault.Invalid, made.err, "the image of the predictor")
	}
	ref, err := image.RegistryOf(p.Settings).Push(ctx, made.image.Repository, made.image.Image, made.image.SBOM)
	if err != nil {
		return err
	}
	p.Settings.PredictorImage = ref.String()
	return p.writeEnvironment()
}
