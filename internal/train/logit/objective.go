package logit

import (
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	// stretches is into how many stretches the rows are cut at most, and minStretch how many rows each has at least. Sums are taken over each by
	// whichever processor has it, and put together in the order of the stretches, so that they have the same bits on any number of processors.
	stretches  = 64
	minStretch = 2048
	// tile is how many rows are taken through all columns at once: their values stay close to the processor.
	tile = 256
)

// objective is the penalised mean loss of a design. It is for one caller at a time.
type objective struct {
	*design
	size    int       // rows of a stretch
	partial []partial // by stretch
	// slope is p(1-p) of each row at the weights of the last gradient.
	slope []float64
}

// partial are the sums of one stretch.
type partial struct {
	loss      float64
	grad      []float64
	curvature []float64 // the lower triangle, row by row
}

func newObjective(d *design) *objective {
	rows := len(d.y)
	size := max(minStretch, (rows+stretches-1)/stretches)
	return &objective{design: d, size: size, partial: make([]partial, (rows+size-1)/size)}
}

// each does every stretch, one per processor at a time.
func (o *objective) each(do func(p *partial, from, to int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(o.partial)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(o.partial); i = int(next.Add(1)) - 1 {
				do(&o.partial[i], i*o.size, min((i+1)*o.size, len(o.y)))
			}
		})
	}
	all.Wait()
}

// at returns the penalised mean loss at w, whose first is the intercept, and, when grad is not nil, its gradient.
func (o *objective) at(w []float64, l2 float64, grad []float64) float64 {
	if grad != nil && o.slope == nil {
		o.slope = make([]float64, len(o.y))
	}
	o.each(func(p *partial, from, to int) {
		if p.grad == nil && grad != nil {
			p.grad = make([]float64, len(w))
		}
		clear(p.grad)
		p.loss = 0
		var z [tile]float64
		for ; from < to; from += tile {
			n := min(tile, to-from)
			o.scores(w, z[:n], from)
			p.loss += o.losses(z[:n], from, grad != nil)
			if grad != nil {
				o.gradient(p.grad, z[:n], from)
			}
		}
	})
	n := float64(len(o.y))
	loss := 0.0
	clear(grad)
	for i := range o.partial {
		loss += o.partial[i].loss
		for j := range grad {
			grad[j] += o.partial[i].grad[j]
		}
	}
	loss /= n
	for j := range grad {
		grad[j] /= n
	}
	for j, weight := range w[1:] {
		loss += float64(l2 / 2 * weight * weight)
		if grad != nil {
			grad[1+j] += float64(l2 * weight)
		}
	}
	return loss
}

// scores writes z = b + w·x of some rows.
func (o *objective) scores(w, z []float64, from int) {
	for i := range z {
		z[i] = w[0]
	}
	for f, field := range o.fields {
		of := w[1+o.first[f]:][:field.Width]
		if field.Numbers != nil {
			x, weight := field.Numbers[from:][:len(z)], of[0]
			for i := range z {
				z[i] += float64(weight * x[i])
			}
		}
		if field.Ones != nil {
			for i, one := range field.Ones[from:][:len(z)] {
				if one >= 0 {
					z[i] += of[one]
				}
			}
		}
	}
}

// losses sums log(1 + exp(z)) - y·z, without overflow. For a gradient it leaves p - y in place of z, and p(1-p) in slope.
func (o *objective) losses(z []float64, from int, forGradient bool) float64 {
	sum := 0.0
	for i, y := range o.y[from:][:len(z)] {
		e := math.Exp(-math.Abs(z[i]))
		sum += math.Log1p(e) + max(z[i], 0) - float64(y*z[i])
		if !forGradient {
			continue
		}
		p, q := 1/(1+e), e/(1+e) // of the likelier class and of the other
		o.slope[from+i] = float64(p * q)
		if z[i] < 0 {
			p = q
		}
		z[i] = p - y
	}
	return sum
}

// gradient adds the residuals times the columns.
func (o *objective) gradient(grad, residual []float64, from int) {
	grad[0] += sum(residual)
	for f, field := range o.fields {
		of := grad[1+o.first[f]:][:field.Width]
		if field.Numbers != nil {
			of[0] += dot(residual, field.Numbers[from:][:len(residual)])
		}
		if field.Ones != nil {
			for i, one := range field.Ones[from:][:len(residual)] {
				if one >= 0 {
					of[one] += residual[i]
				}
			}
		}
	}
}

// dot adds products in four sums, which do not wait for each other.
func dot(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		s0 += float64(a[0] * b[0])
		s1 += float64(a[1] * b[1])
		s2 += float64(a[2] * b[2])
		s3 += float64(a[3] * b[3])
		a, b = a[4:], b[4:]
	}
	for i := range a {
		s0 += float64(a[i] * b[i])
	}
	return s0 + s1 + (s2 + s3)
}

func sum(a []float64) float64 {
	s := 0.0
	for _, x := range a {
		s += x
	}
	return s
}
