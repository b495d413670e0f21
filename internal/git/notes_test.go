package git_test

import (
	"bufio"
	"context"
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
	require.NoError(t, r.Note(t.Context(), first, saying("pending\n")))
	require.Equal(t, "pending", note(t, dir, first))
	require.NoError(t, r.Note(t.Context(), first, saying("success\n")))
	require.NoError(t, r.Note(t.Context(), second, saying("failure\n")))
	require.Equal(t, "success", note(t, dir, first))
	require.Equal(t, "failure", note(t, dir, second))
	require.Equal(t, "3", run(t, dir, "rev-list", "--count", "refs/notes/loanops"))
	require.NoError(t, r.Note(t.Context(), second, saying("failure\n")))
	require.Equal(t, "3", run(t, dir, "rev-list", "--count", "refs/notes/loanops"), "said twice is said once")

	run(t, dir, "notes", "--ref", "loanops", "add", "-f", "-m", "by hand", first)
	run(t, dir, "pack-refs", "--all")
	run(t, dir, "gc", "-q", "--prune=now")
	r = open(t, dir)
	require.NoError(t, r.Note(t.Context(), first, saying("again\n")))
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
		writers.Go(func() error { return r.Note(t.Context(), hash, saying("of "+hash)) })
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
	go func() { done <- open(t, dir).Note(t.Context(), hash, saying("x")) }()
	select {
	case err := <-done:
		t.Fatal("it did not wait", err)
	case <-time.After(50 * time.Millisecond):
	}
	require.NoError(t, os.Remove(lock))
	require.NoError(t, <-done)
	require.Equal(t, "x", note(t, dir, hash))
}

// A process that writes is waited for. Killed, it stands in nobody's way, and of many that find its lock at once each writes.
func TestAKilledWriterStandsInNobodysWay(t *testing.T) {
	t.Parallel()
	work := start(t)
	hashes := []string{run(t, work, "rev-parse", "HEAD")}
	for i := range 7 {
		hashes = append(hashes, commit(t, work, fmt.Sprint(i)))
	}
	dir := bare(t, work)
	lock := filepath.Join(dir, "refs/notes/loanops.lock")
	for round := range 3 {
		writer := noting(t, dir, hashes[0], "stay")
		out, err := writer.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, writer.Start())
		said, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "writing\n", said)
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err = open(t, dir).Note(short, hashes[1], saying("too early"))
		cancel()
		require.Equal(t, fault.Conflict, fault.CodeOf(err), "it lives: %v", err)
		require.NoError(t, writer.Process.Kill())
		require.Error(t, writer.Wait())
		require.FileExists(t, lock, "nobody has removed it")

		var writers errgroup.Group
		for _, hash := range hashes {
			r := open(t, dir)
			writers.Go(func() error { return r.Note(t.Context(), hash, saying(fmt.Sprint("of ", hash, round))) })
		}
		require.NoError(t, writers.Wait())
		for _, hash := range hashes {
			require.Equal(t, fmt.Sprint("of ", hash, round), note(t, dir, hash))
		}
		require.NoFileExists(t, lock)
	}
	require.Empty(t, run(t, dir, "fsck", "--strict", "--no-progress"))
}

// git's own lock holds what git is about to write, or nothing yet. Nobody but git, or a person, removes it.
func TestALockOfGitIsNeverBroken(t *testing.T) {
	t.Parallel()
	work := start(t)
	hash := run(t, work, "rev-parse", "HEAD")
	dir := bare(t, work)
	lock := filepath.Join(dir, "refs/notes/loanops.lock")
	require.NoError(t, os.MkdirAll(filepath.Dir(lock), 0o755))
	for _, content := range []string{"", hash + "\n"} {
		require.NoError(t, os.WriteFile(lock, []byte(content), 0o644))
		require.NoError(t, os.Chtimes(lock, time.Unix(0, 0), time.Unix(0, 0)))
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := open(t, dir).Note(short, hash, saying("x"))
		cancel()
		require.Equal(t, fault.Conflict, fault.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "refs/notes/loanops.lock")
		got, err := os.ReadFile(lock)
		require.NoError(t, err)
		require.Equal(t, content, string(got))
	}
}

// What is said before is handed on, wherever git or this package put it.
func TestANoteIsMadeOfTheOneBefore(t *testing.T) {
	t.Parallel()
	work := start(t)
	hash := run(t, work, "rev-parse", "HEAD")
	dir := bare(t, work)
	run(t, dir, "notes", "--ref", "loanops", "add", "-m", "by hand", hash) // without a folder
	for _, want := range []string{"by hand\n", "by hand\n.", "by hand\n.."} {
		require.NoError(t, open(t, dir).Note(t.Context(), hash, func(before string) string {
			require.Equal(t, want, before)
			return before + "."
		}))
	}
	require.Equal(t, "by hand\n...", note(t, dir, hash))
}

func TestAStatusIsAFile(t *testing.T) {
	t.Parallel()
	work := start(t)
	hash := run(t, work, "rev-parse", "HEAD")
	dir := bare(t, work)
	r := open(t, dir)
	require.NoError(t, r.Status(hash, "push.json", []byte(`{"state": "pending"}`)))
	require.NoError(t, r.Status(hash, "push.json", []byte(`{"state": "success"}`)))
	content, err := os.ReadFile(filepath.Join(dir, "loanops", hash+".push.json"))
	require.NoError(t, err)
	require.Equal(t, `{"state": "success"}`, string(content))
	all, err := os.ReadDir(filepath.Join(dir, "loanops"))
	require.NoError(t, err)
	require.Len(t, all, 1, "nothing half is left")
	require.NoError(t, r.Status(hash, "push.json", nil))
	require.NoError(t, r.Status(hash, "push.json", nil), "it is gone already")
	require.NoFileExists(t, filepath.Join(dir, "loanops", hash+".push.json"))

	for _, wrong := range []string{"", "main", "../../" + hash[6:], strings.Repeat("0", 40), hash[:12]} {
		require.True(t, fault.Permanent(fault.CodeOf(r.Status(wrong, "push.json", nil))), wrong)
		require.True(t, fault.Permanent(fault.CodeOf(r.Note(t.Context(), wrong, saying("x")))), wrong)
	}
	copied, err := git.Clone(t.Context(), serve(t, work).url, git.Auth{}, t.TempDir())
	require.NoError(t, err)
	require.Equal(t, fault.Invalid, fault.CodeOf(copied.Note(t.Context(), hash, saying("x"))))
}

// A link in a repository's folder leads nobody to write outside of it, or to give away what is there.
func TestAStatusStaysInTheRepository(t *testing.T) {
	t.Parallel()
	work := start(t)
	hash := run(t, work, "rev-parse", "HEAD")
	for _, link := range []string{"loanops", "refs/notes", "loanops/" + hash + ".push.json", "loanops/lock", "refs/notes/loanops.lock"} {
		dir, outside := bare(t, work), t.TempDir()
		for _, in := range []string{"loanops", "refs/notes"} {
			if in != link {
				require.NoError(t, os.MkdirAll(filepath.Join(dir, in), 0o755))
			}
		}
		theirs := filepath.Join(outside, "theirs")
		require.NoError(t, os.WriteFile(theirs, []byte("LoanOps writes the notes\n"), 0o600))
		to := outside
		if strings.Contains(filepath.Base(link), ".") || strings.HasSuffix(link, "lock") {
			to = theirs
		}
		require.NoError(t, os.Symlink(to, filepath.Join(dir, link)))
		r := open(t, dir)
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_ = r.Status(hash, "push.json", []byte("x"))
		_ = r.Note(short, hash, saying("x"))
		cancel()
		all, err := os.ReadDir(outside)
		require.NoError(t, err)
		require.Len(t, all, 1, link)
		content, err := os.ReadFile(theirs)
		require.NoError(t, err)
		require.Equal(t, "LoanOps writes the notes\n", string(content), link)
		info, err := os.Stat(theirs)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode(), link)
	}
}
