package git

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
)

// Merge is the tree that a commit and a branch have together, as a merge request would leave it; nothing is written.
//
// The tree is that of `git merge --no-ff` without following renames: a file that one side moved and the other changed is a conflict here. Attributes
// (.gitattributes) are not looked at. Where the branches have several best common ancestors, git first merges these; here each serves as the base in
// turn, and what they do not agree upon is refused. A conflict is fault.Refused and names the files.
func (r *Repository) Merge(ctx context.Context, ref, into string) (Commit, error) {
	return r.twice(func() (Commit, error) { return r.together(ctx, ref, into) })
}

func (r *Repository) together(ctx context.Context, ref, into string) (Commit, error) {
	found, err := r.find(ctx, true, ref, into)
	if err != nil {
		return Commit{}, err
	}
	theirs, ours := found[0], found[1]
	merged, err := r.merge(ctx, ours, theirs)
	if err != nil {
		return Commit{}, fault.Wrap(fault.Invalid, err, "%s (%.12s) into %s (%.12s)", ref, theirs.Hash, into, ours.Hash)
	}
	tree, err := r.tree(ctx, merged.files, merged.contents)
	if err != nil {
		return Commit{}, err
	}
	c := described(theirs, tree)
	c.Merged = ours.Hash.String()
	if into := ours.Committer.When.UTC(); into.After(c.At) {
		c.At = into
	}
	return c, nil
}

// sides are two trees and the one that both grew from.
type sides struct {
	r                  *Repository
	base, ours, theirs map[string]entry
}

// merged are the files of both, with the contents that neither has.
type merged struct {
	files     map[string]entry
	contents  map[string][]byte
	conflicts []string
}

func (r *Repository) merge(ctx context.Context, ours, theirs *object.Commit) (*merged, error) {
	ourHistory, err := r.history(ctx, ours)
	if err != nil {
		return nil, err
	}
	theirHistory, err := r.history(ctx, theirs)
	if err != nil {
		return nil, err
	}
	common := bases(ourHistory, theirHistory)
	if len(common) == 0 {
		return nil, fault.New(fault.Refused, "they have no commit in common: nothing says what either changed")
	}
	s := sides{r: r}
	if s.ours, err = r.files(ctx, ours.TreeHash); err != nil {
		return nil, err
	}
	if s.theirs, err = r.files(ctx, theirs.TreeHash); err != nil {
		return nil, err
	}
	var agreed *merged
	for _, hash := range common {
		base, err := object.GetCommit(r.objects, hash)
		if err != nil {
			return nil, r.missing(err, "the commit "+hash.String())
		}
		if s.base, err = r.files(ctx, base.TreeHash); err != nil {
			return nil, err
		}
		m, err := s.merge(ctx)
		if err != nil {
			return nil, err
		}
		if agreed != nil && !agreed.same(m) {
			return nil, fault.New(fault.Refused, "they were merged crosswise before, and what comes of them depends on where one begins; merge the target into the branch, and push that")
		}
		agreed = m
	}
	return agreed, nil
}

func (m *merged) same(as *merged) bool {
	return maps.Equal(m.files, as.files) && maps.EqualFunc(m.contents, as.contents, bytes.Equal)
}

func (s sides) merge(ctx context.Context) (*merged, error) {
	m := &merged{files: map[string]entry{}, contents: map[string][]byte{}}
	for _, name := range s.names() {
		if err := ctx.Err(); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "merging")
		}
		if err := s.file(name, m); err != nil {
			return nil, err
		}
	}
	m.overlaps()
	if len(m.conflicts) > 0 {
		return nil, fault.New(fault.Refused, "they do not merge: %s; merge the target into the branch, and push that", strings.Join(few(m.conflicts), "; "))
	}
	return m, nil
}

func (s sides) names() []string {
	all := map[string]bool{}
	for _, files := range []map[string]entry{s.base, s.ours, s.theirs} {
		for name := range files {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// file merges one. Where a file is not, its entry is zero.
func (s sides) file(name string, m *merged) error {
	base, ours, theirs := s.base[name], s.ours[name], s.theirs[name]
	none := entry{}
	take := func(e entry) {
		if e != none {
			m.files[name] = e
		}
	}
	switch {
	case ours == theirs || base == theirs:
		take(ours)
	case base == ours:
		take(theirs)
	case ours == none:
		m.conflict("%s is deleted in the target and changed in the branch", name)
	case theirs == none:
		m.conflict("%s is changed in the target and deleted in the branch", name)
	case !isFile(ours) || !isFile(theirs) || base != none && !isFile(base):
		m.conflict("%s is changed in both, and no file in one", name)
	default:
		return s.both(name, base, ours, theirs, m)
	}
	return nil
}

// both merges a file that both sides changed.
func (s sides) both(name string, base, ours, theirs entry, m *merged) error {
	e := ours
	if base.mode == ours.mode {
		e.mode = theirs.mode
	}
	switch {
	case base == entry{} && ours.hash != theirs.hash:
		m.conflict("%s is added in both, with different contents", name)
		return nil
	case base == entry{}: // the contents are the same, so the modes are not
		m.conflict("%s is added in both, executable in one", name)
		return nil
	case ours.hash == theirs.hash || base.hash == theirs.hash:
	case base.hash == ours.hash:
		e.hash = theirs.hash
	default:
		var contents [3][]byte
		for i, hash := range []plumbing.Hash{base.hash, ours.hash, theirs.hash} {
			size, err := s.r.objects.EncodedObjectSize(hash)
			if err != nil {
				return s.r.missing(err, name)
			}
			if size > maxMergedBytes {
				m.conflict("%s is changed in both, and too large to be merged by lines", name)
				return nil
			}
			if contents[i], err = s.r.content(hash); err != nil {
				return s.r.missing(err, name)
			}
		}
		content, clean := mergeLines(contents[0], contents[1], contents[2])
		if !clean {
			m.conflict("%s is changed in both, in the same lines", name)
			return nil
		}
		m.contents[name] = content
		e.hash = plumbing.ComputeHash(plumbing.BlobObject, content)
	}
	m.files[name] = e
	return nil
}

func isFile(e entry) bool { return e.mode == filemode.Regular || e.mode == filemode.Executable }

func (m *merged) conflict(format, name string) {
	m.conflicts = append(m.conflicts, strings.Replace(format, "%s", OneLine(name, ci.MaxPathBytes), 1))
}

// overlaps finds what is a file on one side and a folder on the other.
func (m *merged) overlaps() {
	for name := range m.files {
		for i, c := range name {
			if _, has := m.files[name[:i]]; c == '/' && has {
				m.conflict("%s is a file in one and a folder in the other", name[:i])
			}
		}
	}
	slices.Sort(m.conflicts)
	m.conflicts = slices.Compact(m.conflicts)
}

// mostNamed bounds how many conflicts a message names.
const mostNamed = 20

func few(conflicts []string) []string {
	if len(conflicts) <= mostNamed {
		return conflicts
	}
	return append(slices.Clone(conflicts[:mostNamed]), "and more")
}
