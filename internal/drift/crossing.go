package drift

import "math"

const (
	// effective is the most rows, m n / (m + n) of two samples, of which the tail of Kolmogorov-Smirnov is counted out: of more it is that of so many in
	// the same shares, for there it depends on the shares alone. That makes the p-value larger, by 0.3 of it at most.
	effective = 1000
	// deep is where the limit's tail, 2 exp(-2 λ²), takes the place of what is counted out.
	deep = 1e-9
)

// crossing is the probability, given how many rows are in each cell, that two samples' shares up to a cell differ by so much somewhere: the p-value of
// Kolmogorov-Smirnov. The rows of the smaller sample up to a cell are a Markov chain, of which what has not crossed is followed from cell to cell: Hodges
// 1958, doi 10.1007/BF02589501, with the steps of rows that are alike taken at once (Schröer & Trenkler 1995, doi 10.1016/0167-9473(94)00040-P). So ties
// do not make it too large, and nothing is fitted to it. In the limit of many rows and cells it is 2 exp(-2 λ²), λ² = d² m n / (m + n), which is told
// where it is below 1e-9.
func crossing(rows []pair, d float64) float64 {
	var m, n float64
	for _, p := range rows {
		m, n = m+p.reference, n+p.window
	}
	size := m * n / (m + n)
	if limit := 2 * math.Exp(-2*d*d*size); limit < deep {
		return math.Max(limit, math.SmallestNonzeroFloat64)
	}
	scale := math.Min(1, effective/size)
	all, draw := int64(math.Round((m+n)*scale)), int64(math.Round(math.Min(m, n)*scale))
	w := walk{all: all, draw: draw}
	rest := float64(all - draw)
	// Wide is the distance in units of 1 / (draw rest), a hair less for what is rounded; where rows were left out it is met half a row of these earlier, for
	// there all that is between two rows is at the nearer one.
	w.wide = d*(1-1e-9)*math.Sqrt(size*float64(all)*float64(draw)*rest) - (1-scale)*float64(all)/2
	w.at, w.first = []float64{1}, 0
	until, sum := int64(0), 0.0
	for _, p := range rows {
		sum += p.reference + p.window
		to := min(int64(math.Round(sum*scale)), all)
		w.step(until, to)
		until = to
	}
	return math.Max(math.Min(w.crossed, 1), math.SmallestNonzeroFloat64)
}

// walk is how likely so many rows of the smaller sample are up to a cell, without having crossed before.
type walk struct {
	all, draw int64
	wide      float64
	at, next  []float64
	first     int64 // the rows that at[0] is of
	crossed   float64
}

// step goes on from the rows up to one cell to those up to the next one.
func (w *walk) step(from, to int64) {
	if from == to {
		return
	}
	centre := float64(to) * float64(w.draw)
	low := max(int64(math.Floor((centre-w.wide)/float64(w.all)))+1, 0)
	high := min(int64(math.Ceil((centre+w.wide)/float64(w.all)))-1, w.draw)
	w.next = w.next[:0]
	for range high - low + 1 {
		w.next = append(w.next, 0)
	}
	arrive := func(taken int64, p float64) {
		if taken < low || taken > high {
			w.crossed += p
		} else {
			w.next[taken-low] += p
		}
	}
	for i, weight := range w.at {
		if weight > 0 {
			spread(to-from, w.all-from, w.draw-w.first-int64(i), w.first+int64(i), weight, arrive)
		}
	}
	w.at, w.next, w.first = w.next, w.at, low
}

// spread gives a weight to the numbers of good rows among draw of all, with what there is before, as likely as each is, but for what makes no difference.
func spread(good, all, draw, before int64, weight float64, arrive func(int64, float64)) {
	const least = 1e-18
	low, high := max(0, draw-(all-good)), min(good, draw)
	mode := min(max(int64(float64(draw+1)*(float64(good+1)/float64(all+2))), low), high)
	top := weight * probability(mode, good, all, draw)
	arrive(before+mode, top)
	g, a, d := float64(good), float64(all), float64(draw)
	for k, p := mode, top; k < high && p > least; k++ {
		x := float64(k)
		p *= (g - x) * (d - x) / ((x + 1) * (a - g - d + x + 1))
		arrive(before+k+1, p)
	}
	for k, p := mode, top; k > low && p > least; k-- {
		x := float64(k)
		p *= x * (a - g - d + x) / ((g - x + 1) * (d - x + 1))
		arrive(before+k-1, p)
	}
}
