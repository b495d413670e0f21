package git

import "slices"

// diff is a shortest script of lines that turns a into b, by the greedy algorithm of E. W. Myers, "An O(ND) Difference Algorithm and Its Variations",
// Algorithmica 1 (1986), https://doi.org/10.1007/BF01840446. Hunks that are next to each other are one. It gives up beyond maxEdits.
func diff(a, b []int) (hunks []hunk, ok bool) {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA--
		endB--
	}
	trace, ok := furthest(a[start:endA], b[start:endB])
	if !ok {
		return nil, false
	}
	hunks = script(trace, endA-start, endB-start)
	for i := range hunks {
		h := &hunks[i]
		h.from, h.to, h.first, h.last = h.from+start, h.to+start, h.first+start, h.last+start
	}
	return hunks, true
}

// furthest is, for d edits from none to enough, how far into a each diagonal k (place in a less place in b) reaches: trace[d][k+d], k of d's parity.
func furthest(a, b []int) (trace [][]int32, ok bool) {
	for d := 0; d <= min(maxEdits, len(a)+len(b)); d++ {
		reach := make([]int32, 2*d+1)
		for k := -d; k <= d; k += 2 {
			x := 0
			if d > 0 {
				x = entered(trace[d-1], d, k)
			}
			y := x - k
			for x < len(a) && y < len(b) && a[x] == b[y] {
				x++
				y++
			}
			reach[k+d] = int32(x)
			if x >= len(a) && y >= len(b) {
				return append(trace, reach), true
			}
		}
		trace = append(trace, reach)
	}
	return nil, false
}

// entered is the place in a where diagonal k is entered by edit d: by an insertion from the diagonal above, or a deletion from the one below, whichever
// leads further.
func entered(before []int32, d, k int) int {
	if inserts(before, d, k) {
		return int(before[k+1+d-1])
	}
	return int(before[k-1+d-1]) + 1
}

func inserts(before []int32, d, k int) bool {
	return k == -d || k != d && before[k-1+d-1] < before[k+1+d-1]
}

// script follows a trace back from the ends of both texts.
func script(trace [][]int32, x, y int) []hunk {
	var backwards []hunk
	for d := len(trace) - 1; d > 0; d-- {
		k := x - y
		before := trace[d-1]
		at := entered(before, d, k)
		edit := hunk{at, at, at - k, at - k}
		if inserts(before, d, k) {
			edit.first--
		} else {
			edit.from--
		}
		if last := len(backwards) - 1; last >= 0 && backwards[last].from == edit.to && backwards[last].first == edit.last {
			backwards[last].from, backwards[last].first = edit.from, edit.first
		} else {
			backwards = append(backwards, edit)
		}
		x, y = edit.from, edit.first
	}
	slices.Reverse(backwards)
	return backwards
}
