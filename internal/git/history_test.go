package git

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The best common ancestors in random histories are those that `git merge-base --all` names.
func TestBasesAreThoseOfGit(t *testing.T) {
	t.Parallel()
	counts := map[int]bool{}
	rapid.Check(t, func(rt *rapid.T) {
		var stream strings.Builder
		commits := rapid.IntRange(2, 14).Draw(rt, "commits")
		for i := range commits {
			fmt.Fprintf(&stream, "reset refs/heads/c%d\ncommit refs/heads/c%d\nmark :%d\ncommitter A <a@b> %d +0000\ndata 1\nx\n", i, i, i+1, rapid.IntRange(1_700_000_000, 1_700_000_100).Draw(rt, "at"))
			if i > 0 && rapid.IntRange(0, 9).Draw(rt, "root") > 0 {
				parents := rapid.SliceOfNDistinct(rapid.IntRange(max(0, i-5), i-1), 1, min(i, 3), rapid.ID[int]).Draw(rt, "parents")
				fmt.Fprintf(&stream, "from :%d\n", parents[0]+1)
				for _, parent := range parents[1:] {
					fmt.Fprintf(&stream, "merge :%d\n", parent+1)
				}
			}
			fmt.Fprintln(&stream)
		}
		dir := t.TempDir()
		git := func(input string, args ...string) string {
			command := exec.Command("git", args...)
			command.Dir, command.Stdin = dir, strings.NewReader(input)
			out, _ := command.Output() // merge-base ends with 1 where there is none
			return string(out)
		}
		git("", "init", "-q", "--bare")
		git(stream.String(), "fast-import", "--quiet")
		r, err := Open(dir)
		require.NoError(rt, err)
		one, other := fmt.Sprintf("c%d", commits-1), fmt.Sprintf("c%d", commits-2)
		found, err := r.find(t.Context(), true, one, other)
		require.NoError(rt, err)
		var histories [2]map[plumbing.Hash][]plumbing.Hash
		for i, of := range found {
			histories[i], err = r.history(t.Context(), of)
			require.NoError(rt, err)
		}
		want := strings.Fields(git("", "merge-base", "--all", one, other))
		slices.Sort(want)
		var got []string
		for _, hash := range bases(histories[0], histories[1]) {
			got = append(got, hash.String())
		}
		require.Equal(rt, want, append([]string{}, got...))
		counts[len(want)] = true
	})
	require.True(t, counts[1], "histories that have something in common") // none, and several, are seldom: TestCrosswiseMerges has them
}
