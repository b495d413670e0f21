package featuredb

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// Making a transaction durable takes longer than writing rows. So those who post to a view while a transaction is made durable wait, and one of them writes the
// rows of all in the next: as many share one as there is to share, and who is alone waits for nobody.

// maxGroup is how many rows a group takes before it is full: those who wait for it wait for all of them.
const maxGroup = 2000

// groupTimeout is how long a group may take. It is not of the caller who happens to write it: where that one goes, the others stay.
const groupTimeout = 10 * time.Second

// batch is what one caller posts.
type batch struct {
	posted []feature.Posted
	clock  func() feature.Instant
	fold   feature.Fold
	// What became of it, once done is closed.
	appended []feature.Appended
	err      error
	done     chan struct{}
}

// queue is who waits to write rows of one view, in the order in which they came.
type queue struct {
	writer  chan struct{} // holds who writes
	mu      sync.Mutex
	waiting []*batch
}

// queueOf is the view's.
func (s *featureStore) queueOf(view string) *queue {
	q, _ := s.queues.LoadOrStore(view, &queue{writer: make(chan struct{}, 1)})
	return q.(*queue)
}

func (q *queue) join(b *batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, b)
}

// leave is for who waits no longer. What is being written already is written.
func (q *queue) leave(b *batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = slices.DeleteFunc(q.waiting, func(other *batch) bool { return other == b })
}

// take is the next group, the first that wait; none when nobody does.
func (q *queue) take() (group []*batch) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, rows := 0, 0
	for n < len(q.waiting) && (n == 0 || rows+len(q.waiting[n].posted) <= maxGroup) {
		rows += len(q.waiting[n].posted)
		n++
	}
	group = q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	return group
}

// wait returns once a batch is written, by this caller or by another, or its caller has no more time.
func (s *featureStore) wait(ctx context.Context, view string, b *batch) error {
	q := s.queueOf(view)
	q.join(b)
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		q.leave(b)
		return fault.Wrap(fault.Unavailable, ctx.Err(), "waiting to write events")
	case q.writer <- struct{}{}:
		defer func() { <-q.writer }()
	}
	for {
		select {
		case <-b.done:
			return b.err
		default:
			s.writeGroup(context.WithoutCancel(ctx), view, q.take())
		}
	}
}

// writeGroup writes the batches of a group and says so to their callers. One that cannot be folded does not fail the others: then each is written alone.
func (s *featureStore) writeGroup(ctx context.Context, view string, group []*batch) {
	folded, err := s.commitSafely(ctx, view, group)
	for _, b := range group {
		failed := err
		if err != nil && !folded && len(group) > 1 {
			_, failed = s.commitSafely(ctx, view, []*batch{b})
		}
		if failed != nil {
			b.appended, b.err = nil, failed
		}
		close(b.done)
	}
}

// commitSafely is commit for who has callers waiting: a panic in what one of them gave, its clock or its fold, is an error.
func (s *featureStore) commitSafely(ctx context.Context, view string, group []*batch) (folded bool, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			folded, err = false, fault.New(fault.Internal, "panic while events were written: %v\n%s", reason, debug.Stack())
		}
	}()
	return s.commit(ctx, view, group)
}
