package serving

import "slices"

// Earlier are the champions before the newest one to which traffic may go back by itself, the youngest first: each version once, as the track that it was
// champion as last. One that a rollback or an abort took away is none of them before it is made champion again: somebody, or a bake, found it wrong,
// and numbers that say otherwise are for people. What a drill did to a version is not held against it.
func Earlier(history []Record) (earlier []Track) {
	left := map[Track]bool{}
	var before Record
	for _, r := range history {
		if r.Change == RolledBack || r.Change == Aborted {
			for _, t := range before.Tracks() {
				if before.Drill == "" || !Is(before.Challenger, &t) {
					left[t] = true
				}
			}
		}
		if r.Champion != nil {
			delete(left, *r.Champion)
		}
		before = r
	}
	if before.Champion == nil {
		return nil
	}
	seen := map[int]bool{before.Champion.Version: true}
	for _, r := range slices.Backward(history) {
		if r.Champion == nil || seen[r.Champion.Version] {
			continue
		}
		seen[r.Champion.Version] = true
		if !left[*r.Champion] {
			earlier = append(earlier, *r.Champion)
		}
	}
	return earlier
}
