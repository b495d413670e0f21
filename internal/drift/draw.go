package drift

import (
	"math"
	"math/rand/v2"
	"sync"
)

// urn holds the rows of two samples together, by cell. Under no drift the rows of one of them are a draw from it without replacement, whatever the
// distribution is: its cells follow the multivariate hypergeometric distribution.
type urn struct {
	cells []int64
	all   int64
	draw  int64
	guide []int32 // the cell that row k*all/len(guide) is in
	until []int64 // rows up to and with a cell
	taken []int64
	rng   *rand.Rand
}

func newUrn(cells []int64, draw int64, seed uint64) *urn {
	u := &urn{cells: cells, draw: draw, taken: make([]int64, len(cells)), until: make([]int64, len(cells)), rng: rand.New(rand.NewPCG(seed, 1))}
	for i, n := range cells {
		u.all += n
		u.until[i] = u.all
	}
	u.guide = make([]int32, 2*len(cells))
	at := int32(0)
	for k := range u.guide {
		for u.until[at] <= int64(k)*u.all/int64(len(u.guide)) {
			at++
		}
		u.guide[k] = at
	}
	return u
}

// next is a draw, valid until the one after.
func (u *urn) next() []int64 {
	if u.draw < 4*int64(len(u.cells)) && 2*u.draw <= u.all {
		u.rowByRow()
	} else {
		u.cellByCell()
	}
	return u.taken
}

// rowByRow takes a cell with the probability of its rows, and takes it again where the row that it stands for has been taken.
func (u *urn) rowByRow() {
	clear(u.taken)
	for n := u.draw; n > 0; {
		row := u.rng.Int64N(u.all)
		cell := u.guide[int(float64(row)/float64(u.all)*float64(len(u.guide)))]
		for u.until[cell] <= row {
			cell++
		}
		for cell > 0 && u.until[cell-1] > row { // where rounding went too far
			cell--
		}
		if u.taken[cell] > 0 && u.rng.Int64N(u.cells[cell]) < u.taken[cell] {
			continue
		}
		u.taken[cell]++
		n--
	}
}

// cellByCell gives each cell its part of what the cells before it have left.
func (u *urn) cellByCell() {
	all, draw := u.all, u.draw
	for i, n := range u.cells {
		u.taken[i] = hypergeometric(u.rng, n, all, draw)
		all, draw = all-n, draw-u.taken[i]
	}
}

// hypergeometric is how many of good rows are among draw of all. Where it varies little it is exact, by inversion from the mode (Kachitvichyanukul &
// Schmeiser 1985, doi 10.1080/00949658508810839); where its variance is above 9, a rounded normal number with its skewness (Cornish & Fisher 1938, doi
// 10.2307/1400905).
func hypergeometric(rng *rand.Rand, good, all, draw int64) int64 {
	low, high := max(0, draw-(all-good)), min(good, draw)
	if low == high {
		return low
	}
	g, a, d := float64(good), float64(all), float64(draw)
	centre := d * (g / a)
	variance := centre * ((a - g) / a) * ((a - d) / (a - 1))
	if variance > 9 {
		z, sd := rng.NormFloat64(), math.Sqrt(variance)
		skewness := (1 - 2*(g/a)) * (1 - 2*(d/a)) / sd
		k := math.Floor(centre + float64(sd*(z+float64(skewness*(z*z-1))/6)) + 0.5)
		return min(max(int64(k), low), high)
	}
	mode := min(max(int64((d+1)*((g+1)/(a+2))), low), high)
	up, down := mode, mode
	p := probability(mode, good, all, draw)
	left, above, below := rng.Float64()-p, p, p
	for left > 0 && (up < high || down > low) {
		if up < high {
			k := float64(up)
			above *= (g - k) * (d - k) / ((k + 1) * (a - g - d + k + 1))
			up++
			if left -= above; left <= 0 {
				return up
			}
		}
		if down > low {
			k := float64(down)
			below *= k * (a - g - d + k) / ((g - k + 1) * (d - k + 1))
			down--
			if left -= below; left <= 0 {
				return down
			}
		}
		if above < 1e-18 && below < 1e-18 { // what is left is rounding
			return mode
		}
	}
	return mode
}

// probability is that of k of good rows among draw of all. Most of a comparison's time is spent here, so that the table is asked for once.
func probability(k, good, all, draw int64) float64 {
	if t := logFactorials(); all < int64(len(t)) {
		return math.Exp(t.choose(good, k) + t.choose(all-good, draw-k) - t.choose(all, draw))
	}
	return math.Exp(logChoose(good, k) + logChoose(all-good, draw-k) - logChoose(all, draw))
}

type logTable [1 << 15]float64

// choose is logChoose of a number in the table.
func (t *logTable) choose(n, k int64) float64 { return t[n] - t[k] - t[n-k] }

// logFactorials are those of small numbers.
var logFactorials = sync.OnceValue(func() *logTable {
	var table logTable
	for i := 2; i < len(table); i++ {
		table[i] = table[i-1] + math.Log(float64(i))
	}
	return &table
})

// logFactorial is ln n!, beyond the table by Stirling's series: DLMF 5.11.1, https://dlmf.nist.gov/5.11.
func logFactorial(n int64) float64 {
	if table := logFactorials(); n < int64(len(table)) {
		return table[n]
	}
	x := float64(n)
	return float64((x+0.5)*math.Log(x)) - x + 0.91893853320467274178 + 1/(12*x) - 1/(360*x*x*x)
}

// logChoose is the logarithm of the number of ways to choose k of n.
func logChoose(n, k int64) float64 { return logFactorial(n) - logFactorial(k) - logFactorial(n-k) }
