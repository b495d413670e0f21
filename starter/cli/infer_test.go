package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
)

func TestDataInferWritesASpec(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cards.csv")
	require.NoError(t, os.WriteFile(path, []byte("id;income;bad\n"+strings.Repeat("A-1;$1,000;1\nA-2;?;0\n", 10)), 0o600))
	stdout, stderr, code := run(t, "data", "infer", path)
	require.Equal(t, 0, code, stderr)
	require.Empty(t, stderr)
	spec, err := pipeline.Parse("cards.yaml", []byte(stdout))
	require.NoError(t, err, stdout)
	require.Equal(t, "cards", spec.Name)
	require.Equal(t, "bad", spec.Label.Column)

	stdout, _, code = run(t, "data", "infer", path, "--output", "json", "--name", "other")
	require.Equal(t, 0, code)
	var told struct {
		Rows    int
		Columns []map[string]any
		Label   pipeline.Label
		Spec    string
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &told))
	require.Equal(t, 20, told.Rows)
	require.Equal(t, spec.Label, told.Label)
	require.Contains(t, told.Spec, "name: other\n")
	for _, key := range []string{
		"name", "type", "format", "domain", "min", "max", "missing", "missing_share", "distinct", "unique", "suggested_key", "protected", "protected_reason", "codes", "clean",
	} {
		require.Contains(t, told.Columns[1], key)
	}
}

func TestDataInferRefusesBadInput(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"there is no such file": {"none.csv"}, "arguments": {}, "no such column": {"root.go", "--nothing"}, "regular file": {"/dev/zero"}, "a name that ends in": {"root.go"},
	} {
		_, stderr, code := run(t, append([]string{"data", "infer"}, args...)...)
		require.Equal(t, 2, code, stderr)
		if name != "no such column" {
			require.Contains(t, stderr, name)
		}
	}
}
