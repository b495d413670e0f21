package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/git"
)

// held are the regular files below a folder that git itself would commit with all that is in it.
func held(t fatal, dir string) (paths []string) {
	t.Helper()
	for name := range strings.SplitSeq(run(t, dir, "-c", "core.quotePath=false", "ls-files", "--cached", "--others", "--exclude-standard"), "\n") {
		if info, err := os.Lstat(filepath.Join(dir, name)); name != "" && err == nil && info.Mode().IsRegular() {
			paths = append(paths, name)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// lay writes files: NAME=TEXT.
func lay(t fatal, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		name, text, _ := strings.Cut(name, "=")
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatalf("%v", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatalf("%v", err)
		}
	}
}

// What is built, and what git does not know and leaves out, is not read; what is new is, and what git knows as it is now, be it where other files are left out.
func TestAWorkingCopyIsReadAsItWouldBeCommitted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run(t, dir, "init", "--quiet")
	lay(t, dir, ".gitignore=bin/\n*.log\n", "pipeline.yaml=old", "bin/tool.sh=#!/bin/sh\n", "gone=", "deeper/.gitignore=!kept.log\n*.tmp\n")
	run(t, dir, "add", "--all")
	run(t, dir, "add", "--force", "bin/tool.sh")
	lay(t, dir, "pipeline.yaml=new", "new.yaml=", "bin/loanops=", "bin/deep/x=", "a.log=", "private/x=", "deeper/other.log=", "deeper/kept.log=", "deeper/a.tmp=", "deeper/bin=")
	lay(t, dir, ".git/info/exclude=private\n")
	require.NoError(t, os.Truncate(filepath.Join(dir, "bin/loanops"), ci.MaxTreeBytes+1))
	require.NoError(t, os.Remove(filepath.Join(dir, "gone")))
	tree, err := git.ReadWorking(dir)
	require.NoError(t, err)
	require.Equal(t, []string{".gitignore", "bin/tool.sh", "deeper/.gitignore", "deeper/bin", "deeper/kept.log", "new.yaml", "pipeline.yaml"}, tree.Paths())
	require.Equal(t, held(t, dir), tree.Paths())
	spec, _ := tree.File("pipeline.yaml")
	require.Equal(t, "new", string(spec.Data))

	deeper, err := git.ReadWorking(filepath.Join(dir, "deeper"))
	require.NoError(t, err)
	require.Equal(t, []string{".gitignore", "bin", "kept.log"}, deeper.Paths(), "what leaves out lies above")

	ignored, err := git.ReadWorking(filepath.Join(dir, "private"))
	require.NoError(t, err)
	require.Equal(t, []string{"x"}, ignored.Paths(), "a repository in a folder that another one leaves out is none of the other's")

	known, err := git.ReadWorking(filepath.Join(dir, "bin"))
	require.NoError(t, err)
	require.Equal(t, []string{"tool.sh"}, known.Paths())
}

// Outside of a work tree everything is read.
func TestAFolderThatIsNoWorkTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lay(t, dir, ".gitignore=bin/\n", "bin/x=")
	tree, err := git.ReadWorking(dir)
	require.NoError(t, err)
	require.Equal(t, []string{".gitignore", "bin/x"}, tree.Paths())
	_, err = git.ReadWorking(filepath.Join(dir, "absent"))
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

// A linked work tree has files of its own that git knows, and shares what is left out.
func TestALinkedWorkTree(t *testing.T) {
	t.Parallel()
	dir := start(t)
	lay(t, dir, ".git/info/exclude=*.o\n")
	linked := filepath.Join(t.TempDir(), "linked")
	run(t, dir, "worktree", "add", "--quiet", linked)
	lay(t, linked, "new=", "b.o=", "a.o=")
	run(t, linked, "add", "--force", "b.o")
	tree, err := git.ReadWorking(linked)
	require.NoError(t, err)
	require.Contains(t, tree.Paths(), "b.o")
	require.NotContains(t, tree.Paths(), "a.o")
	require.Equal(t, held(t, linked), tree.Paths(), "and not the .git that leads to the repository")
}

// What git keeps in a form that is not read here goes by what is left out alone: of what git knows, and it leaves out, nothing is known then.
func TestAnIndexOfAnotherForm(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		create []string
		make   func(dir string)
	}{
		"split":  {[]string{"init", "--quiet"}, func(dir string) { run(t, dir, "update-index", "--split-index") }},
		"sparse": {[]string{"init", "--quiet"}, func(dir string) { run(t, dir, "sparse-checkout", "set", "--cone", "--sparse-index", "kept") }},
		"without a digest": {[]string{"init", "--quiet"}, func(dir string) { // as index.skipHash of git 2.40 has it
			index := filepath.Join(dir, ".git/index")
			data, err := os.ReadFile(index)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(index, append(data[:len(data)-20], make([]byte, 20)...), 0o644))
		}},
		"SHA-256": {[]string{"init", "--quiet", "--object-format=sha256"}, func(string) {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			run(t, dir, test.create...)
			lay(t, dir, ".gitignore=*.log\n", "pipeline.yaml=", "kept/x=", "away/x=")
			commit(t, dir, "first")
			test.make(dir)
			lay(t, dir, "new=", "a.log=", "kept/b.log=", "clone/x=")
			run(t, filepath.Join(dir, "clone"), "init", "--quiet")
			tree, err := git.ReadWorking(dir)
			require.NoError(t, err)
			require.Equal(t, held(t, dir), tree.Paths())
			require.Contains(t, tree.Paths(), "new")

			run(t, dir, "add", "--force", "a.log")
			test.make(dir)
			tree, err = git.ReadWorking(dir)
			require.NoError(t, err)
			require.NotContains(t, tree.Paths(), "a.log", "known and left out: it is missed, as docs/pipeline-repository.md says")
		})
	}
}

// Of a repository within, git would hold the commit and none of the files, unless it knows them already.
func TestARepositoryWithin(t *testing.T) {
	t.Parallel()
	dir := start(t)
	lay(t, dir, "known/x=")
	run(t, dir, "add", "--all")
	lay(t, dir, "sub/b=", "deep/er/c=", "deep/d=", "known/new=")
	for _, within := range []string{"sub", "deep/er", "known"} {
		run(t, filepath.Join(dir, within), "init", "--quiet")
	}
	commit(t, filepath.Join(dir, "sub"), "of its own")
	tree, err := git.ReadWorking(dir)
	require.NoError(t, err)
	require.Equal(t, held(t, dir), tree.Paths())
	require.Contains(t, tree.Paths(), "deep/d")
	require.NotContains(t, tree.Paths(), "sub/b")

	own, err := git.ReadWorking(filepath.Join(dir, "sub"))
	require.NoError(t, err)
	require.Equal(t, []string{"b"}, own.Paths())
}

// Where it cannot be known what git knows, or leaves out, nothing is guessed.
func TestAWorkTreeThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for file, text := range map[string]string{".git/index": "no index", ".gitignore": strings.Repeat("x", 1<<17)} {
		dir := start(t)
		lay(t, dir, file+"="+text)
		_, err := git.ReadWorking(dir)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), file)
		require.ErrorContains(t, err, file)
	}
}

// Of any files and any patterns the same are held as git holds.
func TestWhatIsHeldIsWhatGitHolds(t *testing.T) {
	t.Parallel()
	base, nth := t.TempDir(), 0
	// Of "d**/f" git says that it is as "d*/f", and takes it for "d/**/f".
	patterns := []string{"f", "/f", "d/", "d", "*.log", "!h.log", "!*.log", "d/f", "**/f", "d/**", "d/*", "!d/f", "/d/e/", "# f", "\\#f", "f ", "e/**/f", "[fg]", "!/d/", "?.log", "*", "!*/", "e", "!e/", "/*", "!f", "!f\r", "[!f]", "[a-f]", "[f", "*[[:alpha:]]", "h.*", "*h*", "\\f", "f\\", "**", "***", "a**", "d/**/f", "**/d/*", "*.lo[a-g]", "[]f]", "[^g-i].log", "!", "/", "e/f\\ ", "  ", "?", "ä*", "[ä]*"}
	folders := []string{"", "d/", "e/", "d/e/", "e/d/", "d/e/d/"}
	files := []string{"f", "g", "h.log", "i.log", "#f", "ä b"}
	rapid.Check(t, func(t *rapid.T) {
		nth++
		dir := filepath.Join(base, fmt.Sprint(nth))
		run(t, base, "init", "--quiet", dir)
		name := rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom(folders).Draw(t, "folder") + rapid.SampledFrom(files).Draw(t, "file")
		})
		for _, known := range rapid.SliceOfN(name, 0, 3).Draw(t, "known") {
			lay(t, dir, known)
			run(t, dir, "add", "--force", known)
		}
		for _, folder := range rapid.SliceOfNDistinct(rapid.SampledFrom(folders), 0, 3, rapid.ID).Draw(t, "with a .gitignore") {
			lay(t, dir, folder+".gitignore="+strings.Join(rapid.SliceOfN(rapid.SampledFrom(patterns), 1, 4).Draw(t, "patterns"), "\n"))
		}
		lay(t, dir, rapid.SliceOfN(name, 1, 8).Draw(t, "new")...)
		at := filepath.Join(dir, rapid.SampledFrom(folders).Draw(t, "read"))
		if _, err := os.Stat(at); err != nil {
			at = dir
		}
		want := held(t, at)
		tree, err := git.ReadWorking(at)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if len(want) == 0 { // a folder that is left out is read as it is
			return
		}
		if !slices.Equal(want, tree.Paths()) {
			t.Fatalf("%s: git holds %q, we %q", at, want, tree.Paths())
		}
	})
}
