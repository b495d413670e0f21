package logit

import "gonum.org/v1/gonum/mat"

// curvature writes the second derivatives of the mean loss at the weights of the last gradient: the sum over rows of p(1-p) x xᵀ, divided by
// their number.
func (o *objective) curvature(h *mat.SymDense) {
	size := 1 + o.width
	o.each(func(p *partial, from, to int) {
		if p.curvature == nil {
			p.curvature = make([]float64, size*(size+1)/2)
		}
		clear(p.curvature)
		s := products{objective: o, h: p.curvature, levels: make([]float64, o.widest())}
		for ; from < to; from += tile {
			s.add(from, min(from+tile, to))
		}
	})
	n := float64(len(o.y))
	at := 0
	for j := range size {
		for k := range j + 1 {
			s := 0.0
			for i := range o.partial {
				s += o.partial[i].curvature[at]
			}
			h.SetSym(j, k, s/n)
			at++
		}
	}
}

// products adds up the products of all pairs of columns over the rows of a stretch.
type products struct {
	*objective
	h        []float64     // the lower triangle, row by row
	weighted [tile]float64 // slopes, times a number
	levels   []float64     // sums by level
}

// row is where a row of a lower triangle begins.
func row(j int) int { return j * (j + 1) / 2 }

// put adds the product of two weights' columns.
func (s *products) put(j, k int, x float64) { s.h[row(max(j, k))+min(j, k)] += x }

func (s *products) add(from, to int) {
	slope := s.slope[from:to]
	s.beside(0, slope, from, 0)
	s.h[0] += sum(slope)
	weighted := s.weighted[:to-from]
	for f, field := range s.fields {
		if field.Numbers != nil {
			for i, x := range field.Numbers[from:to] {
				weighted[i] = float64(slope[i] * x)
			}
			s.beside(1+s.first[f], weighted, from, f)
		}
		if field.Ones == nil {
			continue
		}
		for g := range f {
			if s.fields[g].Ones != nil {
				s.ones(f, g, slope, from)
			}
		}
	}
}

// beside adds the products of weighted rows, those of weight j, with the numbers of the fields from f on and with the ones of all fields; those of
// the intercept, whose rows are weighted by their slopes alone, with the squares of the ones as well, for a one is its own square.
func (s *products) beside(j int, weighted []float64, from, f int) {
	for g, field := range s.fields {
		first := 1 + s.first[g]
		if field.Numbers != nil && g >= f {
			s.put(first, j, dot(weighted, field.Numbers[from:][:len(weighted)]))
		}
		if field.Ones == nil {
			continue
		}
		levels := s.levels[:field.Width]
		clear(levels)
		for i, one := range field.Ones[from:][:len(weighted)] {
			if one >= 0 {
				levels[one] += weighted[i]
			}
		}
		for level, x := range levels {
			if x == 0 {
				continue // as the first column of a number, which is no level
			}
			s.put(first+level, j, x)
			if j == 0 {
				s.put(first+level, first+level, x)
			}
		}
	}
}

// ones adds the products of the ones of two fields, of which g comes before f.
func (s *products) ones(f, g int, slope []float64, from int) {
	mine, theirs := s.fields[f].Ones[from:][:len(slope)], s.fields[g].Ones[from:][:len(slope)]
	first, other := 1+s.first[f], 1+s.first[g]
	for i, one := range mine {
		if them := theirs[i]; one >= 0 && them >= 0 {
			s.h[row(first+int(one))+other+int(them)] += slope[i]
		}
	}
}

// widest is the largest number of columns that a field has.
func (o *objective) widest() int {
	widest := 0
	for _, f := range o.fields {
		widest = max(widest, f.Width)
	}
	return widest
}
