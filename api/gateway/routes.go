package gateway

import (
	"context"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
)

// table is the routes in force. A change replaces them at once; requests under way keep what they chose.
type table struct {
	mu       sync.RWMutex
	choosers map[string]*chooser
	// known is closed once the agent has told routes, be there none.
	known chan struct{}
	once  sync.Once
}

// set takes over the routes of the pipelines that r names; without weights such a one is not served. Of the others the agent knows
// nothing, having lost its state perhaps, which is no reason to stop serving them.
func (t *table) set(r contract.Routes) {
	t.mu.Lock()
	defer t.mu.Unlock()
	choosers := maps.Clone(t.choosers)
	if choosers == nil {
		choosers = map[string]*chooser{}
	}
	for name, route := range r.Pipelines {
		if c := newChooser(route, choosers[name]); c != nil {
			choosers[name] = c
		} else {
			delete(choosers, name)
		}
	}
	t.choosers = choosers
	t.once.Do(func() { close(t.known) })
}

func (t *table) chooser(pipeline string) *chooser {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.choosers[pipeline]
}

const (
	// How long the agent may hold a poll, and how long to wait after a failed one.
	pollWait = 25 * time.Second
	backoff  = 200 * time.Millisecond
	// firstWait is how long a gateway that starts waits for the agent.
	firstWait = 2 * time.Second
)

// AwaitRoutes returns once Follow knows the routes, so that whoever asks a gateway that has just begun to listen is not told that no model serves; without them
// after a moment, to say so.
func (g *Gateway) AwaitRoutes(ctx context.Context) {
	select {
	case <-g.table.known:
	case <-time.After(firstWait):
	case <-ctx.Done():
	}
}

// Follow keeps the routes up to date until ctx ends. While the agent is away, or does not take this gateway's token, the last routes stay in
// force; either is said once.
func (g *Gateway) Follow(ctx context.Context) {
	after, said := int64(-1), fault.Code("")
	for ctx.Err() == nil {
		r, err := g.poll(ctx, after)
		if err != nil {
			if code := fault.CodeOf(err); code != said && ctx.Err() == nil {
				slog.Warn("no routes from the agent; the last routes stay in force", "error", err.Error())
				said = code
			}
			select {
			case <-ctx.Done():
			case <-time.After(backoff):
			}
			continue
		}
		said = ""
		if r.Revision != after {
			g.table.set(r)
			after = r.Revision
		}
	}
}

// poll asks for routes newer than after; asking acknowledges that after is in force.
func (g *Gateway) poll(ctx context.Context, after int64) (contract.Routes, error) {
	ctx, cancel := context.WithTimeout(ctx, pollWait+10*time.Second)
	defer cancel()
	r, err := g.agent.Routes(ctx, g.cfg.Environment, g.cfg.ID, after, pollWait)
	if fault.CodeOf(err) == fault.Unauthorized {
		return r, fault.Wrap(fault.Unauthorized, err, "the agent does not know this gateway: --agent-token-file must name a file with the token of the agent's LOANOPS_GATEWAY_TOKEN_FILE")
	}
	return r, err
}
