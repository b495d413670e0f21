package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
)

// A developer tests what a commit would hold: what was built in the folder, and git leaves out, is not read, however much it is.
func TestAWorkingCopyIsTestedAsItWouldBeCommitted(t *testing.T) {
	dir := t.TempDir()
	out, err := exec.Command("git", "init", "--quiet", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	var held ci.Tree
	for name, text := range map[string]string{".gitignore": "/bin/\n", "pipeline.yaml": "no spec"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		require.NoError(t, held.Add(name, ci.File{Data: []byte(text)}))
	}
	want, err := held.Digest()
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	built := filepath.Join(dir, "bin", "program")
	require.NoError(t, os.WriteFile(built, nil, 0o600))
	require.NoError(t, os.Truncate(built, ci.MaxTreeBytes+1)) // it takes no room
	tested, err := integrated(t.Context(), dir, "")
	require.NoError(t, err)
	require.Equal(t, ci.CheckSpec, tested.FailedStep)
	require.Equal(t, want, tested.Tree)
}

// Without a platform features are of the repository's own definitions: their SQL is held against DuckDB, and the rows that lie beside them are looked up for the sample.
func TestAWorkingCopyWithFeatures(t *testing.T) {
	t.Parallel()
	at, objects, remove, err := desk("integrate", nil)
	require.NoError(t, err)
	defer remove()
	i := integration(at, activities.Predictor{})
	tree, err := ci.ReadFolder("../examples/pipeline-repo")
	require.NoError(t, err)
	more, err := ci.ReadFolder("../examples/with-features")
	require.NoError(t, err)
	for _, name := range more.Paths() {
		if file, _ := more.File(name); name != "README.md" {
			require.NoError(t, tree.Add(name, file))
		}
	}
	spec, _ := tree.File("pipeline.yaml")
	spec.Data = append(spec.Data, "\nfeatures: [institutions, averages, amount_to_typical]\n"...)
	require.NoError(t, tree.Add("pipeline.yaml", spec))
	definitions, _ := tree.File("features/institutions.yaml")
	const sql = `  - name: averages
    entity: institution
    sql:
      dialect: duckdb
      from: [institutions]
      query: SELECT institution, event_timestamp, created_timestamp, arrears_share * 100 AS arrears_percent FROM institutions
    features: [{name: arrears_percent, type: number, default: 6, reason: arrears}]
expressions:`
	definitions.Data = []byte(strings.Replace(string(definitions.Data), "expressions:", sql, 1))
	require.NoError(t, tree.Add("features/institutions.yaml", definitions))
	in := activities.TestInput{KnownAt: "2026-07-01", Made: map[string]artifact.Ref{}}
	in.Tree, err = activities.PutTree(t.Context(), objects, tree)
	require.NoError(t, err)
	checked, err := i.CheckSpec(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, ci.Passed, checked.Status, checked.Reasons)
	in.Made = checked.Made
	sample, err := i.ValidateSample(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, ci.Passed, sample.Status, sample.Reasons)
	log, err := objects.Get(t.Context(), sample.Log)
	require.NoError(t, err)
	require.Contains(t, string(log), "view institutions@1: sample/institutions.csv")
	require.Contains(t, string(log), "view averages@1: its SQL")
	require.Contains(t, string(log), "institutions@1: 135 rows of 5 days, 5 of them computed now")
	require.Contains(t, string(log), "averages@1: 135 rows of 5 days, 5 of them computed now")
}
