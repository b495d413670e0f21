package git

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// apply is b, of a and the script that diff found.
func apply(a, b []int, hunks []hunk) []int {
	var out []int
	at := 0
	for _, h := range hunks {
		out = append(out, a[at:h.from]...)
		out = append(out, b[h.first:h.last]...)
		at = h.to
	}
	return append(out, a[at:]...)
}

// longest is the length of a longest common subsequence, by the table of the textbook.
func longest(a, b []int) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			above := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(row[j+1], row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}

func TestDiffIsAShortestScript(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.IntRange(0, 4), 0, 25)
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		hunks, ok := diff(a, b)
		require.True(t, ok)
		require.True(t, slices.Equal(b, apply(a, b, hunks)))
		edits, end := 0, -1
		for _, h := range hunks {
			require.Greater(t, h.from, end, "hunks do not touch")
			edits += h.to - h.from + h.last - h.first
			end = h.to
		}
		require.Equal(t, len(a)+len(b)-2*longest(a, b), edits)
	})
}

// mergeFile is what git makes of three texts.
func mergeFile(t *testing.T, base, ours, theirs string) (merged string, clean bool) {
	dir := t.TempDir()
	for name, text := range map[string]string{"base": base, "ours": ours, "theirs": theirs} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	command := exec.Command("git", "merge-file", "-p", "ours", "base", "theirs")
	command.Dir = dir
	out, err := command.Output()
	return string(out), err == nil
}

// Where all lines differ there is one shortest script, and what git makes of three texts is what is made here.
func TestLinesMergeAsGitMergesThem(t *testing.T) {
	t.Parallel()
	counts := map[bool]int{}
	rapid.Check(t, func(rt *rapid.T) {
		fresh := 0
		number := func() string { fresh++; return fmt.Sprintf("line %d", fresh) }
		var base []string
		for range rapid.IntRange(0, 12).Draw(rt, "lines") {
			base = append(base, number())
		}
		var same []string // changes that both sides make
		for range base {
			same = append(same, number())
		}
		side := func(name string) string {
			var out []string
			for i, line := range base {
				switch rapid.IntRange(0, 14).Draw(rt, fmt.Sprintf("%s %d", name, i)) {
				case 0:
				case 1:
					out = append(out, number())
				case 2:
					out = append(out, line, number())
				case 3, 4:
					out = append(out, same[i])
				default:
					out = append(out, line)
				}
			}
			text := strings.Join(out, "\n")
			if len(out) > 0 && rapid.IntRange(0, 4).Draw(rt, name+" ends") > 0 {
				text += "\n"
			}
			return text
		}
		text := strings.Join(base, "\n") + "\n"
		ours, theirs := side("ours"), side("theirs")
		want, clean := mergeFile(t, text, ours, theirs)
		got, ok := mergeLines([]byte(text), []byte(ours), []byte(theirs))
		require.Equal(rt, clean, ok, "git says:\n%s", want)
		counts[clean]++
		if clean {
			require.Equal(rt, want, string(got))
		}
	})
	require.Len(t, counts, 2)
}

// Whatever the lines: one side alone is taken, both the same is that, and it does not matter which side is which.
func TestMergingLinesIsSymmetric(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Custom(func(t *rapid.T) []byte {
			lines := rapid.SliceOfN(rapid.SampledFrom([]string{"a\n", "b\n", "\n", "{\n"}), 0, 12).Draw(t, "lines")
			return []byte(strings.Join(lines, "") + rapid.SampledFrom([]string{"", "end"}).Draw(t, "end"))
		})
		base, ours, theirs := text.Draw(t, "base"), text.Draw(t, "ours"), text.Draw(t, "theirs")
		for _, test := range [][4][]byte{{base, ours, base, ours}, {base, base, ours, ours}, {base, ours, ours, ours}} {
			got, clean := mergeLines(test[0], test[1], test[2])
			require.True(t, clean)
			require.Equal(t, string(test[3]), string(got))
		}
		one, clean := mergeLines(base, ours, theirs)
		other, also := mergeLines(base, theirs, ours)
		require.Equal(t, clean, also)
		require.Equal(t, string(one), string(other))
	})
}
