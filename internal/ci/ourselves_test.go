package ci_test

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/ci"
)

// The project is such a repository itself: what its ci.yaml names is there.
func TestTheProjectsOwnRepository(t *testing.T) {
	t.Parallel()
	example, err := ci.ReadFolder(exampleFolder)
	require.NoError(t, err)
	var tree ci.Tree
	for _, name := range example.Paths() {
		file, _ := example.File(name)
		require.NoError(t, tree.Add(path.Join("examples/pipeline-repo", name), file))
	}
	config, err := os.ReadFile("../../ci.yaml")
	require.NoError(t, err)
	require.NoError(t, tree.Add(ci.ConfigFile, ci.File{Data: config}))
	r, err := ci.Read(&tree)
	require.NoError(t, err)
	require.NotEmpty(t, r.Sample)
	require.NotEmpty(t, r.TestFiles)
	var steps []ci.Step
	for _, command := range r.Commands {
		steps = append(steps, command.Step)
		for _, arg := range command.Run {
			if folder, is := strings.CutPrefix(arg, "./"); is {
				tests, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
				require.NoError(t, err)
				require.NotEmpty(t, tests, "%s of the command %s has no tests", arg, command.Name)
			}
		}
	}
	require.Equal(t, []ci.Step{ci.RunCommands, ci.ReplayHistories}, slices.Compact(steps))
	histories, err := os.ReadFile("../../tests/replay/replay_test.go")
	require.NoError(t, err)
	require.Contains(t, string(histories), "\nfunc TestReplay(", "the command replay names it")
}
