package git

import (
	"context"
	"errors"
	"io/fs"
	"path"
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

// statusFolder is where, in a bare repository, files say the same for scripts.
const statusFolder = "loanops"

// Note says something of a commit, made of what is said of it so far, which is empty where that is nothing. Writers wait for each other, and for git.
func (r *Repository) Note(ctx context.Context, hash string, text func(before string) string) error {
	if err := r.writable(hash); err != nil {
		return err
	}
	p, err := r.place()
	if err != nil {
		return err
	}
	defer p.close()
	drop, err := p.lock(ctx)
	if err != nil {
		return err
	}
	defer drop()
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
		if notes, err = object.GetTree(r.objects, last.TreeHash); err != nil {
			return r.missing(err, "the notes")
		}
		parents = []plumbing.Hash{last.Hash}
	}
	root, err := r.noted(p, notes, hash, text)
	if err != nil {
		return err
	}
	if root == notes.Hash {
		return nil // it says so already
	}
	now := object.Signature{Name: "LoanOps", Email: "loanops@localhost", When: time.Now()}
	next, err := p.store(&object.Commit{Author: now, Committer: now, Message: "Notes added by LoanOps\n", TreeHash: root, ParentHashes: parents})
	if err != nil {
		return err
	}
	return p.file(string(NotesRef), []byte(next.String()+"\n"), 0o666, false)
}

// Status writes a file loanops/COMMIT.SUFFIX beside the repository's objects, whole or not at all; without a content it takes it away.
func (r *Repository) Status(hash, suffix string, content []byte) error {
	if err := r.writable(hash); err != nil {
		return err
	}
	p, err := r.place()
	if err != nil {
		return err
	}
	defer p.close()
	name := path.Join(statusFolder, hash+"."+suffix)
	if content != nil {
		return p.file(name, content, 0o666, false)
	}
	if err := p.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p.failed(err)
	}
	return nil
}

func (r *Repository) writable(hash string) error {
	switch {
	case r.remote != nil:
		return fault.New(fault.Invalid, "%s is a copy: what is written into it nobody reads", r.name)
	case !IsHash(hash):
		return fault.New(fault.Invalid, "a commit's whole hash is wanted, not %.50q", hash)
	}
	if _, err := r.objects.EncodedObject(plumbing.CommitObject, plumbing.NewHash(hash)); err != nil {
		return r.unknown(hash)
	}
	return nil
}

// noted is the notes' tree with one more, or with another text. A note is a file with its commit's hash for a name, with a slash after two digits: git
// reads it with slashes anywhere, and a folder stays short.
func (r *Repository) noted(p *place, notes *object.Tree, hash string, text func(string) string) (plumbing.Hash, error) {
	folder := &object.Tree{}
	if e := entryOf(notes, hash[:2]); e != nil && e.Mode == filemode.Dir {
		var err error
		if folder, err = object.GetTree(r.objects, e.Hash); err != nil {
			return plumbing.ZeroHash, r.missing(err, "the notes")
		}
	}
	before := ""
	for _, e := range []*object.TreeEntry{entryOf(notes, hash), entryOf(folder, hash[2:])} {
		if e == nil || e.Mode == filemode.Dir {
			continue
		}
		said, err := r.content(e.Hash)
		if err != nil {
			return plumbing.ZeroHash, r.missing(err, "a note")
		}
		before += string(said)
	}
	blob := &plumbing.MemoryObject{}
	blob.SetType(plumbing.BlobObject)
	if _, err := blob.Write([]byte(text(before))); err != nil {
		return plumbing.ZeroHash, fault.Wrap(fault.Internal, err, "a note")
	}
	content, err := p.object(blob)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	inFolder, err := p.store(with(folder, object.TreeEntry{Name: hash[2:], Mode: filemode.Regular, Hash: content}))
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return p.store(with(without(notes, hash), object.TreeEntry{Name: hash[:2], Mode: filemode.Dir, Hash: inFolder}))
}

// entryOf is the one of a name; nil where there is none.
func entryOf(t *object.Tree, name string) *object.TreeEntry {
	if i := slices.IndexFunc(t.Entries, func(e object.TreeEntry) bool { return e.Name == name }); i >= 0 {
		return &t.Entries[i]
	}
	return nil
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

func (p *place) store(o object.Object) (plumbing.Hash, error) {
	encoded := &plumbing.MemoryObject{}
	if err := o.Encode(encoded); err != nil {
		return plumbing.ZeroHash, fault.Wrap(fault.Internal, err, "a note")
	}
	return p.object(encoded)
}
