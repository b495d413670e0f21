package git

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheRepositorysOwnBranch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ what, head, pushed, want string }{
		{"what HEAD names", "trunk", "trunk", "trunk"},
		{"HEAD names what nobody pushed", "master", "main", "main"},
		{"neither", "master", "other", ""},
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
