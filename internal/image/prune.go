package image

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image/reference"
)

// unusedFor is how long an image stays on a machine that nothing asks for: the registry has it.
const unusedFor = 14 * 24 * time.Hour

// prune removes the unpacked images that nothing needs and nobody asked for since that time, and what processes that were killed left half unpacked or half
// removed. What another process unpacks or looks at meanwhile is left alone. The files of locks stay: whoever waits for one must not find another.
func (s *Store) prune(before time.Time) error {
	needed := map[string]bool{}
	if s.Needed != nil {
		for _, image := range s.Needed() {
			ref, err := reference.Parse(image)
			if err != nil {
				return err // whatever it may mean, it is not ours to remove
			}
			needed[ref.Digest] = true
		}
	}
	locks, err := filepath.Glob(filepath.Join(s.Dir, "*.lock"))
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the folder of images")
	}
	var failed error
	for _, lock := range locks {
		if folder := strings.TrimSuffix(lock, ".lock"); !needed[filepath.Base(folder)] {
			failed = errors.Join(failed, pruneOne(folder, before))
		}
	}
	return failed
}

func pruneOne(folder string, before time.Time) error {
	held := flock.New(folder + ".lock")
	if free, err := held.TryLock(); err != nil || !free {
		return err // somebody is at it
	}
	defer func() { _ = held.Close() }()                   // the system frees it anyway when this process ends
	if err := os.RemoveAll(folder + ".new"); err != nil { // of a process that was killed
		return err
	}
	used, err := os.Stat(filepath.Join(folder, noteFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && !used.ModTime().Before(before) {
		return nil
	}
	// It is whole or away, also for who is killed in between.
	if err := os.Rename(folder, folder+".new"); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed before
		}
		return err
	}
	return os.RemoveAll(folder + ".new")
}
