// Command replay keeps histories for the replay test: on a platform of its own it plays every scenario of scenarios.go with the built
// programs, and writes the history of each to workflows/testdata/histories, with a line that says why it is kept:
//
//	make build && go run ./tests/replay
//
// A history is kept for ever: a change of workflow code that it does not replay needs workflow.GetVersion.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/tests/platformtest"
)

// reasonsFile says of every history beside it why it is kept.
const reasonsFile = "reasons.json"

func main() {
	dir := flag.String("dir", "workflows/testdata/histories", "folder to write to")
	bin := flag.String("bin", "bin", "folder of the built programs")
	spec := flag.String("spec", "pipelines/loan-eligibility.yaml", "the spec that is made quick")
	flag.Parse()
	if err := record(context.Background(), *dir, *bin, *spec); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

func record(ctx context.Context, dir, bin, spec string) error {
	bin, err := filepath.Abs(bin)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "loanops-replay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	s := &stage{Platform: &platformtest.Platform{State: filepath.Join(work, "state"), Bin: bin}, work: work, spec: spec}
	if err := s.makeRepository(); err != nil {
		return err
	}
	receiver, err := s.receive()
	if err != nil {
		return err
	}
	defer receiver.Close()
	if err := s.Start("--no-run"); err != nil {
		return err
	}
	return errors.Join(s.playAll(ctx, dir), s.Stop())
}

func (s *stage) playAll(ctx context.Context, dir string) error {
	endpoints, err := s.Endpoints()
	if err != nil {
		return err
	}
	if s.temporal, err = client.Dial(client.Options{HostPort: endpoints.Temporal, Namespace: endpoints.Namespace}); err != nil {
		return err
	}
	defer s.temporal.Close()
	reasons := map[string]string{}
	for _, scene := range scenarios {
		if err := scene.play(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", scene.keeps[0].file, err)
		}
		for _, kept := range scene.keeps {
			fmt.Println(kept.file)
			workflowID, err := s.workflowID(kept)
			if err != nil {
				return err
			}
			if err := export(ctx, s.temporal, workflowID, filepath.Join(dir, kept.file)); err != nil {
				return err
			}
			reasons[kept.file] = kept.why
		}
	}
	data, err := json.MarshalIndent(reasons, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, reasonsFile), append(data, '\n'), 0o644)
}
