package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// Places are the folders below which files may be read. Who starts a run names files, and the worker's user may read more than they may.
type Places []string

// NewPlaces takes folders, relative ones from the working directory of now.
func NewPlaces(folders []string) (Places, error) {
	p := make(Places, len(folders))
	for i, folder := range folders {
		var err error
		if p[i], err = filepath.Abs(folder); err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "LOANOPS_DATA_DIRS: %s", folder)
		}
	}
	return p, nil
}

// Allow refuses a path that is not below one of the folders once all symbolic links are followed. A path outside is refused whether there is
// something or not.
func (p Places) Allow(path string) error {
	_, err := p.resolve(path)
	return err
}

// List is List for allowed files alone. Their paths are without symbolic links, so what is opened is what was allowed.
func (p Places) List(uri string) ([]File, error) {
	if fixed := fixedPart(uri); fixed != uri {
		if err := p.Allow(fixed); err != nil {
			return nil, err
		}
	} else if err := p.Allow(uri); err != nil {
		return nil, err
	}
	list, err := List(uri)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Path, err = p.resolve(list[i].Name); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// fixedPart is the folder of a pattern before its first wildcard; a path without wildcards is whole.
func fixedPart(uri string) string {
	for strings.ContainsAny(uri, "*?[") {
		uri = filepath.Dir(uri)
	}
	return uri
}

func (p Places) resolve(path string) (string, error) {
	absolute := path
	if !filepath.IsAbs(path) {
		here, err := os.Getwd()
		if err != nil {
			return "", fault.Wrap(fault.Unavailable, err, "%s", path)
		}
		absolute = here + string(filepath.Separator) + path // not cleaned: after a link .. is not what is written before it
	}
	real, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) && p.below(filepath.Clean(absolute)) {
			return "", fault.New(fault.NotFound, "%s: there is no such file", path)
		}
		return "", refused(path)
	}
	for _, folder := range p {
		if folder, err := filepath.EvalSymlinks(folder); err == nil && within(folder, real) {
			return real, nil
		}
	}
	return "", refused(path)
}

// below says whether a path looks as if it were below one of the folders.
func (p Places) below(path string) bool {
	for _, folder := range p {
		if within(folder, path) {
			return true
		}
	}
	return false
}

func within(folder, path string) bool {
	relative, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(relative)
}

func refused(path string) error {
	return fault.New(fault.Invalid, "%s: files may be read from the worker's data folders alone; add its folder to LOANOPS_DATA_DIRS, or move it into one of them", path)
}
