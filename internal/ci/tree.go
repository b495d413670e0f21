package ci

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/sha256hex"
)

// The limits of a tree.
const (
	MaxFiles     = 20_000
	MaxTreeBytes = 256 << 20
	MaxPathBytes = 512
)

// File is one regular file of a tree.
type File struct {
	Data       []byte
	Executable bool
}

// Tree are the files of a commit, by their paths with slashes. Nothing else of a commit is looked at: no links, no submodules.
type Tree struct {
	files   map[string]File
	folders map[string]bool // those that files lie in
	bytes   int64
}

// File is the one at a path.
func (t *Tree) File(name string) (f File, found bool) {
	f, found = t.files[name]
	return f, found
}

// Add puts a file into the tree, in place of one of the same path. A path that leads out of it, one that is a folder or lies below a file, and what is
// beyond the limits, is fault.Invalid.
func (t *Tree) Add(name string, f File) error {
	if err := checkPath(name); err != nil {
		return err
	}
	was, known := t.files[name]
	if !known && len(t.files) >= MaxFiles {
		return fault.New(fault.Invalid, "more than %d files; a pipeline's repository is small", MaxFiles)
	}
	size := t.bytes - int64(len(was.Data)) + int64(len(f.Data))
	if size > MaxTreeBytes {
		return fault.New(fault.Invalid, "%s: the files have more than %d MiB; keep data in a store and name them in the spec's source", name, MaxTreeBytes>>20)
	}
	if t.folders[name] {
		return fault.New(fault.Invalid, "%q is a folder of the tree, and a file", name)
	}
	if t.files == nil {
		t.files, t.folders = map[string]File{}, map[string]bool{}
	}
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		if _, is := t.files[folder]; is {
			return fault.New(fault.Invalid, "%q is a file of the tree, and a folder", folder)
		}
	}
	for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
		t.folders[folder] = true
	}
	t.files[name], t.bytes = f, size
	return nil
}

func checkPath(name string) error {
	switch {
	case name == "" || len(name) > MaxPathBytes || strings.ContainsAny(name, "\x00\n\r\\"):
		return fault.New(fault.Invalid, "a path of %d bytes that is empty, too long, or holds a line break or a backslash; at most %d bytes are good", len(name), MaxPathBytes)
	case name == "." || path.IsAbs(name) || path.Clean(name) != name || !filepath.IsLocal(name):
		return fault.New(fault.Invalid, "%q leads out of the tree, or is written in a roundabout way", name)
	}
	return nil
}

// Paths are those of its files, sorted.
func (t *Tree) Paths() []string {
	return slices.Sorted(maps.Keys(t.files))
}

// Tar is the tree as bytes: the same files give the same bytes, whoever packs them.
func (t *Tree) Tar() ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range t.Paths() {
		f := t.files[name]
		mode := int64(0o644)
		if f.Executable {
			mode = 0o755
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(f.Data)), Format: tar.FormatPAX}); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "packing %s", name)
		}
		if _, err := w.Write(f.Data); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "packing %s", name)
		}
	}
	return out.Bytes(), fault.Wrap(fault.Internal, w.Close(), "packing")
}

// Digest is the SHA-256 of Tar.
func (t *Tree) Digest() (string, error) {
	packed, err := t.Tar()
	return sha256hex.Of(packed), err
}

// ReadTar reads what Tar wrote.
func ReadTar(packed []byte) (*Tree, error) {
	t := &Tree{}
	r := tar.NewReader(bytes.NewReader(packed))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the packed tree")
		}
		if h.Typeflag != tar.TypeReg {
			return nil, fault.New(fault.Invalid, "%q in the packed tree is no regular file", h.Name)
		}
		if h.Size > int64(len(packed)) { // a sparse file would be made of nothing
			return nil, fault.New(fault.Invalid, "%q in the packed tree promises %d bytes, more than the whole has", h.Name, h.Size)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, err, "the packed tree")
		}
		if err := t.Add(h.Name, File{Data: data, Executable: h.Mode&0o111 != 0}); err != nil {
			return nil, err
		}
	}
}

// ReadFolder reads the files below a folder, as they lie there, but for what git keeps for itself and for links.
func ReadFolder(dir string) (*Tree, error) {
	return ReadSome(dir, func(string, bool) bool { return true })
}

// ReadSome is ReadFolder for some of the files: takes is asked of each file, and of each folder before what is in it, by its path from dir. What is in a folder
// that it does not take is not asked for.
func ReadSome(dir string, takes func(path string, folder bool) bool) (*Tree, error) {
	t := &Tree{}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s: there is no such folder that can be read", dir)
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fault.Wrap(fault.Unavailable, err, "reading %s", name)
		case entry.IsDir() && (entry.Name() == ".git" || name != "." && !takes(name, true)):
			return fs.SkipDir
		case !entry.Type().IsRegular() || entry.Name() == ".git" || !takes(name, false):
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "reading %s", name)
		}
		if info.Size() > MaxTreeBytes {
			return fault.New(fault.Invalid, "%s has more than %d MiB; keep data in a store and name them in the spec's source", name, MaxTreeBytes>>20)
		}
		data, err := root.ReadFile(name)
		if err != nil {
			return fault.Wrap(fault.Unavailable, err, "reading %s", name)
		}
		return t.Add(name, File{Data: data, Executable: info.Mode()&0o111 != 0})
	})
	return t, err
}

// Unpack writes the files below an empty folder.
func (t *Tree) Unpack(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the folder of a tree")
	}
	defer root.Close()
	for _, name := range t.Paths() {
		if folder := path.Dir(name); folder != "." {
			if err := root.MkdirAll(folder, 0o755); err != nil {
				return fault.Wrap(fault.Unavailable, err, "unpacking %s", name)
			}
		}
		mode := fs.FileMode(0o644)
		if t.files[name].Executable {
			mode = 0o755
		}
		if err := file.WithoutFork(func() error { return root.WriteFile(name, t.files[name].Data, mode) }); err != nil {
			return fault.Wrap(fault.Unavailable, err, "unpacking %s", name)
		}
	}
	return nil
}
