// Package git reads commits of teams' repositories as trees of files, merges one commit into another, and writes what became of a commit into a bare
// repository. It runs no program and no hook: a repository is read by go-git alone, from a folder or over HTTP.
package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
)

// Repository is a git repository that commits are read from.
type Repository struct {
	name    string // as it was asked for, in messages
	objects *filesystem.Storage
	refs    storer.ReferenceStorer
	remote  *remote // nil where it lies in a folder
}

// Commit is what is known of one.
type Commit struct {
	Hash    string
	Subject string    // the first line of its message
	At      time.Time // of the commit, as its committer's clock said; UTC
	Tree    *ci.Tree
	Merged  string // the commit of the target that it was merged into; empty for a commit alone
}

// Open opens the repository in a folder: bare, or with a work tree, whose files are not looked at. All that is read lies in the folder: what git would
// follow out of it (a linked work tree, a submodule's .git file, alternates) is fault.Invalid, and a link leads nowhere.
func Open(path string) (*Repository, error) {
	dir, err := gitFolder(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(dir, "objects", "info", "alternates")); err == nil {
		return nil, fault.New(fault.Invalid, "%s borrows objects of another repository (objects/info/alternates); in it, run `git repack -a -d` and remove that file", path)
	}
	if dir, err = filepath.Abs(dir); err != nil { // go-git reads nothing by way of ".."
		return nil, fault.Wrap(fault.Invalid, err, "the repository %s", path)
	}
	storage := stored(dir)
	switch _, err := gogit.Open(storage, nil); {
	case errors.Is(err, gogit.ErrRepositoryNotExists):
		return nil, notARepository(path)
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, err, "the repository %s is of a kind that is not read", path)
	}
	return &Repository{name: path, objects: storage, refs: storage}, nil
}

// gitFolder is where a repository's objects and references are.
func gitFolder(path string) (string, error) {
	info, err := os.Lstat(filepath.Join(path, gogit.GitDirName))
	switch {
	case err == nil && info.IsDir():
		return filepath.Join(path, gogit.GitDirName), nil
	case err == nil:
		return "", fault.New(fault.Invalid, "%s is a linked work tree or a submodule: name the folder of the repository that it belongs to", path)
	case !errors.Is(err, os.ErrNotExist):
		return "", notARepository(path)
	}
	if info, err := os.Stat(filepath.Join(path, "objects")); err != nil || !info.IsDir() {
		return "", notARepository(path)
	}
	return path, nil
}

func notARepository(path string) error {
	return fault.New(fault.NotFound, "%s: there is no git repository that can be read", path)
}

// stored reads and writes below a folder, and nowhere else.
func stored(dir string) *filesystem.Storage {
	return filesystem.NewStorage(osfs.New(dir, osfs.WithBoundOS()), cache.NewObjectLRUDefault())
}

// Commit reads one: a branch, a tag, a hash (whole, or the first four digits and more), or a name that begins with refs/.
func (r *Repository) Commit(ctx context.Context, ref string) (Commit, error) {
	return r.twice(func() (Commit, error) { return r.alone(ctx, ref) })
}

func (r *Repository) alone(ctx context.Context, ref string) (Commit, error) {
	found, err := r.find(ctx, false, ref)
	if err != nil {
		return Commit{}, err
	}
	files, err := r.files(ctx, found[0].TreeHash)
	if err != nil {
		return Commit{}, err
	}
	tree, err := r.tree(ctx, files, nil)
	if err != nil {
		return Commit{}, err
	}
	return described(found[0], tree), nil
}

// twice reads again where something was not found: git packs anew what lies in a folder whenever it likes, after a push for one.
func (r *Repository) twice(read func() (Commit, error)) (Commit, error) {
	c, err := read()
	if r.remote == nil && (errors.Is(err, plumbing.ErrObjectNotFound) || errors.Is(err, fs.ErrNotExist)) {
		r.objects.Reindex()
		return read()
	}
	return c, err
}

// missing says what it means that an object is not there.
func (r *Repository) missing(err error, what string) error {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return fault.Wrap(fault.Invalid, err, "%s: %s is not in the repository; is it a shallow or partial clone? Fetch what it lacks (`git fetch --unshallow`)", r.name, what)
	}
	return fault.Wrap(fault.Invalid, err, "%s: %s cannot be read", r.name, what)
}
