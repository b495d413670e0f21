package gateway

import (
	"hash/fnv"
	"maps"
	"sync"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/serving"
)

// chooser shares one pipeline's requests between slots.
type chooser struct {
	mu     sync.Mutex // of the shares' current
	shares []share
	mirror *mirror // nil for none
	// memories are those of every track in a slot, with traffic or without.
	memories map[serving.Track]*memory
}

type share struct {
	track   *track
	weight  int
	current int
}

// track is what runs in a slot.
type track struct {
	slot string
	contract.RouteTrack
	*memory
}

func (t *track) identity() serving.Track {
	return serving.Track{Version: t.ModelVersion, Policy: t.PolicyDigest}
}

// name is what the predictor has to be that answers for the track.
func (t *track) name(pipeline string) string {
	return contract.PredictorName(pipeline, t.ModelVersion, t.PolicyDigest)
}

// newChooser keeps the slots that get traffic, in a fixed order; nil when none does. A slot whose predictor is not there keeps its
// share, and its requests fail: the other slot must not get more than its weight. What is remembered of the mirror that was there before
// (nil: none was) goes on, and of the tracks while the same ones share the traffic: when another one joins, all begin anew, or whom the one had
// answered before would count for the other alone.
func newChooser(route contract.PipelineRoute, before *chooser) *chooser {
	c := &chooser{memories: map[serving.Track]*memory{}}
	if !before.sharedBy(route) {
		before = before.forgetful()
	}
	tracks := map[string]*track{}
	for _, slot := range contract.Slots() {
		tracks[slot] = c.newTrack(slot, route.Tracks[slot], before)
		if weight := route.Weights[slot]; weight > 0 {
			c.shares = append(c.shares, share{track: tracks[slot], weight: weight})
		}
	}
	if len(c.shares) == 0 {
		return nil
	}
	if mirrored := tracks[route.Mirror]; mirrored != nil {
		c.mirror = &mirror{mirrored, newGate(), newGate()}
		if before != nil && before.mirror != nil && before.mirror.identity() == mirrored.identity() {
			c.mirror.clients, c.mirror.platform = before.mirror.clients, before.mirror.platform
		}
	}
	return c
}

// sharedBy reports whether the tracks that get traffic by the route got it before.
func (c *chooser) sharedBy(route contract.PipelineRoute) bool {
	if c == nil {
		return false
	}
	got, get := map[serving.Track]bool{}, map[serving.Track]bool{}
	for _, s := range c.shares {
		got[s.track.identity()] = true
	}
	for slot, weight := range route.Weights {
		if weight > 0 {
			get[(&track{RouteTrack: route.Tracks[slot]}).identity()] = true
		}
	}
	return maps.Equal(got, get)
}

// forgetful is c without what its tracks have answered.
func (c *chooser) forgetful() *chooser {
	if c == nil {
		return nil
	}
	return &chooser{mirror: c.mirror, memories: map[serving.Track]*memory{}}
}

// newTrack is what slot runs, with what the same track before, in whichever slot, remembers.
func (c *chooser) newTrack(slot string, runs contract.RouteTrack, before *chooser) *track {
	t := &track{slot: slot, RouteTrack: runs}
	if t.memory = c.memories[t.identity()]; t.memory == nil && before != nil {
		t.memory = before.memories[t.identity()]
	}
	if t.memory == nil {
		t.memory = &memory{}
	}
	c.memories[t.identity()] = t.memory
	return t
}

// choose returns the track of the next request. A request with an idempotency key keeps its slot while the weights stand; the others
// are dealt out by smooth weighted round-robin, so that even short windows hold the weights exactly.
func (c *chooser) choose(idempotencyKey string) *track {
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
				return s.track
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
	return c.shares[best].track
}

// track is what the slot runs; nil when it gets no traffic.
func (c *chooser) track(slot string) *track {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.shares {
		if s.track.slot == slot {
			return s.track
		}
	}
	return nil
}
