package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/peers/rows"
)

// The same rows are written each time, and all steps take them to the same model.
func TestRun(t *testing.T) {
	t.Parallel()
	var written [][]byte
	var models []string
	for _, name := range []string{"one.csv", "two.csv"} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, rows.Write(path, 3000, true))
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		model, err := run(path, "")
		require.NoError(t, err)
		written, models = append(written, text), append(models, model)
	}
	require.Equal(t, written[0], written[1])
	require.Len(t, models[0], 64)
	require.Equal(t, models[0], models[1])
}
