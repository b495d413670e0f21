package git_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

// team is whose repositories are in these tests: where root runs them another user, who then pushes and must be able to; else whoever runs them, and what is
// checked of owners then is that a new file has the same one as the repository.
func team(t *testing.T) (uid, gid int) {
	t.Helper()
	if os.Geteuid() == 0 {
		return 12345, 12346
	}
	t.Log("not root: the repository is this user's own, and nothing is written in another's name")
	return os.Geteuid(), os.Getegid()
}

// as runs git as a user of a group.
func as(t *testing.T, uid, gid int, dir string, args ...string) {
	t.Helper()
	command := exec.Command("git", args...)
	command.Dir, command.Env = dir, append(environment(), "HOME="+dir)
	if os.Geteuid() == 0 {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: false}}
	}
	out, err := command.CombinedOutput()
	require.NoError(t, err, "git %v: %s", args, out)
}

// give makes all below a folder a user's.
func give(t *testing.T, dir string, uid, gid int) {
	t.Helper()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) // of t.TempDir
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		require.NoError(t, err)
		return os.Lchown(path, uid, gid)
	}))
}

// owners are the entries below a folder that are not a user's of a group, or that are closed to those to whom objects is open.
func owners(t *testing.T, dir string, uid, gid int, folder, file fs.FileMode) (wrong []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := os.Lstat(path)
		require.NoError(t, err)
		of := info.Sys().(*syscall.Stat_t)
		want := file
		if info.IsDir() {
			want = folder
		}
		if int(of.Uid) != uid || int(of.Gid) != gid || info.Mode()&want != want {
			wrong = append(wrong, fmt.Sprintf("%s %d:%d %s", path, of.Uid, of.Gid, info.Mode()))
		}
		return nil
	}))
	return wrong
}

// A worker that is root tells a team's repository of twenty commits, in as many new folders of objects, and the team goes on pushing.
func TestWhoeverNotesATeamGoesOnPushing(t *testing.T) {
	t.Parallel()
	uid, gid := team(t)
	dir, work := t.TempDir(), t.TempDir()
	run(t, dir, "init", "-q", "--bare", "-b", "main")
	run(t, work, "clone", "-q", dir, ".")
	give(t, dir, uid, gid)
	give(t, work, uid, gid)
	for i := range 20 {
		as(t, uid, gid, work, "commit", "-q", "--allow-empty", "-m", fmt.Sprint(i))
		as(t, uid, gid, work, "push", "-q", "origin", "HEAD:main")
		r := open(t, dir)
		hash, err := r.Hash("main")
		require.NoError(t, err)
		for _, text := range []string{"pending", "success"} {
			require.NoError(t, r.Status(hash, "push.json", []byte(text)))
			require.NoError(t, r.Note(t.Context(), hash, saying(text)))
		}
	}
	require.Empty(t, owners(t, dir, uid, gid, 0o755, 0o444))
	require.NoFileExists(t, filepath.Join(dir, "refs/notes/loanops.lock"))
	as(t, uid, gid, dir, "notes", "--ref", "loanops", "add", "-f", "-m", "by hand", "main")
	as(t, uid, gid, dir, "gc", "-q", "--prune=now")
}

// What is written is open to those to whom the repository is: by core.sharedRepository, or as the folder of the objects is.
func TestASharedRepositoryStaysShared(t *testing.T) {
	t.Parallel()
	uid, gid := team(t)
	for name, test := range map[string]struct {
		init         string // of git init --shared
		configured   string // set afterwards
		closed       bool   // to everybody else, before
		folder, file fs.FileMode
		not          fs.FileMode
	}{
		// The modes are those of git's documentation of core.sharedRepository.
		"group":            {init: "group", folder: fs.ModeSetgid | 0o775, file: 0o444, not: 0o002},
		"everybody":        {init: "all", folder: fs.ModeSetgid | 0o775, file: 0o444, not: 0o002},
		"octal":            {init: "0660", folder: fs.ModeSetgid | 0o770, file: 0o440, not: 0o007},
		"nobody":           {init: "umask", folder: 0o755, file: 0o444, not: 0o022},
		"closed":           {init: "umask", closed: true, folder: 0o700, file: 0o400, not: 0o077},
		"said later":       {init: "umask", configured: "group", folder: fs.ModeSetgid | 0o775, file: 0o444, not: 0o002},
		"said as a number": {init: "umask", configured: "1", folder: fs.ModeSetgid | 0o775, file: 0o444, not: 0o002},
		"said as a mode":   {init: "umask", configured: "0640", folder: fs.ModeSetgid | 0o750, file: 0o440, not: 0o027},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, work := t.TempDir(), start(t)
			run(t, dir, "init", "-q", "--bare", "-b", "main", "--shared="+test.init)
			run(t, work, "push", "-q", dir, "main")
			if test.configured != "" {
				run(t, dir, "config", "core.sharedRepository", test.configured)
			}
			give(t, dir, uid, gid)
			if test.closed {
				require.NoError(t, os.Chmod(filepath.Join(dir, "objects"), 0o700))
			}
			before := map[string]bool{}
			all := func(each func(path string)) {
				require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
					require.NoError(t, err)
					each(path)
					return nil
				}))
			}
			all(func(path string) { before[path] = true })
			r := open(t, dir)
			hash, err := r.Hash("main")
			require.NoError(t, err)
			require.NoError(t, r.Status(hash, "push.json", []byte("x")))
			require.NoError(t, r.Note(t.Context(), hash, saying("x")))
			added := 0
			all(func(path string) {
				if before[path] {
					return
				}
				added++
				info, err := os.Lstat(path)
				require.NoError(t, err)
				want := test.file
				if info.IsDir() {
					want = test.folder
				}
				require.Equal(t, want, info.Mode()&want, "%s is %s", path, info.Mode())
				require.Zero(t, info.Mode()&test.not, "%s is %s", path, info.Mode())
				require.EqualValues(t, uid, info.Sys().(*syscall.Stat_t).Uid, path)
				require.EqualValues(t, gid, info.Sys().(*syscall.Stat_t).Gid, path)
			})
			require.Greater(t, added, 6, "folders and files of objects, of the status and of the reference")
		})
	}
}

// Who may not give what is written to the repository's owner writes nothing, unless the repository is shared with its group. Without the rights of root there is no
// other user to be: then a folder that may not be written to stands for another's, and nothing of a group is checked.
func TestWhoMayNotWriteWritesNothing(t *testing.T) {
	t.Parallel()
	root := os.Geteuid() == 0
	if !root {
		t.Log("not root: a folder without the right to write stands for another user's")
	}
	for name, test := range map[string]struct {
		shared, group, writes bool
	}{
		"another user":                             {},
		"another user, in the group":               {group: true},
		"another user, in the group that shares":   {group: true, shared: true, writes: true},
		"another user, not in the group of others": {shared: true},
	} {
		if !root && name != "another user" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, work := t.TempDir(), start(t)
			run(t, dir, "init", "-q", "--bare", "-b", "main", fmt.Sprintf("--shared=%t", test.shared))
			run(t, work, "push", "-q", dir, "main")
			hash := run(t, dir, "rev-parse", "main")
			credential := &syscall.SysProcAttr{}
			if root {
				give(t, dir, 12345, 12346)
				if !test.shared {
					require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error { return os.Chmod(path, 0o757) }), "it could write, and must not")
				}
				gid := uint32(54321)
				if test.group {
					gid = 12346
				}
				credential.Credential = &syscall.Credential{Uid: 54321, Gid: gid}
			} else {
				require.NoError(t, os.Chmod(dir, 0o555))
				t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
			}
			count := func() (n int) {
				require.NoError(t, filepath.WalkDir(dir, func(string, fs.DirEntry, error) error { n++; return nil }))
				return n
			}
			before := count()
			command := noting(t, dir, hash, "x")
			command.SysProcAttr = credential
			out, err := command.CombinedOutput()
			require.NoError(t, err, string(out))
			if test.writes {
				require.Empty(t, string(out))
				require.Greater(t, count(), before)
				as(t, 12345, 12346, dir, "notes", "--ref", "loanops", "add", "-f", "-m", "by its owner", hash)
				return
			}
			require.Contains(t, string(out), string(fault.Unauthorized)+" ")
			require.True(t, fault.Permanent(fault.Unauthorized))
			require.Equal(t, before, count(), "nothing is left of it")
			if root {
				require.Contains(t, string(out), "uid 12345")
			}
		})
	}
}
