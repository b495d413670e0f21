package git

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/objfile"

	"github.com/loanops/loanops/internal/fault"
)

// place is a repository's folder, written to so that those who push to it can go on: what is new in it belongs to whom the folder belongs, and is open to those to whom
// the folder of the objects, or core.sharedRepository, opens what git writes.
//
// Nothing follows a link out of the folder, and owners are given to what was opened and not to a name: whoever owns the folder must not lead a process that may
// do more than he to files that are not his.
type place struct {
	root     *os.Root
	name     string // of the repository, in messages
	uid, gid int    // -1 to leave it as it is
	mode     fs.FileMode
}

// place is where a repository of this machine can be written to. fault.Unauthorized where what is written could not be given to its owner.
func (r *Repository) place() (*place, error) {
	root, err := os.OpenRoot(r.objects.Filesystem().Root())
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "the folder of %s", r.name)
	}
	p := &place{root: root, name: r.name}
	if err := p.know(r); err != nil {
		root.Close()
		return nil, err
	}
	return p, nil
}

// know finds out whose the folder is, and whether this process may write there.
func (p *place) know(r *Repository) error {
	folder, err := p.root.Stat(".")
	if err != nil {
		return p.failed(err)
	}
	objects, err := p.root.Stat("objects")
	if err != nil {
		return p.failed(err)
	}
	config, err := r.objects.Config()
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the configuration of %s", p.name)
	}
	p.mode = shared(objects.Mode(), config.Raw.Section("core").Option("sharedRepository"))
	of, known := folder.Sys().(*syscall.Stat_t)
	if !known {
		return fault.New(fault.Unauthorized, "whose %s is cannot be told on this system, so nothing is written into it", p.name)
	}
	self, owner, group := os.Geteuid(), int(of.Uid), int(of.Gid)
	sharing := p.mode&0o020 != 0
	switch {
	case self == 0:
		p.uid, p.gid = owner, group
	case self == owner && !sharing:
		p.uid, p.gid = -1, -1
	case self == owner, sharing && member(group):
		p.uid, p.gid = -1, group
	default:
		return fault.New(fault.Unauthorized, "%s is of another user (uid %d; this process has %d) and not shared with a group of this process: nothing is written into it, for its owner could no longer push. "+
			"Run the worker as that user or as root, or as one of a group that shares it (core.sharedRepository)", p.name, owner, self)
	}
	return nil
}

// member says that this process is of a group.
func member(group int) bool {
	all, err := os.Getgroups()
	return os.Getegid() == group || err == nil && slices.Contains(all, group)
}

// shared is the mode of a new folder: that of the folder of the objects, opened as git opens what it writes by core.sharedRepository
// (https://git-scm.com/docs/git-config#Documentation/git-config.txt-coresharedRepository). A new file is as open.
func shared(objects fs.FileMode, setting string) fs.FileMode {
	mode := objects & (fs.ModePerm | fs.ModeSetgid)
	switch octal, err := strconv.ParseUint(setting, 8, 32); {
	case err == nil && octal > 2: // "0660" instead of what the umask says
		mode = fs.FileMode(octal) & 0o666
	case slices.Contains([]string{"group", "true", "yes", "on", "1"}, strings.ToLower(setting)):
		mode |= 0o660
	case slices.Contains([]string{"all", "world", "everybody", "2"}, strings.ToLower(setting)):
		mode |= 0o664
	default:
		return mode
	}
	if mode&0o060 != 0 {
		mode |= fs.ModeSetgid
	}
	return mode | mode&0o444>>2 // who may read a folder may enter it
}

func (p *place) close() { _ = p.root.Close() } // it was only a place to begin at

// failed is what it means that a file or folder cannot be written. What may not be written now may not be in a moment.
func (p *place) failed(err error) error {
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return fault.Wrap(fault.Unauthorized, err, "this process (uid %d) may not write into %s", os.Geteuid(), p.name)
	}
	return fault.Wrap(fault.Unavailable, err, "writing into %s", p.name)
}

// give makes an opened file or folder the owner's.
func (p *place) give(to *os.File, mode fs.FileMode) error {
	if err := to.Chown(p.uid, p.gid); err != nil {
		return &fs.PathError{Op: "chown", Path: p.name, Err: errors.Join(fs.ErrPermission, err)}
	}
	return to.Chmod(mode)
}

// passing is a name that nothing else has, in the repository's own folder: there git looks for nothing that it does not know.
func passing() string { return ".loanops-" + rand.Text() }

// folder makes a folder, and those on the way to it. It is there with its owner or not at all, for a push may need it at the same time.
func (p *place) folder(name string) error {
	if info, err := p.root.Stat(name); err == nil && info.IsDir() {
		return nil
	}
	if err := p.folder(path.Dir(name)); err != nil {
		return err
	}
	making := passing()
	if err := p.root.Mkdir(making, 0o700); err != nil {
		return p.failed(err)
	}
	made, err := p.root.Open(making)
	if err == nil {
		if info, e := made.Stat(); e != nil || !info.IsDir() {
			err = errors.Join(e, fs.ErrPermission) // somebody put something else there
		} else {
			err = p.give(made, p.mode)
		}
		_ = made.Close()
	}
	if err == nil {
		if err = p.root.Rename(making, name); errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
			_ = p.root.Remove(making)
			return nil // it was made meanwhile, and has something in it
		}
	}
	if err != nil {
		_ = p.root.Remove(making)
		return p.failed(err)
	}
	return nil
}

// file writes one, whole or not at all, and puts it at its name by Rename, or, where it must not be there yet, by Link. The latter's fs.ErrExist is told as it is.
func (p *place) file(name string, content []byte, mode fs.FileMode, fresh bool) error {
	if err := p.folder(path.Dir(name)); err != nil {
		return err
	}
	writing := passing()
	to, err := p.root.OpenFile(writing, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return p.failed(err)
	}
	_, err = to.Write(content)
	err = errors.Join(err, to.Sync())
	if err == nil {
		err = p.give(to, p.mode&mode)
	}
	err = errors.Join(err, to.Close())
	switch {
	case err != nil:
	case fresh:
		if err = p.root.Link(writing, name); errors.Is(err, fs.ErrExist) {
			_ = p.root.Remove(writing)
			return fs.ErrExist
		}
	default:
		if err = p.root.Rename(writing, name); err == nil {
			return nil
		}
	}
	_ = p.root.Remove(writing)
	if err != nil {
		return p.failed(err)
	}
	return nil
}

// object writes one of git's, as git does itself: deflated, and never changed again.
func (p *place) object(of plumbing.EncodedObject) (plumbing.Hash, error) {
	hash := of.Hash()
	name := path.Join("objects", hash.String()[:2], hash.String()[2:])
	if _, err := p.root.Lstat(name); err == nil {
		return hash, nil
	}
	from, err := of.Reader()
	if err != nil {
		return hash, fault.Wrap(fault.Internal, err, "a note")
	}
	defer from.Close()
	var content, deflated bytes.Buffer
	if _, err := content.ReadFrom(from); err != nil {
		return hash, fault.Wrap(fault.Internal, err, "a note")
	}
	w := objfile.NewWriter(&deflated)
	err = w.WriteHeader(of.Type(), of.Size())
	if err == nil {
		_, err = w.Write(content.Bytes())
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return hash, fault.Wrap(fault.Internal, err, "a note")
	}
	return hash, p.file(name, deflated.Bytes(), 0o444, false)
}
