package git

import (
	"bytes"
	"context"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
)

// maxListing bounds one folder's listing, in bytes.
const maxListing = 4 << 20

// entry is one file as a commit has it: its kind, and its content by hash.
type entry struct {
	mode filemode.FileMode
	hash plumbing.Hash
}

// walk reads the listing of a commit's files, folder by folder.
type walk struct {
	r       *Repository
	files   map[string]entry
	folders int
}

// files lists those of a tree by path, in all folders. Their contents are not read.
func (r *Repository) files(ctx context.Context, root plumbing.Hash) (map[string]entry, error) {
	w := &walk{r: r, files: map[string]entry{}}
	return w.files, w.folder(ctx, root, "")
}

func (w *walk) folder(ctx context.Context, hash plumbing.Hash, at string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Unavailable, err, "reading the files of %s", w.r.name)
	}
	// One small listing that is named by itself many times over, level by level, has no end.
	if w.folders++; w.folders > ci.MaxFiles {
		return fault.New(fault.Invalid, "%s: more than %d folders; a pipeline's repository is small", w.r.name, ci.MaxFiles)
	}
	size, err := w.r.objects.EncodedObjectSize(hash)
	if err != nil {
		return w.r.missing(err, "the folder /"+at)
	}
	if size > maxListing {
		return fault.New(fault.Invalid, "%s: the folder /%s has a listing of %d bytes; at most %d are good", w.r.name, at, size, maxListing)
	}
	listing, err := object.GetTree(w.r.objects, hash)
	if err != nil {
		return w.r.missing(err, "the folder /"+at)
	}
	names := map[string]bool{}
	for _, e := range listing.Entries {
		name := path.Join(at, e.Name)
		if err := checkName(e.Name, name); err != nil {
			return err
		}
		if names[e.Name] {
			return fault.New(fault.Invalid, "%s: %q is listed twice", w.r.name, name)
		}
		names[e.Name] = true
		if e.Mode == filemode.Dir {
			if err := w.folder(ctx, e.Hash, name); err != nil {
				return err
			}
			continue
		}
		if len(w.files) >= ci.MaxFiles {
			return fault.New(fault.Invalid, "%s: more than %d files; a pipeline's repository is small", w.r.name, ci.MaxFiles)
		}
		mode := e.Mode
		if mode == filemode.Deprecated { // group-writable, of old; the same file
			mode = filemode.Regular
		}
		w.files[name] = entry{mode, e.Hash}
	}
	return nil
}

// checkName refuses what git itself would not check out: a name that is a path, and a folder that git would take for a repository's own, hooks and all.
func checkName(name, at string) error {
	if name == "" || name == "." || name == ".." || strings.Contains(name, "/") || strings.EqualFold(name, ".git") || len(at) > ci.MaxPathBytes {
		return fault.New(fault.Invalid, "the commit has a file or folder %.80q, which no tree may have", at)
	}
	return nil
}

// tree reads the files' contents. A content in place stands instead of the one that the listing names.
func (r *Repository) tree(ctx context.Context, files map[string]entry, instead map[string][]byte) (*ci.Tree, error) {
	if err := r.fits(files, instead); err != nil {
		return nil, err
	}
	tree := &ci.Tree{}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := ctx.Err(); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "reading the files of %s", r.name)
		}
		content, has := instead[name]
		if !has {
			var err error
			if content, err = r.content(files[name].hash); err != nil {
				return nil, r.missing(err, name)
			}
		}
		if err := tree.Add(name, ci.File{Data: content, Executable: files[name].mode == filemode.Executable}); err != nil {
			return nil, err
		}
	}
	return tree, nil
}

// fits refuses what is no file, and what is too much, before any content is read.
func (r *Repository) fits(files map[string]entry, instead map[string][]byte) error {
	var sum int64
	for _, name := range slices.Sorted(maps.Keys(files)) {
		switch files[name].mode {
		case filemode.Regular, filemode.Executable:
		case filemode.Symlink:
			return fault.New(fault.Invalid, "%s is a symbolic link; put a copy of the file in its place: a tree of a commit has files alone", name)
		case filemode.Submodule:
			return fault.New(fault.Invalid, "%s is a submodule; put its files in its place: a tree of a commit has files alone", name)
		default:
			return fault.New(fault.Invalid, "%s is of mode %s; a tree of a commit has files alone", name, files[name].mode)
		}
		size := int64(len(instead[name]))
		if _, has := instead[name]; !has {
			var err error
			if size, err = r.objects.EncodedObjectSize(files[name].hash); err != nil {
				return r.missing(err, name)
			}
		}
		if size < 0 || size > ci.MaxTreeBytes || sum+size > ci.MaxTreeBytes {
			return fault.New(fault.Invalid, "%s: the files have more than %d MiB; keep data in a store and name them in the spec's source", name, ci.MaxTreeBytes>>20)
		}
		sum += size
	}
	return nil
}

// content is a file's, whose size was looked at before.
func (r *Repository) content(hash plumbing.Hash) ([]byte, error) {
	blob, err := object.GetBlob(r.objects, hash)
	if err != nil {
		return nil, err
	}
	from, err := blob.Reader()
	if err != nil {
		return nil, err
	}
	defer from.Close()
	var content bytes.Buffer
	_, err = io.Copy(&content, io.LimitReader(from, ci.MaxTreeBytes+1))
	return content.Bytes(), err
}
