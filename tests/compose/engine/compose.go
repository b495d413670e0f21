package engine

import (
	"context"
	"os"
	"path/filepath"
)

// Compose is the command of Docker Compose: the one that the machine has, or one that is built from its module into the folder.
func Compose(ctx context.Context, repository, folder string, say func(string, ...any)) ([]string, error) {
	if Run(ctx, ".", nil, "docker", "compose", "version") == nil {
		return []string{"docker", "compose"}, nil
	}
	program, err := filepath.Abs(filepath.Join(folder, "docker-compose"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(program); err != nil {
		say("building Docker Compose from its module")
	}
	// Go's own cache decides what is compiled again.
	return []string{program}, Run(ctx, filepath.Join(repository, "tests", "compose", "tools"), []string{"CGO_ENABLED=0"},
		"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "github.com/docker/compose/v2/cmd")
}
