package git

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheRepositorysOwnBranch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ what, head, pushed, want string }{
		{"what HEAD names", "trunk", "trunk", "trunk"},
		{"HEAD names what nobody pushed", "master", "main", "main"},
		{"its first branch is another", "master", "other", "master"},
	} {
		dir := t.TempDir()
		for _, args := range [][]string{
			{"init", "--quiet", "--initial-branch=" + test.pushed},
			{"-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "--message", "x"},
			{"symbolic-ref", "HEAD", "refs/heads/" + test.head},
		} {
			command := exec.Command("git", args...)
			command.Dir = dir
			out, err := command.CombinedOutput()
			require.NoError(t, err, "%s", out)
		}
		r, err := Open(dir)
		require.NoError(t, err)
		require.Equal(t, test.want, r.Branch(), test.what)
	}
}

func TestABranchAndItsReference(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]string{"refs/heads/main": "main", "refs/heads/a/b": "a/b", "refs/heads/refs/heads/x": "refs/heads/x"} {
		name, is := BranchOf(ref)
		require.True(t, is)
		require.Equal(t, want, name)
		require.Equal(t, ref, BranchRef(name))
	}
	for _, ref := range []string{"main", "refs/tags/v1", "refs/pull/2/head", "", "heads/main"} {
		name, is := BranchOf(ref)
		require.False(t, is, ref)
		require.Equal(t, ref, name)
	}
}

// A person names a repository as it lies from where they are.
func TestARepositoryIsNamedFromWhereOneIs(t *testing.T) {
	dir := t.TempDir()
	out, err := exec.Command("git", "init", "--quiet", "--bare", "--initial-branch=main", filepath.Join(dir, "loans.git")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "work"), 0o700))
	t.Chdir(filepath.Join(dir, "work"))
	r, err := Open("../loans.git")
	require.NoError(t, err)
	require.Equal(t, "main", r.Branch())
	at, err := Hook{Program: "/bin/loanops", State: "/state"}.Install("../loans.git", false)
	require.NoError(t, err)
	require.FileExists(t, at)
}
