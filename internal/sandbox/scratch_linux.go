package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/loanops/loanops/internal/fault"
)

// The folders in a scratch folder.
const (
	filesFolder = "files" // of the commit; the command's working directory
	homeFolder  = "home"
	tempFolder  = "tmp"
)

// newScratch makes a scratch folder with the files of a command. The folders in it are the user's, 0 leaves them ours; itself is ours always, so that no
// command moves it away and puts a link to something else in its place.
func newScratch(dir string, user uint32, unpack func(string) error) (scratch string, err error) {
	made, err := os.MkdirTemp(dir, "loanops-command-")
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "making a folder for a command")
	}
	defer func() {
		if err != nil {
			_ = remove(made)
		}
	}()
	if err := os.Chmod(made, 0o711); err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "making a folder for a command")
	}
	for _, folder := range []string{filesFolder, homeFolder, tempFolder} {
		if err := os.Mkdir(filepath.Join(made, folder), 0o700); err != nil {
			return "", fault.Wrap(fault.Unavailable, err, "making a folder for a command")
		}
	}
	if unpack != nil {
		if err := unpack(filepath.Join(made, filesFolder)); err != nil {
			return "", err
		}
	}
	if user == 0 {
		return made, nil
	}
	err = filepath.WalkDir(made, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == made {
			return err
		}
		return os.Lchown(path, int(user), int(user))
	})
	return made, fault.Wrap(fault.Unavailable, err, "giving a folder to user %d", user)
}

// remove removes a folder that nobody changes any more, whatever its permissions are, however deep it is, and wherever its links lead: a link is removed, not
// followed, and what lies deep is brought up first.
func remove(dir string) error {
	if at, err := os.Lstat(dir); err == nil && !at.IsDir() {
		return os.Remove(dir)
	}
	moved := 0
	for {
		entries, err := some(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case len(entries) == 0:
			return os.Remove(dir)
		}
		for _, entry := range entries {
			if err := lift(dir, entry, &moved); err != nil {
				return err
			}
		}
	}
}

// lift removes an entry of a folder; the folders in it become entries themselves.
func lift(dir string, entry fs.DirEntry, moved *int) error {
	path := filepath.Join(dir, entry.Name())
	if !entry.IsDir() {
		return os.Remove(path)
	}
	for {
		inner, err := some(path)
		if err != nil {
			return err
		}
		if len(inner) == 0 {
			return os.Remove(path)
		}
		for _, e := range inner {
			from := filepath.Join(path, e.Name())
			if !e.IsDir() {
				if err := os.Remove(from); err != nil {
					return err
				}
				continue
			}
			if err := os.Chmod(from, 0o700); err != nil { // else it cannot be told where it is now
				return err
			}
			for ; ; *moved++ {
				err := os.Rename(from, filepath.Join(dir, fmt.Sprintf("removing-%d", *moved)))
				if err == nil {
					break
				}
				if !errors.Is(err, fs.ErrExist) && !errors.Is(err, syscall.ENOTDIR) {
					return err
				}
			}
		}
	}
}

// some are the next entries of a folder, which we may change from here on.
func some(dir string) ([]fs.DirEntry, error) {
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(1000)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return entries, err
}

// errTooMuch ends a look.
var errTooMuch = errors.New("too much")

// watched is a folder that is looked at once in a while.
type watched struct {
	limits Limits
	// closed says that something was closed to the last look.
	closed bool
}

// beyond looks at the folder: why it holds too much, or nothing.
func (w *watched) beyond(dir string) string { return w.after(w.limits.beyond(dir)) }

// after is the look's answer, and too much as well where it could not see all, and the look before it could not: a command hides nothing by taking away its own right
// to a folder. Root sees everything.
func (w *watched) after(why string, closed bool) string {
	if why == "" && closed && w.closed {
		why = "its folder held what cannot be looked into"
	}
	w.closed = closed
	return why
}

// beyond looks at a folder that may change meanwhile: why it holds too much, or nothing, and whether some of it is closed to us. It follows no link.
func (l Limits) beyond(dir string) (why string, closed bool) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", errors.Is(err, fs.ErrPermission)
	}
	defer root.Close()
	entries, bytes := int64(0), int64(0)
	_ = fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil {
			var taken int64
			taken, err = onDisk(entry)
			entries++
			bytes += taken
		}
		closed = closed || errors.Is(err, fs.ErrPermission) // else it is gone
		switch {
		case bytes > l.Scratch:
			why = fmt.Sprintf("its folder held more than %s", said(l.Scratch))
		case entries > l.Entries:
			why = fmt.Sprintf("its folder held more than %d files", l.Entries)
		case strings.Count(path, "/") > maxDepth:
			why = fmt.Sprintf("its folders lay more than %d deep", maxDepth)
		default:
			return nil
		}
		return errTooMuch
	})
	return why, closed
}

// onDisk is what a file takes, holes left out.
func onDisk(entry fs.DirEntry) (int64, error) {
	info, err := entry.Info()
	if err != nil {
		return 0, err
	}
	if stat, is := info.Sys().(*syscall.Stat_t); is {
		return stat.Blocks * 512, nil
	}
	return 0, nil
}
