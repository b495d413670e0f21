package git

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/loanops/loanops/internal/fault"
)

// maxHistory bounds the commits that are looked through for where two branches parted.
const maxHistory = 1_000_000

// history is a commit and all that it grew from, each with its parents.
func (r *Repository) history(ctx context.Context, of *object.Commit) (map[plumbing.Hash][]plumbing.Hash, error) {
	parents := map[plumbing.Hash][]plumbing.Hash{of.Hash: of.ParentHashes}
	open := slices.Clone(of.ParentHashes)
	for len(open) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "reading the history of %s", r.name)
		}
		hash := open[len(open)-1]
		open = open[:len(open)-1]
		if _, seen := parents[hash]; seen {
			continue
		}
		if len(parents) >= maxHistory {
			return nil, fault.New(fault.Invalid, "%s: a history of more than %d commits is not looked through", r.name, maxHistory)
		}
		commit, err := object.GetCommit(r.objects, hash)
		if err != nil {
			return nil, r.missing(err, "the commit "+hash.String())
		}
		parents[hash] = commit.ParentHashes
		open = append(open, commit.ParentHashes...)
	}
	return parents, nil
}

// bases are the best common ancestors of two histories, sorted: those that no other common ancestor grew from. All ancestors of a common one are common,
// so these are the common ones that are no parent of a common one.
//
// object.Commit.MergeBase finds them as well, but takes the older side's history, where it cannot be read to its end, for one that ends there, which gives another
// base, or none; and it can neither be bounded nor ended.
func bases(one, other map[plumbing.Hash][]plumbing.Hash) []plumbing.Hash {
	best := map[plumbing.Hash]bool{}
	for hash := range one {
		if _, common := other[hash]; common {
			best[hash] = true
		}
	}
	for _, hash := range slices.Collect(maps.Keys(best)) {
		for _, parent := range one[hash] {
			best[parent] = false
		}
	}
	maps.DeleteFunc(best, func(_ plumbing.Hash, is bool) bool { return !is })
	return slices.SortedFunc(maps.Keys(best), func(a, b plumbing.Hash) int { return strings.Compare(a.String(), b.String()) })
}
