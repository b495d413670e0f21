package gateway

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// What is copied of one pipeline's requests, the clients' and the platform's own each, so that a mirror costs about 1 % of the machine and its clients do not feel it: beside
// contract.CopiesPerSecond, of which a single decision takes about 0.2 ms of both processes' time. Beyond it copies are dropped.
const (
	// copyVolume is how many bytes of them per second, or one largest request (copyBurst) at once: a batch takes as much time as its
	// applications one by one, and 128 KiB are about 250 of them.
	copyVolume, copyBurst = 128 << 10, 1 << 20
	// maxCopies is how many are under way at once: more than hang when one of ten does (each for contract.PredictorTimeout), and few
	// for a predictor that answers nothing at all.
	maxCopies = 64
	// maxCopyBytes bounds the memory that they hold.
	maxCopyBytes = 16 << 20
)

// mirror is the track that gets copies of a pipeline's requests. The clients' and the platform's own have gates of their own: the platform asks so
// often that its requests would take every place that a client's could have.
type mirror struct {
	*track
	clients, platform *gate
}

func (m *mirror) gate(synthetic bool) *gate {
	if synthetic {
		return m.platform
	}
	return m.clients
}

// mirror copies a request that a track has served, as first says, to m and counts the pair. It does not wait: the copy has its own time.
func (g *Gateway) mirror(m *mirror, r *request, served *track, first result) {
	if m == nil {
		return
	}
	labels := r.pairLabels(served, m.track)
	if first.code == contract.CodeAbandoned {
		g.metrics.pairs.dropped.WithLabelValues(append(labels, contract.DroppedAbandoned)...).Inc()
		return
	}
	gate := m.gate(r.synthetic)
	if reason := gate.admit(time.Now(), g.application(r, first), len(r.body), !r.synthetic); reason != "" {
		g.metrics.pairs.dropped.WithLabelValues(append(labels, reason)...).Inc()
		return
	}
	g.metrics.pairs.started.WithLabelValues(labels...).Inc()
	go func() {
		defer gate.release(len(r.body))
		q := r.question(m.track)
		q.mirrored = true
		ctx, began := context.Background(), time.Now() // whoever asked may be gone
		answer, err := g.ask(ctx, q)
		g.metrics.pairs.end(labels, first, resultOf(ctx, answer, err, time.Since(began)))
	}()
}

// gate lets copies of one pipeline's requests through, within the limits and the clients' applications once: one client that repeats one
// applicant must not be all that a mirror sees. The platform's own are drawn from a pool that may be small. It is safe for concurrent use.
type gate struct {
	mu              sync.Mutex
	copies, volume  *rate.Limiter
	copied          recent
	underWay, bytes int
}

func newGate() *gate {
	return &gate{copies: rate.NewLimiter(contract.CopiesPerSecond, contract.CopiesPerSecond), volume: rate.NewLimiter(copyVolume, copyBurst)}
}

// admit lets a request of size bytes through at the time now, until release; else it says why not.
func (g *gate) admit(now time.Time, hash uint64, size int, once bool) (reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case once && g.copied.has(hash):
		return contract.DroppedRepeated
	case g.underWay == maxCopies || g.bytes+size > maxCopyBytes:
		return contract.DroppedBusy
	case g.copies.TokensAt(now) < 1 || g.volume.TokensAt(now) < float64(size):
		return contract.DroppedRate
	}
	g.copies.AllowN(now, 1)
	g.volume.AllowN(now, size)
	if once {
		g.copied.add(hash) // what was dropped is not: it may have its turn later
	}
	g.underWay++
	g.bytes += size
	return ""
}

// release ends what admit let through.
func (g *gate) release(size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.underWay--
	g.bytes -= size
}
