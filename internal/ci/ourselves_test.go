package ci_test

import (
	"os"
	"path"
	"path/filepath"
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
	r, err := ci.Read(&tree, ci.Over{})
	require.NoError(t, err)
	require.NotEmpty(t, r.Sample)
	require.NotEmpty(t, r.TestFiles)
	var steps []ci.Step
	for _, command := range r.Commands {
		steps = append(steps, command.Step)
		tests, named, testing := "", "", false
		words := strings.Fields(strings.Join(command.Run, " "))
		for at, word := range words {
			folder, is := strings.CutPrefix(word, "./")
			switch {
			case word == "test" || word == "&&":
				testing = word == "test"
			case strings.HasSuffix(word, ".sh"):
				require.FileExists(t, filepath.Join("../..", word))
			case is && folder == "...":
			case is && !testing:
				require.DirExists(t, filepath.Join("../..", folder))
			case is:
				files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
				require.NoError(t, err)
				require.NotEmpty(t, files, "%s of the command %s has no tests", word, command.Name)
				for _, file := range files {
					code, err := os.ReadFile(file)
					require.NoError(t, err)
					tests += string(code)
				}
			case word == "-run":
				named = strings.Trim(words[at+1], "^$")
			}
		}
		require.Contains(t, tests, "\nfunc "+named, "the command %s names a test that is there: with another name none would run, and all would pass", command.Name)
		require.Contains(t, words, "-count=1", "no outcome of a test is taken from a cache")
	}
	require.Equal(t, ci.CommandSteps[:], steps)
}
