package git

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"sort"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/loanops/loanops/internal/fault"
)

// NotesRef is where what became of commits is noted: `git notes --ref loanops show COMMIT` shows it.
const NotesRef plumbing.ReferenceName = "refs/notes/loanops"

// statusFolder is where, in a bare repository, a file says the same for scripts.
const statusFolder = "loanops"

const (
	// lockWait bounds how long another writer of the notes is waited for.
	lockWait  = 10 * time.Second
	lockPause = 20 * time.Millisecond
)

// Note says something of a commit, instead of what was said of it before. Writers wait for each other, and for git, as git's own do: who holds
// refs/notes/loanops.lock writes.
func (r *Repository) Note(ctx context.Context, hash, text string) error {
	if err := r.writable(hash); err != nil {
		return err
	}
	held, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer held.drop()
	before, err := r.refs.Reference(NotesRef)
	if err != nil && !errors.Is(err, plumbing.ErrReferenceNotFound) {
		return fault.Wrap(fault.Invalid, err, "the notes of %s", r.name)
	}
	var parents []plumbing.Hash
	notes := &object.Tree{}
	if before != nil {
		last, err := object.GetCommit(r.objects, before.Hash())
		if err != nil {
			return r.missing(err, "the last note")
		}
		if notes, err = last.Tree(); err != nil {
			return r.missing(err, "the notes")
		}
		parents = []plumbing.Hash{last.Hash}
	}
	root, err := r.noted(notes, hash, text)
	if err != nil {
		return err
	}
	if root == notes.Hash {
		return nil // it says so already
	}
	now := object.Signature{Name: "LoanOps", Email: "loanops@localhost", When: time.Now()}
	next, err := r.store(&object.Commit{Author: now, Committer: now, Message: "Notes added by LoanOps\n", TreeHash: root, ParentHashes: parents})
	if err != nil {
		return err
	}
	return held.set(next)
}

// Status writes a file loanops/COMMIT.json beside the repository's objects, whole or not at all.
func (r *Repository) Status(hash string, content []byte) error {
	if err := r.writable(hash); err != nil {
		return err
	}
	fs := r.objects.Filesystem()
	file, err := fs.TempFile(statusFolder, "status")
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "the status of a commit of %s", r.name)
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = fs.Rename(file.Name(), fs.Join(statusFolder, hash+".json"))
	}
	if err != nil {
		_ = fs.Remove(file.Name())
	}
	return fault.Wrap(fault.Unavailable, err, "the status of a commit of %s", r.name)
}

func (r *Repository) writable(hash string) error {
	switch {
	case r.remote != nil:
		return fault.New(fault.Invalid, "%s is a copy: what is written into it nobody reads", r.name)
	case !isWholeHash(hash):
		return fault.New(fault.Invalid, "a commit's whole hash is wanted, not %.50q", hash)
	}
	if _, err := r.objects.EncodedObject(plumbing.CommitObject, plumbing.NewHash(hash)); err != nil {
		return r.unknown(hash)
	}
	return nil
}

// noted is the notes' tree with one more, or with another text. A note is a file with its commit's hash for a name, with a slash after two digits: git
// reads it with slashes anywhere, and a folder stays short.
func (r *Repository) noted(notes *object.Tree, hash, text string) (plumbing.Hash, error) {
	blob := &plumbing.MemoryObject{}
	blob.SetType(plumbing.BlobObject)
	if _, err := blob.Write([]byte(text)); err != nil {
		return plumbing.ZeroHash, fault.Wrap(fault.Internal, err, "a note")
	}
	content, err := r.objects.SetEncodedObject(blob)
	if err != nil {
		return plumbing.ZeroHash, fault.Wrap(fault.Unavailable, err, "a note in %s", r.name)
	}
	folder := &object.Tree{}
	for _, e := range notes.Entries {
		if e.Name == hash[:2] && e.Mode == filemode.Dir {
			if folder, err = object.GetTree(r.objects, e.Hash); err != nil {
				return plumbing.ZeroHash, r.missing(err, "the notes")
			}
		}
	}
	inFolder, err := r.store(with(folder, object.TreeEntry{Name: hash[2:], Mode: filemode.Regular, Hash: content}))
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return r.store(with(without(notes, hash), object.TreeEntry{Name: hash[:2], Mode: filemode.Dir, Hash: inFolder}))
}

func without(t *object.Tree, name string) *object.Tree {
	return &object.Tree{Entries: slices.DeleteFunc(slices.Clone(t.Entries), func(e object.TreeEntry) bool { return e.Name == name })}
}

func with(t *object.Tree, e object.TreeEntry) *object.Tree {
	t = without(t, e.Name)
	t.Entries = append(t.Entries, e)
	sort.Sort(object.TreeEntrySorter(t.Entries))
	return t
}

func (r *Repository) store(o object.Object) (plumbing.Hash, error) {
	encoded := r.objects.NewEncodedObject()
	if err := o.Encode(encoded); err != nil {
		return plumbing.ZeroHash, fault.Wrap(fault.Internal, err, "a note")
	}
	hash, err := r.objects.SetEncodedObject(encoded)
	return hash, fault.Wrap(fault.Unavailable, err, "a note in %s", r.name)
}

// held is the lock of the notes.
type held struct {
	r    *Repository
	name string
}

func (r *Repository) lock(ctx context.Context) (*held, error) {
	h := &held{r, string(NotesRef) + ".lock"}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	for {
		file, err := r.objects.Filesystem().OpenFile(h.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		if err == nil {
			file.Close()
			return h, nil
		}
		if !errors.Is(err, os.ErrExist) {
			return nil, fault.Wrap(fault.Unavailable, err, "the notes of %s", r.name)
		}
		select {
		case <-ctx.Done():
			return nil, fault.New(fault.Conflict, "the notes of %s are being written (%s is there); if nobody writes them, remove that file", r.name, h.name)
		case <-time.After(lockPause):
		}
	}
}

// set makes a commit the newest of the notes, in one step, and lets go of the lock.
func (h *held) set(to plumbing.Hash) error {
	fs := h.r.objects.Filesystem()
	file, err := fs.OpenFile(h.name, os.O_WRONLY|os.O_TRUNC, 0o666)
	if err == nil {
		_, err = file.Write([]byte(hex.EncodeToString(to[:]) + "\n"))
		err = errors.Join(err, file.Close())
	}
	if err == nil {
		if err = fs.Rename(h.name, string(NotesRef)); err == nil {
			h.name = ""
		}
	}
	return fault.Wrap(fault.Unavailable, err, "the notes of %s", h.r.name)
}

func (h *held) drop() {
	if h.name != "" {
		_ = h.r.objects.Filesystem().Remove(h.name)
	}
}
