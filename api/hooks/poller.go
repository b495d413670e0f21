package hooks

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/forge"
	"github.com/loanops/loanops/internal/git"
)

// headTimeout bounds one look.
const headTimeout = time.Minute

// Poller looks at the delivered branch of each repository that has an interval, for forges that cannot reach this machine. It remembers nothing: a start is known by its
// Event.ID, which of a look is that of the repository, the branch and the commit. A branch that is set back to a commit that was tested is not tested again.
type Poller struct {
	Repositories []forge.Repository
	// Start is that of the Receiver.
	Start func(context.Context, Event) error
	// Head is the newest commit of a repository's branch. Defaults to forge.Head.
	Head func(context.Context, forge.Repository) (string, error)
}

// Run looks, at once and then at each interval, until the context ends.
func (p Poller) Run(ctx context.Context) error {
	if p.Head == nil {
		p.Head = forge.Head
	}
	var looks errgroup.Group
	for _, r := range p.Repositories {
		if r.Poll > 0 {
			looks.Go(func() error { return p.watch(ctx, r) })
		}
	}
	return looks.Wait()
}

func (p Poller) watch(ctx context.Context, r forge.Repository) error {
	ticker := time.NewTicker(r.Poll)
	defer ticker.Stop()
	var started string // so that not each look asks for a start
	for {
		if commit, err := p.look(ctx, r, started); err == nil {
			started = commit
		} else if ctx.Err() == nil {
			slog.Warn("a look at a repository failed", "repository", r.Name, "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// look starts the tests of the branch's newest commit, unless it is the one that was started, and says which it is.
func (p Poller) look(ctx context.Context, r forge.Repository, started string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	commit, err := p.Head(ctx, r)
	if err != nil || commit == started {
		return commit, err
	}
	err = p.Start(ctx, Event{
		Repository: r.Name, Kind: Push, Ref: git.BranchRef(r.Branch), Branch: r.Branch, Commit: commit, Actor: "poll", At: time.Now(),
	})
	if fault.CodeOf(err) == fault.Conflict {
		err = nil
	}
	return commit, err
}
