package gateway

import "sync"

// halfSize is how many hashes one half of a recent holds; both take 1.2 MiB at most.
const halfSize = 32 << 10

// recent remembers hashes: one that was added stays known at least until as many others as fill a half were, and twice as many are held at
// most. The zero value is empty. It is safe for concurrent use.
type recent struct {
	mu         sync.Mutex
	young, old map[uint64]struct{}
}

// has reports whether hash is known.
func (r *recent) has(hash uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.known(hash)
}

// add makes hash the youngest and reports whether it was not known.
func (r *recent) add(hash uint64) (isNew bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	isNew = !r.known(hash)
	if _, young := r.young[hash]; young {
		return false
	}
	if r.young == nil || len(r.young) == halfSize {
		r.young, r.old = map[uint64]struct{}{}, r.young
	}
	r.young[hash] = struct{}{}
	return isNew
}

// known is has under the lock.
func (r *recent) known(hash uint64) bool {
	_, young := r.young[hash]
	_, old := r.old[hash]
	return young || old
}
