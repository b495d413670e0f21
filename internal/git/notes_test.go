package git_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/git"
)

func bare(t *testing.T, of string) string {
	t.Helper()
	dir := t.TempDir()
	run(t, of, "clone", "-q", "--bare", of, dir)
	return dir
}

func note(t *testing.T, dir, hash string) string {
	t.Helper()
	return run(t, dir, "notes", "--ref", "loanops", "show", hash)
}

// What is noted git shows, beside what git itself noted.
func TestNotesAreThoseOfGit(t *testing.T) {
	t.Parallel()
	work := start(t)
	first := run(t, work, "rev-parse", "HEAD")
	second := commit(t, work, "second")
	dir := bare(t, work)
	r := open(t, dir)
	require.NoError(t, r.Note(t.Context(), first, "pending\n"))
	require.Equal(t, "pending", note(t, dir, first))
	require.NoError(t, r.Note(t.Context(), first, "success\n"))
	require.NoError(t, r.Note(t.Context(), second, "failure\n"))
	require.Equal(t, "success", note(t, dir, first))
	require.Equal(t, "failure", note(t, dir, second))
	require.Equal(t, "3", run(t, dir, "rev-list", "--count", "refs/notes/loanops"))
	require.NoError(t, r.Note(t.Context(), second, "failure\n"))
	require.Equal(t, "3", run(t, dir, "rev-list", "--count", "refs/notes/loanops"), "said twice is said once")

	run(t, dir, "notes", "--ref", "loanops", "add", "-f", "-m", "by hand", first)
	run(t, dir, "pack-refs", "--all")
	run(t, dir, "gc", "-q", "--prune=now")
	r = open(t, dir)
	require.NoError(t, r.Note(t.Context(), first, "again\n"))
	require.Equal(t, "again", note(t, dir, first))
	require.Equal(t, "failure", note(t, dir, second))
	require.Empty(t, run(t, dir, "fsck", "--strict", "--no-progress"))
}

// Many writers at once, each with a repository of its own as in a process of its own: no note is lost.
func TestNotesOfManyWriters(t *testing.T) {
	t.Parallel()
	work := start(t)
	hashes := []string{run(t, work, "rev-parse", "HEAD")}
	for i := range 15 {
		hashes = append(hashes, commit(t, work, fmt.Sprint(i)))
	}
	dir := bare(t, work)
	var writers errgroup.Group
	for _, hash := range hashes {
		r := open(t, dir)
		writers.Go(func() error { return r.Note(t.Context(), hash, "of "+hash) })
	}
	require.NoError(t, writers.Wait())
	for _, hash := range hashes {
		require.Equal(t, "of "+hash, note(t, dir, hash))
	}
	require.NoFileExists(t, filepath.Join(dir, "refs/notes/loanops.lock"))
}

func TestWhoWritesTheNotesIsWaitedFor(t *testing.T) {
	t.Parallel()
	work := start(t)
	hash := run(t, work, "rev-parse", "HEAD")
	dir := bare(t, work)
	lock := filepath.Join(dir, "refs/notes/loanops.lock")
	require.NoError(t, os.MkdirAll(filepath.Dir(lock), 0o755))
	require.NoError(t, os.WriteFile(lock, nil, 0o644))
	done := make(chan error)
	go func() { done <- open(t, dir).Note(t.Context(), hash, "x") }()
	select {
	case err := <-done:
		t.Fatal("it did not wait", err)
	case <-time.After(50 * time.Millisecond):
	}
	require.NoError(t, os.Remove(lock))
	require.NoError(t, <-done)
	require.Equal(t, "x", note(t, dir, hash))
}

func TestAStatusIsAFile(t *testing.T) {
	t.Parallel()
	work := start(t)
	hash := run(t, work, "rev-parse", "HEAD")
	dir := bare(t, work)
	r := open(t, dir)
	require.NoError(t, r.Status(hash, []byte(`{"state": "pending"}`)))
	require.NoError(t, r.Status(hash, []byte(`{"state": "success"}`)))
	content, err := os.ReadFile(filepath.Join(dir, "loanops", hash+".json"))
	require.NoError(t, err)
	require.Equal(t, `{"state": "success"}`, string(content))
	all, err := os.ReadDir(filepath.Join(dir, "loanops"))
	require.NoError(t, err)
	require.Len(t, all, 1, "nothing half is left")

	for _, wrong := range []string{"", "main", "../../" + hash[6:], strings.Repeat("0", 40), hash[:12]} {
		require.True(t, fault.Permanent(fault.CodeOf(r.Status(wrong, nil))), wrong)
		require.True(t, fault.Permanent(fault.CodeOf(r.Note(t.Context(), wrong, "x"))), wrong)
	}
	copied, err := git.Clone(t.Context(), serve(t, work).url, git.Auth{}, t.TempDir())
	require.NoError(t, err)
	require.Equal(t, fault.Invalid, fault.CodeOf(copied.Note(t.Context(), hash, "x")))
}

// A link in a repository's folder leads nobody to write outside of it.
func TestAStatusStaysInTheRepository(t *testing.T) {
	t.Parallel()
	work := start(t)
	dir, outside := bare(t, work), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "loanops")))
	_ = open(t, dir).Status(run(t, work, "rev-parse", "HEAD"), []byte("x"))
	all, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Empty(t, all)
}
