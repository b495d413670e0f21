package drift

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// symmetric is the skewness below which a distribution is taken for one that has it.
const symmetric = 0.01

// tail is the p-value of a statistic so far out that hardly a draw is. It begins with the share of draws where these still are enough, at the last one that is
// as far as enough of them, and goes on from there as the tail of a known distribution falls: Knijnenburg et al. 2009, doi 10.1093/bioinformatics/btp211, begin
// there too. What is fitted to all draws is fitted to what most of them are like, and its tail is too light.
func (n *null) tail(i int) float64 {
	drawn := slices.Sorted(slices.Values(n.drawn[i]))
	beyond := n.apart
	if n.names[i] != Wasserstein {
		beyond = pearson(drawn)
	}
	anchor := drawn[len(drawn)-enough]
	first, _ := slices.BinarySearch(drawn, anchor)
	share := float64(len(drawn)-first) / float64(len(drawn)+1)
	falls := beyond(n.observed[i]) / beyond(anchor)
	if !(falls < 1) { // all draws are alike
		return n.counted(i)
	}
	return math.Max(share*falls, math.SmallestNonzeroFloat64)
}

// pearson is the tail of Pearson's distribution of type III, a gamma that is moved, of the mean, the variance and the skewness of some numbers. In the limit
// of many rows the statistics of bins are chi-squared but for a factor, which is one of them.
func pearson(numbers []float64) (beyond func(float64) float64) {
	centre := mean(numbers)
	var squares, cubes float64
	for _, x := range numbers {
		d := x - centre
		squares += float64(d*d) / float64(len(numbers))
		cubes += float64(d*d*d) / float64(len(numbers))
	}
	sd := math.Sqrt(squares)
	if !(sd > 1e-10*math.Abs(centre)) { // what varies is rounding
		return func(float64) float64 { return 1 }
	}
	skewness := math.Max(cubes/(sd*squares), symmetric)
	return func(x float64) float64 {
		return skewed(skewness).Survival(4/(skewness*skewness) + 2/skewness*(x-centre)/sd)
	}
}

// skewed is a gamma of the skewness, whose mean is 4 / skewness² and whose deviation is 2 / skewness.
func skewed(skewness float64) distuv.Gamma {
	return distuv.Gamma{Alpha: 4 / (skewness * skewness), Beta: 1}
}

// apart is how likely the means of both samples are, at no drift, at least so far apart. The Wasserstein distance is never below that, and where it is large
// it is little else: of all ways to be large, to have moved as a whole is by far the likeliest, so that both tails fall alike. The mean of k of N rows has the
// mean, the variance and the third moment
//
//	m,  s² (N-k) / (k (N-1)),  t (N-k) (N-2k) / (k² (N-1) (N-2))
//
// of those of all rows (Cochran 1977, Sampling Techniques, 3rd ed., chapter 2), and is taken for Pearson's type III.
func (n *null) apart(x float64) float64 {
	unit := slices.Max(n.widths) // no square of these overflows
	at := make([]float64, n.values)
	for i, width := range n.widths {
		at[i+1] = at[i] + width/unit
	}
	var all, reference, window, centre float64
	for i, p := range n.rows[:n.values] {
		reference, window = reference+p.reference, window+p.window
		centre += float64(at[i] * (p.reference + p.window))
	}
	all = reference + window
	centre /= all
	var squares, cubes float64
	for i, p := range n.rows[:n.values] {
		d := at[i] - centre
		squares += float64(d*d*(p.reference+p.window)) / all
		cubes += float64(d*d*d*(p.reference+p.window)) / all
	}
	k := math.Min(reference, window)
	variance := squares * (all - k) / (k * (all - 1))
	third := cubes * (all - k) * (all - 2*k) / (k * k * (all - 1) * (all - 2))
	z := x / unit * (all - k) / all / math.Sqrt(variance)
	skewness := math.Abs(third / (variance * math.Sqrt(variance)))
	if skewness < symmetric {
		return 2 * distuv.UnitNormal.Survival(z)
	}
	of := skewed(skewness)
	up, down := of.Survival(of.Alpha+float64(math.Sqrt(of.Alpha)*z)), 0.0
	if far := of.Alpha - float64(math.Sqrt(of.Alpha)*z); far > 0 {
		down = of.CDF(far)
	}
	return up + down
}
