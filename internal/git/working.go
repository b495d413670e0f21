package git

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/format/index"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
)

// ReadWorking reads the files below a folder as a commit of all of them would hold them: in a work tree of git, or a folder of one, those that git knows, with
// what was changed since, and new ones, but what .gitignore files and .git/info/exclude leave out. Outside of one it is ci.ReadFolder. What a person's own
// settings of git leave out is not. Where git keeps what it knows in a form that go-git does not read (a split or sparse index, one without a digest, SHA-256), what
// is left out decides alone: a file that git knows all the same is missed.
func ReadWorking(dir string) (*ci.Tree, error) {
	at, err := filepath.Abs(dir)
	if err == nil {
		at, err = filepath.EvalSymlinks(at)
	}
	if err != nil {
		return ci.ReadFolder(dir) // which says what is wrong with it
	}
	w, err := workTree(at)
	if err != nil {
		return nil, err
	}
	if w == nil || w.within != "." && !w.comesTo(w.within) { // an ignored folder is no part of the repository around it
		return ci.ReadFolder(dir)
	}
	tree, err := ci.ReadSome(at, func(name string, folder bool) bool { return w.takes(path.Join(w.within, name), folder) })
	if w.failure != nil {
		return nil, w.failure
	}
	return tree, err
}

// working is a work tree that is being read, folder by folder. All paths are from its root.
type working struct {
	root   string
	within string // the folder that is read; "." is the root
	// known are the files that git knows, and the folders in which such files lie; empty where the index is of a form that is not read.
	known map[string]bool
	// ignored are the folders that are left out, but for what git knows in them.
	ignored  map[string]bool
	patterns []pattern
	// failure is the first reason for which what is left out is not known.
	failure error
}

// workTree is the one that a folder lies in, with what is left out down to that folder; nil where it lies in none.
func workTree(dir string) (*working, error) {
	root := dir
	for {
		if _, err := os.Lstat(filepath.Join(root, gogit.GitDirName)); err == nil {
			break
		}
		up := filepath.Dir(root)
		if up == root {
			return nil, nil
		}
		root = up
	}
	own, common, err := administration(root)
	if err != nil {
		return nil, err
	}
	within, err := filepath.Rel(root, dir)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "%s in %s", dir, root)
	}
	w := &working{root: root, within: filepath.ToSlash(within), known: map[string]bool{}, ignored: map[string]bool{}}
	kept, err := stored(own).Index()
	if _, unread := errors.AsType[*fs.PathError](err); unread || errors.Is(err, index.ErrMalformedSignature) { // it is none of any form
		return nil, fault.Wrap(fault.Invalid, err, "%s cannot be read: which files git knows", filepath.Join(own, "index"))
	}
	if err == nil { // else what was read so far may be anything
		w.know(kept)
	}
	w.learn(filepath.Join(common, "info", "exclude"), "")
	w.learn(filepath.Join(root, ".gitignore"), "")
	return w, nil
}

func (w *working) know(kept *index.Index) {
	for _, entry := range kept.Entries {
		for name := entry.Name; name != "." && !w.known[name]; name = path.Dir(name) {
			w.known[name] = true
		}
	}
}

// administration is where git keeps what is about a work tree: its own folder, and the one that it shares with others of the same repository.
func administration(root string) (own, common string, err error) {
	own = filepath.Join(root, gogit.GitDirName)
	pointer, err := os.ReadFile(own)
	if err != nil { // a folder, as it is usual
		return own, own, nil //nolint:nilerr // what cannot be read in it is told then
	}
	to, is := strings.CutPrefix(strings.TrimSpace(string(pointer)), "gitdir: ")
	if !is {
		return "", "", fault.New(fault.Invalid, "%s names no folder of git; \"gitdir: FOLDER\" is wanted", own)
	}
	own = from(root, to)
	shared, err := os.ReadFile(filepath.Join(own, "commondir"))
	if err != nil { // of a submodule
		return own, own, nil //nolint:nilerr // it shares with nobody
	}
	return own, from(own, strings.TrimSpace(string(shared))), nil
}

func from(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

// learn reads the patterns of a file for a folder and all below it. A link is none, as for git.
func (w *working) learn(file, folder string) {
	info, err := os.Lstat(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return
	}
	data, err := os.ReadFile(file)
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	for lines.Scan() {
		if p, is := parsePattern(lines.Text(), folder); is {
			w.patterns = append(w.patterns, p)
		}
	}
	if err = errors.Join(err, lines.Err()); err != nil && w.failure == nil {
		w.failure = fault.Wrap(fault.Invalid, err, "%s cannot be read: what git leaves out", file)
	}
}

// takes says that a commit would hold a file, or something of a folder, and learns what is left out in the folder.
func (w *working) takes(name string, folder bool) bool {
	out := w.ignored[path.Dir(name)] || leftOut(w.patterns, name, folder)
	if (out || folder && w.isRepository(name)) && !w.known[name] {
		return false
	}
	switch {
	case folder && out:
		w.ignored[name] = true
	case folder:
		w.learn(filepath.Join(w.root, filepath.FromSlash(name), ".gitignore"), name)
	}
	return true
}

// isRepository says that a folder in the work tree is a repository of its own: of one that it does not know yet, git would hold the commit and no file.
func (w *working) isRepository(folder string) bool {
	_, err := os.Lstat(filepath.Join(w.root, filepath.FromSlash(folder), gogit.GitDirName))
	return err == nil
}

// comesTo goes down to a folder of the work tree, and says that a commit would hold something of it.
func (w *working) comesTo(folder string) bool {
	parts := strings.Split(folder, "/")
	for n := range parts {
		if !w.takes(strings.Join(parts[:n+1], "/"), true) {
			return false
		}
	}
	return true
}
