package source

import (
	"errors"
	"io/fs"
	"os"

	"github.com/loanops/loanops/internal/fault"
)

// regular refuses what is not a regular file before it is opened: opening a named pipe waits for a writer, and a device may never end.
func regular(f File) error {
	info, err := os.Stat(f.Path)
	if err != nil {
		return openFault(err, f)
	}
	if !info.Mode().IsRegular() {
		return fault.New(fault.Invalid, "%s: a regular file is wanted", f.Name)
	}
	return nil
}

// openFault says why a file cannot be opened, by the name that the person gave it.
func openFault(err error, f File) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "%s: there is no such file", f.Name)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Invalid, "%s: this user may not read it", f.Name)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // without the path on this machine
	}
	return fault.Wrap(fault.Unavailable, err, "%s", f.Name)
}
