package standin

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/loanops/loanops/tests/compose/engine"
)

// golang gives this machine's Go, and the certificates that it trusts.
func (m Maker) golang(ctx context.Context, dir string) error {
	root, err := engine.Output(ctx, m.Repository, nil, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	if err := copied(ctx, strings.TrimSpace(root), filepath.Join(dir, "go")); err != nil {
		return err
	}
	return copied(ctx, "/etc/ssl/certs/ca-certificates.crt", filepath.Join(dir, "ca-certificates.crt"))
}

func (m Maker) terraform(ctx context.Context, dir string) error {
	program, err := exec.LookPath("terraform")
	if err != nil {
		return err
	}
	return copied(ctx, program, filepath.Join(dir, "terraform"))
}

// built gives programs of the module of stand-ins, and files of one that it requires. They are built as `make build` builds loanops-devserver, so that what is
// compiled of the Temporal server is shared.
func (m Maker) built(module string, programs map[string]string, files []string) func(context.Context, string) error {
	return func(ctx context.Context, dir string) error {
		for name, pack := range programs {
			err := engine.Run(ctx, m.programs(), []string{"CGO_ENABLED=0"}, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), pack)
			if err != nil {
				return err
			}
		}
		at, err := engine.Output(ctx, m.programs(), nil, "go", "list", "-m", "-f", "{{.Dir}}", module)
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := copied(ctx, filepath.Join(strings.TrimSpace(at), file), filepath.Join(dir, filepath.Base(file))); err != nil {
				return err
			}
		}
		return nil
	}
}

func copied(ctx context.Context, from, to string) error {
	return engine.Run(ctx, ".", nil, "cp", "--recursive", "--dereference", from, to)
}

// variables are what `go env` says of names, as NAME=value.
func variables(ctx context.Context, names ...string) (lines []string, err error) {
	for _, name := range names {
		value, err := engine.Output(ctx, ".", nil, "go", "env", name)
		if err != nil {
			return nil, err
		}
		lines = append(lines, fmt.Sprintf("%s=%s", name, strings.TrimSpace(value)))
	}
	return lines, nil
}
