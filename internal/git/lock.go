package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"github.com/loanops/loanops/internal/fault"
)

const (
	// lockWait bounds how long another writer of the notes is waited for.
	lockWait  = 10 * time.Second
	lockPause = 20 * time.Millisecond
	// ours is in the lock of a process of LoanOps. git writes a hash into its own, or nothing.
	ours = "LoanOps writes the notes\n"
)

// lock is taken by whoever writes the notes, and dropped when they are written.
//
// Towards git it is git's own: a file refs/notes/loanops.lock that is there. That of a process that was killed stays for ever, so who may break it must be certain that
// nobody writes. That is said by a second lock, on the open file loanops/lock, which the kernel takes from a process that ends, however it ends: a file of git's with our words
// in it, found by the one process that holds the second lock, is of a process that is gone. Only that one breaks it, so no two do at once, and one of git's is never
// broken. Processes of two machines that share a folder need a file system that locks files between them, as NFS does.
func (p *place) lock(ctx context.Context) (drop func(), err error) {
	name := string(NotesRef) + ".lock"
	second, err := p.second()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	holding := false
	for {
		if !holding {
			err := syscall.Flock(int(second.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
			if err != nil && !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
				_ = second.Close()
				return nil, p.failed(err)
			}
			holding = err == nil
		}
		if holding {
			err := p.first(name)
			if err == nil {
				return func() { _ = p.root.Remove(name); _ = second.Close() }, nil
			}
			if !errors.Is(err, fs.ErrExist) {
				_ = second.Close()
				return nil, err
			}
		}
		select {
		case <-ctx.Done():
			_ = second.Close()
			return nil, fault.New(fault.Conflict, "the notes of %s are being written (%s is there); if nobody writes them, remove that file", p.name, name)
		case <-time.After(lockPause):
		}
	}
}

// first takes git's lock, by whoever holds the second. fs.ErrExist where git has it.
func (p *place) first(name string) error {
	switch said, err := p.root.ReadFile(name); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return p.failed(err)
	case string(said) != ours:
		return fs.ErrExist
	default:
		if err := p.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return p.failed(err)
		}
	}
	return p.file(name, []byte(ours), 0o666, true)
}

// second opens the file that the second lock is on. It is never removed: two processes could lock two files of the same name.
func (p *place) second() (*os.File, error) {
	name := path.Join(statusFolder, "lock")
	if _, err := p.root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
		if err := p.file(name, nil, 0o666, true); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
	}
	opened, err := p.root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, p.failed(err)
	}
	return opened, nil
}
