package profile

import "math"

// numbers describes a column of numbers in one pass: moments exactly, quantiles by counting in cells.
//
// A cell is all numbers with the same sign, exponent and leading eight bits of the mantissa, so that whole numbers up to 512 have cells of
// their own and any quantile is right within 0.4 % of itself. The idea is that of DDSketch (doi 10.14778/3352063.3352135), whose logarithm is
// here what the number's own bits say. Counts are added up in any order with the same result.
type numbers struct {
	n        int
	min, max float64
	mean, m2 float64 // Welford's; merged by Chan's formula
	pages    [1 << pageBits]*page
}

const (
	pageBits = 12 // sign and exponent
	cellBits = 8
)

type page [1 << cellBits]uint32

// cellOf orders the numbers: its first pageBits are the page, its next cellBits the cell.
func cellOf(x float64) (in, cell uint64) {
	bits := math.Float64bits(x)
	bits ^= uint64(int64(bits)>>63) | 1<<63 // negative numbers upside down, below the others
	return bits >> (64 - pageBits), bits >> (64 - pageBits - cellBits) & (1<<cellBits - 1)
}

// lower is the smallest number of a cell.
func lower(in, cell int) float64 {
	bits := uint64(in)<<(64-pageBits) | uint64(cell)<<(64-pageBits-cellBits)
	if bits>>63 == 1 {
		return math.Float64frombits(bits &^ (1 << 63))
	}
	return math.Float64frombits(^bits)
}

func (s *numbers) add(x float64) {
	if s.n == 0 || x < s.min {
		s.min = x
	}
	if s.n == 0 || x > s.max {
		s.max = x
	}
	s.n++
	d := x - s.mean
	s.mean += d / float64(s.n)
	s.m2 += float64(d * (x - s.mean))
	in, cell := cellOf(x)
	if s.pages[in] == nil {
		s.pages[in] = new(page)
	}
	s.pages[in][cell]++
}

// merge adds the numbers of the next rows.
func (s *numbers) merge(next *numbers) {
	if next.n == 0 {
		return
	}
	if s.n == 0 {
		*s = *next
		return
	}
	s.min, s.max = min(s.min, next.min), max(s.max, next.max)
	a, b := float64(s.n), float64(next.n)
	d := next.mean - s.mean
	s.mean += d * (b / (a + b))
	s.m2 += next.m2 + d*d*(a*b/(a+b))
	s.n += next.n
	for i, p := range next.pages {
		switch {
		case p == nil:
		case s.pages[i] == nil:
			s.pages[i] = p
		default:
			for cell, count := range p {
				s.pages[i][cell] += count
			}
		}
	}
}

// bins of a histogram.
const bins = 20

func (s *numbers) describe() *Numbers {
	n := &Numbers{Min: s.min, Max: s.max, Mean: s.mean, Histogram: make([]int, bins)}
	if s.n > 1 {
		n.SD = math.Sqrt(s.m2 / float64(s.n-1))
	}
	wanted := []struct {
		rank int // of the number, from 1
		into *float64
	}{{s.rank(0.25), &n.Q25}, {s.rank(0.5), &n.Median}, {s.rank(0.75), &n.Q75}}
	seen := 0
	for in, p := range s.pages {
		if p == nil {
			continue
		}
		for cell, count := range p {
			if count == 0 {
				continue
			}
			x := min(max(lower(in, cell), s.min), s.max)
			seen += int(count)
			for len(wanted) > 0 && seen >= wanted[0].rank {
				*wanted[0].into = x
				wanted = wanted[1:]
			}
			n.Histogram[s.bin(x)] += int(count)
		}
	}
	return n
}

// rank of a quantile: the smallest number with at least that share at or below it.
func (s *numbers) rank(q float64) int { return max(int(math.Ceil(q*float64(s.n))), 1) }

func (s *numbers) bin(x float64) int {
	width := s.max/2 - s.min/2 // halves, so that no difference leaves the range of float64
	if width == 0 {
		return 0
	}
	return min(int((x/2-s.min/2)/width*bins), bins-1)
}
