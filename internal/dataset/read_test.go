package dataset_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
)

// A defect of what is done with a part ends that, and not the program.
func TestAPanicOverAPartIsAFault(t *testing.T) {
	t.Parallel()
	table := texts(3, 3)
	var bytes bytes.Buffer
	require.NoError(t, dataset.WriteParquet(&bytes, table))
	path := filepath.Join(t.TempDir(), "part")
	require.NoError(t, os.WriteFile(path, bytes.Bytes(), 0o600))
	m := dataset.Manifest{Columns: table.Fields(), Rows: 6, Parts: []dataset.Part{{Rows: 3}, {Rows: 3}}}
	err := dataset.Each(t.Context(), m, []string{path, path}, nil, func(part, _ int, rows dataset.Table) error {
		if part == 1 {
			rows.Columns[part].Name = "none"
		}
		return nil
	})
	require.Equal(t, fault.Internal, fault.CodeOf(err))
	require.ErrorContains(t, err, "index out of range [1] with length 1 at ")
}
