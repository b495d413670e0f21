package activities

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/git"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// CommitInput says which commit to test, and where it is.
type CommitInput struct {
	// Repository is the name of one that the settings know, or a folder that the worker may read.
	Repository string `json:"repository"`
	Ref        string `json:"ref"`
	// Branch is the one that the ref is of, where that is known.
	Branch string `json:"branch,omitempty"`
	// Against is the branch into which the ref is to be merged; empty for none.
	Against string `json:"against,omitempty"`
	// Packed is a commit whose files are in the store already.
	Packed *CommitOutput `json:"packed,omitempty"`
}

// CommitOutput is a commit, or one merged into another, as it is tested.
type CommitOutput struct {
	Commit  string `json:"commit"`           // full hash
	Merged  string `json:"merged,omitempty"` // full hash of the commit into which it was merged; empty for none
	Subject string `json:"subject"`          // first line of its message
	Day     string `json:"day"`              // of the commit, 2006-01-02: what its tests know
	// Tree holds the files.
	Tree artifact.Ref `json:"tree"`
	// Pipeline is the name that the spec has; empty where that cannot be read.
	Pipeline string `json:"pipeline"`
	// Known is the name of the repository in the settings; empty of a folder that they do not name.
	Known string `json:"known,omitempty"`
	// Origin is what the repository is known by whatever the settings call it: its URL, or its folder. Empty of one that they do not name.
	Origin string `json:"origin,omitempty"`
	// Other says that the ref is not the repository's own branch: it is only tested.
	Other bool `json:"other,omitempty"`
}

// Summary names the commit.
func (o CommitOutput) Summary() string {
	if o.Merged != "" {
		return fmt.Sprintf("%.12s merged into %.12s: %s", o.Commit, o.Merged, o.Subject)
	}
	return fmt.Sprintf("%.12s: %s", o.Commit, o.Subject)
}

// Artifacts is the tree.
func (o CommitOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Tree: o.Tree}
}

// Commits fetches what is to be tested.
type Commits struct {
	Objects Objects
	// Places are the folders of this machine in which repositories may be read by whoever starts a workflow.
	Places source.Places
	// Known finds a repository of the settings by its name, or by the folder that it is.
	Known func(name string) (repository forge.Repository, known bool, err error)
	// Folder is for repositories on their way.
	Folder string
}

// Fetch brings a commit's files into the store. One that is dated in days to come is refused: its tests would know labels that nobody knows yet.
func (c *Commits) Fetch(ctx context.Context, in CommitInput) (CommitOutput, error) {
	out, err := c.fetch(ctx, in)
	if err != nil {
		return out, err
	}
	if tomorrow := time.Now().UTC().AddDate(0, 0, 1).Format(pipeline.DateLayout); out.Day > tomorrow {
		return CommitOutput{}, fault.New(fault.Refused, "the commit %.12s is dated %s, a day to come: set the clock by which it was made, and commit again", out.Commit, out.Day)
	}
	return out, nil
}

func (c *Commits) fetch(ctx context.Context, in CommitInput) (CommitOutput, error) {
	known, named, err := c.Known(in.Repository)
	if err != nil {
		return CommitOutput{}, err
	}
	if in.Packed != nil {
		packed, err := c.packed(ctx, *in.Packed, in.Against)
		if err != nil || !named {
			return packed, err
		}
		return c.recognised(ctx, known, packed, in.Branch)
	}
	if in.Ref == "" {
		in.Ref = known.Branch
	}
	if in.Ref == "" {
		return CommitOutput{}, fault.New(fault.Invalid, `"ref" is missing: a branch, a tag or a commit of %s`, in.Repository)
	}
	repository, remove, err := c.open(ctx, in.Repository, known, named)
	if err != nil {
		return CommitOutput{}, err
	}
	defer remove()
	say(ctx, "reading the commit")
	commit, err := ReadCommit(ctx, repository, in.Ref, in.Against)
	if err != nil {
		return CommitOutput{}, err
	}
	out, err := PackCommit(ctx, c.Objects, commit)
	if named {
		out = located(out, known, in.Ref)
	}
	return out, err
}

// located is a commit of a repository that the settings know, of that branch.
func located(commit CommitOutput, known forge.Repository, branch string) CommitOutput {
	commit.Known, commit.Origin = known.Name, known.Origin()
	name, _ := git.BranchOf(branch)
	commit.Other = name != known.Branch
	return commit
}

// open finds the repository: one of the settings, which may name any folder, or a folder that whoever starts a run may have read.
func (c *Commits) open(ctx context.Context, name string, known forge.Repository, named bool) (repository *git.Repository, remove func(), err error) {
	if !named {
		if !filepath.IsAbs(name) {
			return nil, nil, fault.New(fault.NotFound, "no repository %q is known: name one of the settings (LOANOPS_REPOSITORY_<NAME>_URL), or give a folder below LOANOPS_DATA_DIRS, whole from the root", name)
		}
		if err := c.Places.Allow(name); err != nil {
			return nil, nil, err
		}
		repository, err = git.Open(name)
		return repository, func() {}, err
	}
	folder, remove, err := scratch(c.Folder, "clone")
	if err != nil {
		return nil, nil, err
	}
	say(ctx, "fetching the repository")
	if repository, err = forge.Open(ctx, known, folder); err != nil {
		remove()
	}
	return repository, remove, err
}

// packed takes of a commit that somebody else packed what cannot be seen in its files: nothing is told in the name of a repository, and what the pipeline is
// called, the files say.
func (c *Commits) packed(ctx context.Context, commit CommitOutput, against string) (CommitOutput, error) {
	if commit.Tree.Bytes > maxPacked {
		return CommitOutput{}, fault.New(fault.Invalid, `"packed": the files have more than %d MiB`, maxPacked>>20)
	}
	tree, err := getTree(ctx, c.Objects, commit.Tree)
	if err != nil {
		return CommitOutput{}, err
	}
	if (commit.Merged != "") != (against != "") {
		return CommitOutput{}, fault.New(fault.Invalid, `"packed" is a merged commit, and there is no "against", or the reverse`)
	}
	commit.Known, commit.Origin, commit.Pipeline = "", "", PipelineOf(tree)
	if _, err := day("day", commit.Day); err != nil || commit.Day == "" {
		return CommitOutput{}, fault.New(fault.Invalid, `"packed" is a commit as loanops packs it, with the day of the commit`)
	}
	return commit, nil
}

// recognised is a packed commit as the repository of the settings has it, where it has this very one, and as it came where not: a commit is its repository's, whether
// the repository's own hook packed it or a worker fetched it, and nobody's files become a repository's by what they are called.
func (c *Commits) recognised(ctx context.Context, known forge.Repository, packed CommitOutput, branch string) (CommitOutput, error) {
	repository, remove, err := c.open(ctx, known.Name, known, true)
	if err != nil {
		return unlessAway(packed, err)
	}
	defer remove()
	commit, err := ReadCommit(ctx, repository, packed.Commit, packed.Merged)
	if err != nil {
		return unlessAway(packed, err)
	}
	digest, err := commit.Tree.Digest()
	if err != nil || digest != packed.Tree.SHA256 {
		return packed, err
	}
	out, err := PackCommit(ctx, c.Objects, commit)
	if branch == "" { // an operator started it, and names none
		branch = known.Branch
	}
	return located(out, known, branch), err
}

// unlessAway is a packed commit that a repository does not have, and the error of one that cannot be asked now.
func unlessAway(packed CommitOutput, err error) (CommitOutput, error) {
	switch fault.CodeOf(err) {
	case fault.NotFound, fault.Invalid, fault.Refused:
		return packed, nil
	}
	return CommitOutput{}, err
}

// maxPacked bounds a packed tree: its files, and what stands between them.
const maxPacked = ci.MaxTreeBytes + ci.MaxFiles*2048

// PipelineOf is the name that the spec in a tree has; empty where that cannot be read: the first test says why.
func PipelineOf(tree *ci.Tree) string { return ci.NameOf(tree) }

// ReadCommit is a commit of a repository, alone or merged into a branch.
func ReadCommit(ctx context.Context, repository *git.Repository, ref, against string) (git.Commit, error) {
	if against != "" {
		return repository.Merge(ctx, ref, against)
	}
	return repository.Commit(ctx, ref)
}

// PackCommit puts a commit's files into the store.
func PackCommit(ctx context.Context, objects Objects, commit git.Commit) (CommitOutput, error) {
	out := CommitOutput{Commit: commit.Hash, Merged: commit.Merged, Subject: commit.Subject, Day: commit.At.Format(pipeline.DateLayout), Pipeline: PipelineOf(commit.Tree)}
	var err error
	out.Tree, err = PutTree(ctx, objects, commit.Tree)
	return out, err
}
