package profile

import "math"

const (
	// bars of a histogram, and the most different values that have one each.
	bars, maxValues = 20, 24
	// tail is how far beyond the middle 98 % numbers may lie, in ranges of these, before a histogram leaves the tails out.
	tail = 1
)

func histogram(values []value, n *Numbers) Histogram {
	h := Histogram{From: n.Min, To: n.Max, Bars: []Bar{}}
	if middle := n.Q99/2 - n.Q01/2; middle > 0 { // halves, so that no difference leaves the range of float64
		if n.Max/2-n.Q99/2 > tail*middle {
			h.To = n.Q99
		}
		if n.Q01/2-n.Min/2 > tail*middle {
			h.From = n.Q01
		}
	}
	var within []value
	for _, v := range values {
		switch {
		case v.high < h.From:
			h.Below += v.tally.rows()
		case v.low > h.To:
			h.Above += v.tally.rows()
		default:
			within = append(within, v)
		}
	}
	if exact(within) && len(within) <= maxValues {
		for _, v := range within {
			b := Bar{Value: &v.low}
			b.add(v.tally)
			h.Bars = append(h.Bars, b)
		}
		return h
	}
	count := bars
	if whole(within) && h.To-h.From < 1<<40 {
		step := math.Ceil((h.To - h.From + 1) / bars)
		count = int(math.Ceil((h.To - h.From + 1) / step))
		h.To = h.From + step*float64(count)
	}
	h.Bars = make([]Bar, count)
	width := h.To/2 - h.From/2
	for _, v := range within {
		at := 0
		if width > 0 {
			at = int((v.low/4 + v.high/4 - h.From/2) / width * float64(count))
		}
		h.Bars[min(max(at, 0), count-1)].add(v.tally)
	}
	return h
}

// whole says that cells hold whole numbers, by their smallest and largest.
func whole(values []value) bool {
	for _, v := range values {
		if v.low != math.Trunc(v.low) || v.high != math.Trunc(v.high) {
			return false
		}
	}
	return true
}

func (b *Bar) add(t tally) {
	b.Rows += t.rows()
	b.Negative += t[negative]
	b.Positive += t[positive]
}
