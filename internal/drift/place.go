package drift

import (
	"math"
	"slices"
)

// placer finds the bin of a number: those below the range of the reference, those within, those above, in ascending order.
type placer struct {
	cuts []float64
	// first[k] is the number of cuts that are below every number whose ordered key, without its lowest bits, is base+k. Where cuts are near each
	// other a few steps from there are left.
	first []uint16
	base  uint64
	shift int
}

// tableBits is how much of the keys between the first and the last cut a table tells apart.
const tableBits = 14

func newPlacer(n *NumberBins) *placer {
	below, above := n.outside()
	p := &placer{cuts: slices.Concat(below, n.Cuts, above)}
	low, high := ordered(p.cuts[0]), ordered(p.cuts[len(p.cuts)-1])
	if len(n.Cuts) > 1 { // where the rows are; the others take more steps
		low, high = ordered(n.Cuts[0]), ordered(n.Cuts[len(n.Cuts)-1])
	}
	for (high-low)>>p.shift >= 1<<tableBits {
		p.shift++
	}
	p.base = low >> p.shift
	p.first = make([]uint16, high>>p.shift-p.base+1)
	at := 0
	for k := range p.first {
		for at < len(p.cuts) && ordered(p.cuts[at]) < (p.base+uint64(k))<<p.shift {
			at++
		}
		p.first[k] = uint16(at)
	}
	return p
}

// ordered is a key with the order of the numbers.
func ordered(x float64) uint64 {
	bits := math.Float64bits(x + 0) // -0 is 0
	return bits ^ (uint64(int64(bits)>>63) | 1<<63)
}

// bin is the number of cuts below a number that is not NaN.
func (p *placer) bin(x float64) int {
	k := ordered(x)>>p.shift - p.base
	if k >= uint64(len(p.first)) { // below the table as well, for the difference wraps
		at, _ := slices.BinarySearch(p.cuts, x)
		return at
	}
	at := int(p.first[k])
	for at < len(p.cuts) && p.cuts[at] < x {
		at++
	}
	return at
}

// outside are the cuts on either side of the reference's range, in steps that double.
func (n *NumberBins) outside() (below, above []float64) {
	step := (n.Max/2 - n.Min/2) / 8
	if step == 0 {
		step = math.Max(math.Abs(n.Max), 1) / 16
	}
	for range doublings {
		below, above = append(below, finite(n.Min-step)), append(above, finite(n.Max+step))
		step = finite(2 * step)
	}
	slices.Reverse(below)
	return below, above
}

// finite is the number, or the largest of its sign.
func finite(x float64) float64 {
	return math.Max(-math.MaxFloat64, math.Min(x, math.MaxFloat64))
}

// positions are where the rows of each bin are taken to be: at the mean of the reference's, outside its range at the cut that is nearer to it.
func (n *NumberBins) positions() []float64 {
	below, above := n.outside()
	return slices.Concat(below, n.Means, above)
}

// restOf is the bin among the rests that a value is in, by its hash: FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/.
func restOf(text string) int {
	h := uint32(2166136261)
	for i := range len(text) {
		h = (h ^ uint32(text[i])) * 16777619
	}
	return int(h>>16) % rests
}
