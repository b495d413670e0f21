package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
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
		if c := newChooser(route); c != nil {
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

// chooser shares one pipeline's requests between slots.
type chooser struct {
	mu     sync.Mutex
	shares []share
}

type share struct {
	slot    string
	track   contract.RouteTrack
	weight  int
	current int
}

// newChooser keeps the slots that get traffic, in a fixed order; nil when none does. A slot whose predictor is not there keeps its
// share, and its requests fail: the other slot must not get more than its weight.
func newChooser(route contract.PipelineRoute) *chooser {
	c := &chooser{}
	for slot, weight := range route.Weights {
		if weight > 0 {
			c.shares = append(c.shares, share{slot: slot, track: route.Tracks[slot], weight: weight})
		}
	}
	if len(c.shares) == 0 {
		return nil
	}
	slices.SortFunc(c.shares, func(a, b share) int { return strings.Compare(a.slot, b.slot) })
	return c
}

// choose returns the slot of the next request. A request with an idempotency key keeps its slot while the weights stand; the others
// are dealt out by smooth weighted round-robin, so that even short windows hold the weights exactly.
func (c *chooser) choose(idempotencyKey string) (slot string, target contract.RouteTrack) {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := 0
	for _, s := range c.shares {
		total += s.weight
	}
	if idempotencyKey != "" {
		h := fnv.New64a()
		_, _ = h.Write([]byte(idempotencyKey)) // never fails
		at := int(h.Sum64() % uint64(total))
		for _, s := range c.shares {
			if at -= s.weight; at < 0 {
				return s.slot, s.track
			}
		}
	}
	best := 0
	for i := range c.shares {
		c.shares[i].current += c.shares[i].weight
		if c.shares[i].current > c.shares[best].current {
			best = i
		}
	}
	c.shares[best].current -= total
	return c.shares[best].slot, c.shares[best].track
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
