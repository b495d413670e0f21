package source

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// Slices that are skipped, before or after a later one is read, leave the others as they are and nothing behind.
func TestSkippedSlicesAreNotHeld(t *testing.T) {
	t.Parallel()
	numbers := dataset.Column{Name: "n", Kind: dataset.Integer}
	for i := range 50 {
		numbers.Floats = append(numbers.Floats, float64(i))
	}
	path := filepath.Join(t.TempDir(), "rows.parquet")
	out, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, dataset.WriteParquet(out, dataset.Table{Columns: []dataset.Column{numbers}}))
	require.NoError(t, out.Close())
	relation, err := openParquet(t.Context(), pipeline.Relation{}, []File{{Name: path, Path: path}}, Options{RowsPerSlice: 10})
	require.NoError(t, err)
	defer relation.Close()
	var all []Slice
	for range 5 {
		s, err := relation.Next(t.Context())
		require.NoError(t, err)
		all = append(all, s)
	}
	all[1].Skip()
	for _, i := range []int{3, 0} {
		batch, err := all[i].Decode(t.Context())
		require.NoError(t, err)
		require.Equal(t, strconv.Itoa(10*i), batch.Column(0).ValueStr(0))
	}
	all[2].Skip()
	for _, lane := range relation.(*parquetRelation).lanes {
		require.Empty(t, lane.ready)
		require.Empty(t, lane.skipped)
	}
	batch, err := all[4].Decode(t.Context())
	require.NoError(t, err)
	require.Equal(t, "49", batch.Column(0).ValueStr(9))
}
