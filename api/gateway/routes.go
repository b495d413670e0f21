package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// table is the routes in force. A change replaces them at once; requests under way keep what they chose.
type table struct {
	mu       sync.RWMutex
	choosers map[string]*chooser
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
}

func (t *table) chooser(pipeline string) *chooser {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.choosers[pipeline]
}

// How long the agent may hold a poll, and how long to wait after a failed one.
const (
	pollWait = 25 * time.Second
	backoff  = 200 * time.Millisecond
)

// Follow keeps the routes up to date until ctx ends. While the agent is away the last routes stay in force.
func (g *Gateway) Follow(ctx context.Context) {
	after, reachable := int64(-1), true
	for ctx.Err() == nil {
		r, err := g.poll(ctx, after)
		if err != nil {
			if reachable && ctx.Err() == nil {
				slog.Warn("the agent does not answer; the last routes stay in force", "error", err.Error())
			}
			reachable = false
			select {
			case <-ctx.Done():
			case <-time.After(backoff):
			}
			continue
		}
		reachable = true
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
	query := url.Values{"after": {fmt.Sprint(after)}, "wait": {pollWait.String()}, "gateway": {g.cfg.ID}}
	address := fmt.Sprintf("%s/v1/environments/%s/routes?%s", g.cfg.Agent, url.PathEscape(g.cfg.Environment), query.Encode())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return contract.Routes{}, err
	}
	response, err := g.client.Do(request)
	if err != nil {
		return contract.Routes{}, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return contract.Routes{}, fmt.Errorf("the agent answers %s", response.Status)
	}
	var r contract.Routes
	return r, json.NewDecoder(response.Body).Decode(&r)
}
