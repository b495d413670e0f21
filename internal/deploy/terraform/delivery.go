package terraform

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
)

// delivery is desired as Terraform's variables.
func delivery(desired Desired) Desired {
	if desired.Tracks == nil {
		desired.Tracks = map[string]contract.TrackSpec{}
	}
	if desired.Weights == nil {
		desired.Weights = map[string]int{}
	}
	return desired
}

// writeDelivery makes the file at path ask for desired, unless it asks for a newer generation. The agent would refuse the older one, but
// only after the file was written, and a person's terraform plan in the folder would follow it.
func writeDelivery(path string, desired Desired) error {
	if desired.Generation < 1 {
		return fault.New(fault.Invalid, "%s: generation must be a whole number from 1, not %d", path, desired.Generation)
	}
	if newest, ok := generationIn(path); ok && newest > desired.Generation {
		return fault.New(fault.Conflict, "generation %d is overtaken: %s already asks for generation %d; if the serving record was restored from a backup, remove this file",
			desired.Generation, path, newest)
	}
	return writeJSON(path, delivery(desired))
}

// generationIn is what the file at path asks for; false when it is not there or does not say.
func generationIn(path string) (int64, bool) {
	data, _ := os.ReadFile(path) // unreadable is as good as absent: it is written anew
	var asked struct {
		Generation int64 `json:"generation"`
	}
	err := json.Unmarshal(data, &asked)
	return asked.Generation, err == nil && asked.Generation > 0
}

// prepareDelivery gives a workspace from which nothing was delivered yet, here or anywhere, the variables of nothing: a
// person's terraform plan then works there too, and plans nothing. A damaged file, with which Terraform would not even plan, goes.
func (w *Workspace) prepareDelivery(ctx context.Context, dir string) error {
	path := filepath.Join(dir, deliveryFile)
	if _, ok := generationIn(path); ok {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.Internal, err, "a damaged file of variables")
	}
	delivered, err := w.cfg.Backend.delivered(ctx)
	if err != nil || delivered {
		return err
	}
	return writeJSON(path, delivery(Desired{Pipeline: w.cfg.Backend.Pipeline, Environment: w.cfg.Backend.Environment, Generation: 1}))
}
