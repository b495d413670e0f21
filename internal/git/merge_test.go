package git_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
)

// parted is a repository whose branch and main grew from one commit with these files. A content of "-" deletes, one that begins with * can be run.
func parted(t *testing.T, base, target, branch map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	run(t, dir, "init", "-q", "-b", "main")
	put := func(files map[string]string, message string) {
		for _, name := range slices.Sorted(maps.Keys(files)) { // a file is deleted before a folder takes its place
			path, content := filepath.Join(dir, name), files[name]
			require.NoError(t, os.RemoveAll(path))
			if content == "-" {
				continue
			}
			write(t, dir, map[string]string{name: strings.TrimPrefix(content, "*")})
			if strings.HasPrefix(content, "*") {
				require.NoError(t, os.Chmod(path, 0o755))
			}
		}
		commit(t, dir, message)
	}
	put(base, "base")
	run(t, dir, "branch", "branch")
	put(target, "target")
	run(t, dir, "checkout", "-q", "branch")
	put(branch, "branch")
	return dir
}

func TestMerges(t *testing.T) {
	t.Parallel()
	ten := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"
	type files = map[string]string
	for name, test := range map[string]struct{ base, target, branch, want files }{
		"other files": {files{"a": "1", "b": "2"}, files{"a": "3"}, files{"b": "4"}, files{"a": "3", "b": "4"}},
		"new files":   {files{"a": "1"}, files{"b": "2"}, files{"c/d": "3"}, files{"a": "1", "b": "2", "c/d": "3"}},
		"same change": {files{"a": "1"}, files{"a": "2"}, files{"a": "2"}, files{"a": "2"}},
		"same new":    {files{"a": "1"}, files{"b": "2"}, files{"b": "2"}, files{"a": "1", "b": "2"}},
		"deletions":   {files{"a": "1", "b": "2", "c": "3"}, files{"a": "-"}, files{"b": "-", "a": "-"}, files{"c": "3"}},
		"lines": {files{"a": ten}, files{"a": strings.Replace(ten, "2\n", "two\n", 1)}, files{"a": strings.Replace(ten, "9\n", "nine\nand a half\n", 1)},
			files{"a": "1\ntwo\n3\n4\n5\n6\n7\n8\nnine\nand a half\n10\n"}},
		"no last line break": {files{"a": ten}, files{"a": strings.TrimSuffix(ten, "\n")}, files{"a": "0\n" + ten}, files{"a": "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10"}},
		"mode and content":   {files{"a": "1"}, files{"a": "*1"}, files{"a": "2"}, files{"a*": "2"}},
		"file to folder":     {files{"a": "1", "b": "2"}, files{"b": "3"}, files{"a": "-", "a/x": "1"}, files{"a/x": "1", "b": "3"}},
		"nothing of one":     {files{"a": "1"}, files{}, files{"a": "2"}, files{"a": "2"}},
		"nothing of other":   {files{"a": "1"}, files{"a": "2"}, files{}, files{"a": "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := parted(t, test.base, test.target, test.branch)
			c, err := open(t, dir).Merge(t.Context(), "branch", "main")
			require.NoError(t, err)
			require.Equal(t, test.want, contents(c.Tree))
			require.Equal(t, run(t, dir, "rev-parse", "branch"), c.Hash)
			require.Equal(t, run(t, dir, "rev-parse", "main"), c.Merged)
			require.Equal(t, "branch", c.Subject)
		})
	}
}

func TestConflictsNameTheFiles(t *testing.T) {
	t.Parallel()
	type files = map[string]string
	for name, test := range map[string]struct {
		base, target, branch files
		says                 string
	}{
		"lines":            {files{"a": "1\n"}, files{"a": "2\n"}, files{"a": "3\n"}, "a is changed in both, in the same lines"},
		"next to another":  {files{"a": "1\n2\n"}, files{"a": "one\n2\n"}, files{"a": "1\ntwo\n"}, "a is changed in both, in the same lines"},
		"binary":           {files{"a": "\x001\n2\n3\n4\n5\n"}, files{"a": "\x000\n2\n3\n4\n5\n"}, files{"a": "\x001\n2\n3\n4\n6\n"}, "a is changed in both"},
		"deleted there":    {files{"a": "1", "b": "1"}, files{"a": "-"}, files{"a": "2"}, "a is deleted in the target and changed in the branch"},
		"deleted here":     {files{"a": "1", "b": "1"}, files{"a": "2"}, files{"a": "-"}, "a is changed in the target and deleted in the branch"},
		"new in both":      {files{"a": "1"}, files{"b": "1"}, files{"b": "2"}, "b is added in both, with different contents"},
		"modes":            {files{"a": "1"}, files{"b": "1"}, files{"b": "*1"}, "b is added in both, executable in one"},
		"file and folder":  {files{"a": "1"}, files{"d": "1"}, files{"d/x": "1"}, "d is a file in one and a folder in the other"},
		"several":          {files{"a": "1", "b/c": "1"}, files{"a": "2", "b/c": "2"}, files{"a": "3", "b/c": "3"}, "a is changed in both, in the same lines; b/c is changed in both, in the same lines"},
		"percent":          {files{"%d%s": "1"}, files{"%d%s": "2"}, files{"%d%s": "3"}, "%d%s is changed in both"},
		"moved by one":     {files{"a": "1\n2\n3\n4\n5\n6\n"}, files{"a": "-", "b": "1\n2\n3\n4\n5\n6\n"}, files{"a": "1\n2\n3\n4\n5\n7\n"}, "a is deleted in the target and changed in the branch"},
		"too many changes": {files{"a": "0\n" + numbers(0, 5000)}, files{"a": "0\n" + numbers(6000, 11000)}, files{"a": "00\n" + numbers(0, 5000)}, "a is changed in both"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := parted(t, test.base, test.target, test.branch)
			_, err := open(t, dir).Merge(t.Context(), "branch", "main")
			require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
			require.ErrorContains(t, err, "branch ("+run(t, dir, "rev-parse", "branch")[:12]+") into main (")
		})
	}
}

func numbers(from, to int) string {
	var text strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintln(&text, i)
	}
	return text.String()
}

// A merge request that is behind its target, or ahead of it, is what a merge would leave: the target's tree is tested, never the branch's old one.
func TestWhatIsMergedAlreadyIsTheTarget(t *testing.T) {
	t.Parallel()
	dir := parted(t, map[string]string{"a": "1"}, map[string]string{"a": "2"}, map[string]string{"b": "3"})
	run(t, dir, "branch", "old", "main~1")
	r := open(t, dir)
	behind, err := r.Merge(t.Context(), "old", "main")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "2"}, contents(behind.Tree))
	ahead, err := r.Merge(t.Context(), "branch", "old")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "1", "b": "3"}, contents(ahead.Tree))
	itself, err := r.Merge(t.Context(), "main", "main")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "2"}, contents(itself.Tree))
	require.Equal(t, itself.Hash, itself.Merged)

	run(t, dir, "checkout", "-q", "--orphan", "alone")
	commit(t, dir, "alone")
	_, err = open(t, dir).Merge(t.Context(), "alone", "main")
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, "no commit in common")
	_, err = r.Merge(t.Context(), "main", "nowhere")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

// In a shallow clone the place where two branches parted may be cut off: it is said, and no other place is taken for it.
func TestAMergeInAShallowCloneSaysSo(t *testing.T) {
	t.Parallel()
	dir := parted(t, map[string]string{"a": "1"}, map[string]string{"a": "2"}, map[string]string{"b": "3"})
	shallow := t.TempDir()
	run(t, dir, "clone", "-q", "--depth", "1", "--no-single-branch", "file://"+dir, shallow)
	r := open(t, shallow)
	_, err := r.Commit(t.Context(), "branch")
	require.NoError(t, err)
	_, err = r.Merge(t.Context(), "branch", "origin/main")
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "--unshallow")
}

// Branches that were merged into each other have two best common ancestors.
func TestCrosswiseMerges(t *testing.T) {
	t.Parallel()
	crossed := func(target, branch map[string]string) string {
		dir := parted(t, map[string]string{"a": "1\n2\n3\n", "b": "1\n"}, map[string]string{"m": "1"}, map[string]string{"n": "1"})
		run(t, dir, "branch", "old-branch", "branch")
		run(t, dir, "merge", "-q", "--no-edit", "main")
		run(t, dir, "checkout", "-q", "main")
		run(t, dir, "merge", "-q", "--no-edit", "old-branch")
		write(t, dir, target)
		commit(t, dir, "target")
		run(t, dir, "checkout", "-q", "branch")
		write(t, dir, branch)
		commit(t, dir, "branch")
		require.Len(t, strings.Fields(run(t, dir, "merge-base", "--all", "main", "branch")), 2)
		return dir
	}
	agreed, err := open(t, crossed(map[string]string{"a": "0\n1\n2\n3\n"}, map[string]string{"b": "2\n"})).Merge(t.Context(), "branch", "main")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "0\n1\n2\n3\n", "b": "2\n", "m": "1", "n": "1"}, contents(agreed.Tree))

	// The file that the branch brought, and the target then changed, is new in both from where it was not yet.
	_, err = open(t, crossed(map[string]string{"n": "2"}, map[string]string{"b": "2\n"})).Merge(t.Context(), "branch", "main")
	require.Equal(t, fault.Refused, fault.CodeOf(err))
}

// What the target set back after the merges is what it was in one common ancestor, and not in the other: from the one the branch's is new, from the other the target's.
func TestCrosswiseMergesThatDisagreeAreRefused(t *testing.T) {
	t.Parallel()
	dir := parted(t, map[string]string{"f": "1"}, map[string]string{"m": "1"}, map[string]string{"f": "2"})
	run(t, dir, "branch", "old-branch", "branch")
	run(t, dir, "merge", "-q", "--no-edit", "main")
	run(t, dir, "checkout", "-q", "main")
	run(t, dir, "merge", "-q", "--no-edit", "old-branch")
	write(t, dir, map[string]string{"f": "1"})
	commit(t, dir, "set back")
	_, err := open(t, dir).Merge(t.Context(), "branch", "main")
	require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "crosswise")
}

// change is what a random step does to a file; base lines are unique, and so are new ones, so that one shortest script is the only one.
func change(t *rapid.T, lines []string, fresh *int) []string {
	var out []string
	for i, line := range lines {
		switch rapid.IntRange(0, 9).Draw(t, fmt.Sprintf("line %d", i)) {
		case 0:
		case 1:
			*fresh++
			out = append(out, fmt.Sprintf("new %d", *fresh))
		case 2:
			*fresh++
			out = append(out, line, fmt.Sprintf("new %d", *fresh))
		default:
			out = append(out, line)
		}
	}
	return out
}

// Random histories of two branches that are merged, or not, as git says.
func TestMergesAreThoseOfGit(t *testing.T) {
	t.Parallel()
	clean, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		fresh := 0
		files := map[string][]string{}
		var stream strings.Builder
		step := func(branch string, files map[string][]string) {
			for _, name := range []string{"a", "b", "d/x", "d/y", "e"} {
				lines, has := files[name]
				switch rapid.IntRange(0, 11).Draw(rt, name) {
				case 0:
					delete(files, name)
				case 1, 2, 3:
					if has {
						files[name] = change(rt, lines, &fresh)
					}
				case 4:
					if !has {
						fresh++
						files[name] = []string{fmt.Sprintf("only %d", fresh)}
					}
				case 5:
					if !has {
						files[name] = []string{"the same"}
					}
				}
			}
			imported(&stream, branch, files)
		}
		for _, name := range []string{"a", "b", "d/x"} {
			for i := range 12 {
				files[name] = append(files[name], fmt.Sprintf("%s %d", name, i))
			}
		}
		imported(&stream, "main", files)
		fmt.Fprint(&stream, "reset refs/heads/branch\nfrom refs/heads/main\n\n")
		other := maps.Clone(files)
		for range rapid.IntRange(1, 2).Draw(rt, "target's commits") {
			step("main", files)
		}
		for range rapid.IntRange(1, 2).Draw(rt, "branch's commits") {
			step("branch", other)
		}
		dir := t.TempDir()
		run(rt, dir, "init", "-q", "-b", "main")
		feed(t, dir, stream.String(), "fast-import", "--quiet")
		got, err := open(t, dir).Merge(t.Context(), "branch", "main")
		run(rt, dir, "checkout", "-q", "-b", "merged")
		output, merges := attempt(dir, "merge", "-q", "--no-ff", "--no-edit", "-X", "no-renames", "branch")
		if !merges {
			refused++
			require.Equal(rt, fault.Refused, fault.CodeOf(err), "git says %s", output)
			return
		}
		clean++
		require.NoError(rt, err, "git merges it")
		want, err := open(t, dir).Commit(t.Context(), "merged")
		require.NoError(rt, err)
		require.Equal(rt, contents(want.Tree), contents(got.Tree))
	})
	require.NotZero(t, clean)
	require.NotZero(t, refused)
}

// imported is a commit of exactly these files, for `git fast-import`.
func imported(stream *strings.Builder, branch string, files map[string][]string) {
	fmt.Fprintf(stream, "commit refs/heads/%s\ncommitter Ada <ada@bank.example> 1700000000 +0000\ndata 1\nx\ndeleteall\n", branch)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		text := strings.Join(files[name], "\n") + "\n"
		fmt.Fprintf(stream, "M 100644 inline %s\ndata %d\n%s\n", name, len(text), text)
	}
	fmt.Fprintln(stream)
}
