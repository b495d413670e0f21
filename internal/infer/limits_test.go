package infer

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// One row more than a spec allows by default is read, and the spec allows twice as many: 10,000,002, by hand in two digits upwards 11,000,000.
func TestMoreRowsThanASpecAllowsByDefault(t *testing.T) {
	t.Parallel()
	const rows = 5_000_001
	path := filepath.Join(t.TempDir(), "x.csv")
	require.NoError(t, os.WriteFile(path, append([]byte("y\n"), bytes.Repeat([]byte("1\n"), rows)...), 0o600))
	s, err := Run(t.Context(), Input{URIs: []string{path}})
	require.NoError(t, err)
	require.Equal(t, int64(rows), s.Rows)
	require.Contains(t, s.Spec, "\nlimits: {max_rows: 11000000, max_bytes: 2147483648}\n")
}

// By hand: twice of 3 GiB is 6,442,450,944.
func TestLimitsOfTheSpec(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rows, bytes int64
		want        string
	}{
		{5_000_000, 2 << 30, ""}, {5_000_001, 0, "{max_rows: 11000000, max_bytes: 2147483648}"}, {1, 3 << 30, "{max_rows: 5000000, max_bytes: 6500000000}"},
	} {
		s := Schema{Rows: test.rows, bytes: test.bytes}
		require.Equal(t, test.want, s.limits())
		if test.want == "" {
			continue
		}
		spec := "name: x\nsource: {uri: x.csv}\nlabel: {column: l, positive: \"1\", negative: \"0\"}\ncolumns: [{name: c, type: number}]\nlimits: " + test.want
		parsed, err := pipeline.Parse("x.yaml", []byte(spec))
		require.NoError(t, err)
		require.Greater(t, parsed.Limits.MaxRows, test.rows)
		require.Greater(t, parsed.Limits.MaxBytes, test.bytes)
	}
}

// The limits of what is read come from the size of the files; what passes them is told without a key that nobody can set.
func TestDenseFilesAreRefused(t *testing.T) {
	t.Parallel()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(append([]byte("a,b\n"), bytes.Repeat([]byte("1,2\n"), 100_000)...))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	path := filepath.Join(t.TempDir(), "x.csv.gz")
	require.NoError(t, os.WriteFile(path, packed.Bytes(), 0o600))
	files := []source.File{{Name: "x.csv.gz", Path: path}}
	options, err := limits(files)
	require.NoError(t, err)
	require.Equal(t, source.Options{MaxRows: 5_000_000, MaxBytes: 2 << 30}, options)
	for want, options := range map[string]source.Options{"99999 rows": {MaxRows: 99_999}, "4000 bytes of content": {MaxBytes: 4_000}} {
		rows, err := source.Open(t.Context(), pipeline.Relation{URI: path}, files, options)
		if err == nil {
			_, _, err = read(t.Context(), rows, Input{})
			require.NoError(t, rows.Close())
		}
		err = tooDense(err)
		require.ErrorContains(t, err, "x.csv.gz: the relation has more than "+want+", and more than 200 for each byte of the files; ")
		require.NotContains(t, err.Error(), "limits.")
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
	}
	large := filepath.Join(t.TempDir(), "large.csv") // of 100 MB, none of which are written
	f, err := os.Create(large)
	require.NoError(t, err)
	require.NoError(t, f.Truncate(100_000_000))
	require.NoError(t, f.Close())
	options, err = limits([]source.File{{Path: large}, {Path: large}})
	require.NoError(t, err)
	require.Equal(t, source.Options{MaxRows: 40_000_000_000, MaxBytes: 40_000_000_000}, options)
	_, err = limits([]source.File{{Name: "none.csv", Path: "none.csv"}})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}
