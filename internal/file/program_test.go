package file_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/file"
)

// Many that write programs and start them at once, each start while the others write: without the lock about one start in a hundred is refused.
func TestAProgramCanBeRunAtOnce(t *testing.T) {
	const writers, programs = 16, 100
	dir := t.TempDir()
	var all sync.WaitGroup
	faults := make(chan error, writers*programs)
	for writer := range writers {
		all.Go(func() {
			for nth := range programs {
				path := filepath.Join(dir, fmt.Sprintf("%d-%d", writer, nth))
				if err := file.Write(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
					faults <- err
				} else if err := exec.CommandContext(t.Context(), path).Run(); err != nil {
					faults <- err
				}
			}
		})
	}
	all.Wait()
	close(faults)
	for err := range faults {
		require.NoError(t, err)
	}
}
