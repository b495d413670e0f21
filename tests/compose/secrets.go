package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/loanops/loanops/tests/compose/engine"
)

// secrets makes them, and puts that of the forge where a person would.
func (j *journey) secrets(ctx context.Context) error {
	if err := engine.Run(ctx, j.clone, nil, "sh", "infra/compose/secrets.sh"); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(j.clone, "infra", "compose", "secrets", "repository.token"), []byte(forgeToken), 0o644)
}
