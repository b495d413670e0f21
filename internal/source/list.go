package source

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// List names the files that a local URI means, sorted by name: a file, a folder (the regular files in it, without those whose name begins
// with a dot or an underscore) or a glob. Something that is there by this very name is no glob.
func List(uri string) ([]File, error) {
	info, err := os.Stat(uri)
	switch {
	case err == nil && info.IsDir():
		return folder(uri)
	case err == nil:
		f := File{Name: uri, Path: uri}
		return []File{f}, regular(f)
	case strings.ContainsAny(uri, "*?["):
		return glob(uri)
	}
	return nil, openFault(err, File{Name: uri, Path: uri})
}

// Local lists the local files of a spec's relations, by the URI that names them, and refuses what is of no kind that is read. No place is asked
// for: it is for whoever reads with their own rights.
func Local(spec pipeline.Spec) (map[string][]File, error) {
	found := map[string][]File{}
	for _, relation := range spec.Relations() {
		if !relation.Local() {
			continue
		}
		files, err := List(relation.FilesURI())
		if err != nil {
			return nil, err
		}
		if _, err := KindOf(*relation, files); err != nil {
			return nil, err
		}
		found[relation.FilesURI()] = files
	}
	return found, nil
}

func folder(uri string) ([]File, error) {
	entries, err := os.ReadDir(uri)
	if err != nil {
		return nil, openFault(err, File{Name: uri, Path: uri})
	}
	var paths []string
	for _, entry := range entries {
		paths = append(paths, filepath.Join(uri, entry.Name()))
	}
	return files(uri, paths)
}

func glob(uri string) ([]File, error) {
	paths, err := filepath.Glob(uri)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: the pattern is not well-formed", uri)
	}
	return files(uri, paths)
}

// files are those of the paths that are regular and not hidden.
func files(uri string, paths []string) ([]File, error) {
	var list []File
	for _, path := range paths {
		if strings.IndexAny(filepath.Base(path), "._") == 0 {
			continue
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		list = append(list, File{Name: path, Path: path})
	}
	if len(list) == 0 {
		return nil, fault.New(fault.NotFound, "%s: there are no files", uri)
	}
	slices.SortFunc(list, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}
