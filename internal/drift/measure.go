package drift

import "math"

// pair is the rows of the reference and of the window in a bin.
type pair struct{ reference, window float64 }

// psi is the population stability index of two samples of m and n rows in the same bins,
//
//	PSI = sum over bins of (q - p) ln(q / p),
//
// which is Jeffreys' divergence (Jeffreys 1946, doi 10.1098/rspa.1946.0056). A bin that is empty in one sample counts as half a row there; one that is
// empty in both is left out.
func psi(bins []pair, m, n float64) float64 {
	s := 0.0
	for _, b := range bins {
		if b.reference+b.window == 0 {
			continue
		}
		s += partOfPSI(b, m, n)
	}
	return math.Max(s, 0)
}

// PartOfPSI is what a bin adds to the PSI of samples of m and n rows, of which it holds these shares, 0 to 1; 0 where a sample has no rows.
func PartOfPSI(reference, window float64, m, n int64) float64 {
	if m == 0 || n == 0 {
		return 0
	}
	return partOfPSI(pair{reference * float64(m), window * float64(n)}, float64(m), float64(n))
}

func partOfPSI(b pair, m, n float64) float64 {
	p, q := max(b.reference, 0.5)/m, max(b.window, 0.5)/n
	return float64((q - p) * math.Log(q/p))
}

// jensenShannon is the divergence of two samples in nats, from 0 to ln 2 (Lin 1991, doi 10.1109/18.61115):
//
//	JS = (sum of p ln(p / h) + sum of q ln(q / h)) / 2,  h = (p + q) / 2.
func jensenShannon(bins []pair, m, n float64) float64 {
	s := 0.0
	for _, b := range bins {
		p, q := b.reference/m, b.window/n
		if p > 0 {
			s += float64(p * math.Log(2*p/(p+q)))
		}
		if q > 0 {
			s += float64(q * math.Log(2*q/(p+q)))
		}
	}
	return math.Max(s/2, 0)
}

// chiSquared is Pearson's statistic of homogeneity (Pearson 1900, doi 10.1080/14786440009463897):
//
//	X² = m n sum over bins of (p - q)² / (a + b),
//
// a and b being the rows of a bin in either sample.
func chiSquared(bins []pair, m, n float64) float64 {
	s := 0.0
	for _, b := range bins {
		if both := b.reference + b.window; both > 0 {
			d := b.reference/m - b.window/n
			s += d * d / both
		}
	}
	return m * n * s
}

// distances are the Kolmogorov-Smirnov statistic, the largest difference between the two samples' shares of rows up to a point (Smirnov 1939), and the
// Wasserstein distance, the area between these shares (Vallender 1974, doi 10.1137/1118101), of numbers at so many positions,
// which are so wide apart:
//
//	D = max over x of |F(x) - G(x)|,  W = integral of |F(x) - G(x)| dx.
//
// Both are 0 where a sample has no number.
func distances(bins []pair, widths []float64) (ks, wasserstein float64) {
	var m, n float64
	for _, b := range bins {
		m, n = m+b.reference, n+b.window
	}
	if m == 0 || n == 0 {
		return 0, 0
	}
	m, n = 1/m, 1/n
	var f, g float64
	for i, width := range widths {
		f, g = f+bins[i].reference, g+bins[i].window
		d := math.Abs(float64(f*m) - float64(g*n))
		if d > ks {
			ks = d
		}
		wasserstein += float64(d * width)
	}
	return ks, finite(wasserstein)
}
