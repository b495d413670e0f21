package git

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
)

const (
	hashDigits   = 40
	leastDigits  = 4 // of a short hash, as git has it
	maxRefBytes  = 250
	maxTagOfTags = 10
	maxSubject   = 200 // runes
)

// find is the commits that the references name, with their histories where these are wanted.
func (r *Repository) find(ctx context.Context, history bool, refs ...string) ([]*object.Commit, error) {
	if r.remote != nil {
		if err := r.bring(ctx, history, refs); err != nil {
			return nil, err
		}
	}
	commits := make([]*object.Commit, len(refs))
	for i, ref := range refs {
		hash, err := r.resolve(ref)
		if err != nil {
			return nil, err
		}
		if commits[i], err = r.commit(ref, hash); err != nil {
			return nil, err
		}
	}
	return commits, nil
}

// Hash is the commit that a reference names in a repository of this machine.
func (r *Repository) Hash(ref string) (string, error) {
	hash, err := r.resolve(ref)
	if err != nil {
		return "", err
	}
	commit, err := r.commit(ref, hash)
	if err != nil {
		return "", err
	}
	return commit.Hash.String(), nil
}

// resolve is the object that a reference names.
func (r *Repository) resolve(ref string) (plumbing.Hash, error) {
	if ref == "" || len(ref) > maxRefBytes || strings.ContainsFunc(ref, unicode.IsControl) {
		return plumbing.ZeroHash, fault.New(fault.Invalid, "a reference of %d bytes: a branch, a tag, a commit's hash or a name such as refs/heads/main is wanted", len(ref))
	}
	if IsHash(ref) {
		return plumbing.NewHash(ref), nil
	}
	hash, err := r.named(ref)
	if err != nil || !hash.IsZero() {
		return hash, err
	}
	if isShortHash(ref) {
		return r.abbreviated(ref)
	}
	return plumbing.ZeroHash, r.unknown(ref)
}

func (r *Repository) unknown(ref string) error {
	return fault.New(fault.NotFound, "%s has no branch, tag or commit %q", r.name, ref)
}

// named is what a branch, a tag or another reference points to; zero where there is none. git takes a tag before a branch of the same name: here nothing
// is tested that was perhaps not meant.
func (r *Repository) named(ref string) (plumbing.Hash, error) {
	names := []string{BranchRef(ref), "refs/tags/" + ref, "refs/remotes/" + ref}
	if strings.HasPrefix(ref, "refs/") || ref == "HEAD" {
		names = []string{ref}
	}
	var found plumbing.Hash
	for _, name := range names {
		to, err := storer.ResolveReference(r.refs, plumbing.ReferenceName(name))
		switch {
		case errors.Is(err, plumbing.ErrReferenceNotFound):
			continue
		case err != nil:
			return plumbing.ZeroHash, fault.New(fault.Invalid, "%q is no reference that %s can have", ref, r.name)
		case !found.IsZero() && found != to.Hash():
			return plumbing.ZeroHash, fault.New(fault.Invalid, "%s has both a branch and a tag %q: say refs/heads/%[2]s or refs/tags/%[2]s", r.name, ref)
		}
		found = to.Hash()
	}
	return found, nil
}

// abbreviated is the one commit whose hash begins so.
func (r *Repository) abbreviated(digits string) (plumbing.Hash, error) {
	digits = strings.ToLower(digits)
	prefix, err := hex.DecodeString(digits[:len(digits)/2*2])
	if err != nil {
		return plumbing.ZeroHash, fault.Wrap(fault.Internal, err, "a short hash")
	}
	candidates, err := r.objects.HashesWithPrefix(prefix)
	if err != nil {
		return plumbing.ZeroHash, fault.Wrap(fault.Invalid, err, "the objects of %s", r.name)
	}
	var found plumbing.Hash
	for _, hash := range candidates {
		if !strings.HasPrefix(hash.String(), digits) || hash == found {
			continue
		}
		if _, err := r.objects.EncodedObject(plumbing.CommitObject, hash); err != nil {
			continue // of another kind
		}
		if !found.IsZero() {
			return plumbing.ZeroHash, fault.New(fault.Invalid, "%s has several commits whose hash begins with %s; write more of it", r.name, digits)
		}
		found = hash
	}
	if found.IsZero() {
		return found, r.unknown(digits)
	}
	return found, nil
}

// commit is the commit that an object is, or that a tag marks.
func (r *Repository) commit(ref string, hash plumbing.Hash) (*object.Commit, error) {
	for range maxTagOfTags {
		of, err := r.objects.EncodedObject(plumbing.AnyObject, hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) && IsHash(ref) {
			return nil, &fault.Error{Code: fault.NotFound, Message: r.unknown(ref).Error(), Cause: err}
		}
		if err != nil {
			return nil, r.missing(err, ref)
		}
		switch of.Type() {
		case plumbing.CommitObject:
			commit, err := object.DecodeCommit(r.objects, of)
			if err != nil {
				return nil, r.missing(err, ref)
			}
			return commit, nil
		case plumbing.TagObject:
			tag, err := object.DecodeTag(r.objects, of)
			if err != nil {
				return nil, r.missing(err, ref)
			}
			hash = tag.Target
		default:
			return nil, fault.New(fault.Invalid, "%q in %s is a %s; a commit is wanted", ref, r.name, of.Type())
		}
	}
	return nil, fault.New(fault.Invalid, "%q in %s is a tag of a tag of a tag; a commit is wanted", ref, r.name)
}

// IsHash says that a text is a commit's whole hash.
func IsHash(text string) bool { return len(text) == hashDigits && isHex(text) }

func isShortHash(ref string) bool {
	return len(ref) >= leastDigits && len(ref) < hashDigits && isHex(ref)
}

func isHex(text string) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF", c) })
}

func described(c *object.Commit, tree *ci.Tree) Commit {
	subject, _, _ := strings.Cut(strings.TrimSpace(c.Message), "\n")
	return Commit{
		Hash: c.Hash.String(), Subject: OneLine(subject, maxSubject), At: c.Committer.When.UTC(), Tree: tree,
	}
}

// OneLine is a text of somebody else's as it can be shown anywhere, with at most so many characters.
func OneLine(text string, most int) string {
	runes := []rune(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, "")))
	return string(runes[:min(len(runes), most)])
}

// IsRef says that a text can be the name of a reference, such as refs/heads/main.
func IsRef(text string) bool {
	return len(text) <= maxRefBytes && plumbing.ReferenceName(text).Validate() == nil
}
