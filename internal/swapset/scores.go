package swapset

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/statistics"
)

// Scores is how far the challenger's scores are from the champion's.
type Scores struct {
	// MeanAbsolute is the mean absolute difference of a row's two scores.
	MeanAbsolute float64 `json:"mean_absolute_difference"`
	// KS is the Kolmogorov-Smirnov distance of the two distributions, 0 to 1: 0 does not say that rows keep their scores.
	KS float64 `json:"ks"`
	// Spearman is the rank correlation, -1 to 1: 1 where both rank the rows alike, whatever the calibration. Null where a side gives every row
	// the same score.
	Spearman *float64 `json:"spearman"`
	// Grid is the rows by both scores: cells of at least MinCell rows, by the champion's cell, then the challenger's.
	Grid []Cell `json:"grid"`
}

// GridCells is how many cells the grid has each way; each is 1/GridCells wide, and a score on a bound belongs to the lower cell.
const GridCells = 25

// Cell is rows whose scores lie in one cell of the grid.
type Cell struct {
	Champion   int `json:"champion"`   // from 0
	Challenger int `json:"challenger"` // from 0
	Rows       int `json:"rows"`
}

func compareScores(champion, challenger []decision.Decision) Scores {
	a, b := probabilities(champion), probabilities(challenger)
	scores := Scores{MeanAbsolute: meanAbsolute(a, b), Grid: grid(a, b)}
	if rho, defined := spearman(a, b); defined {
		scores.Spearman = &rho
	}
	slices.Sort(a)
	slices.Sort(b)
	scores.KS = ksDistance(a, b)
	return scores
}

func probabilities(decisions []decision.Decision) []float64 {
	p := make([]float64, len(decisions))
	for i, d := range decisions {
		p[i] = d.Probability
	}
	return p
}

func meanAbsolute(a, b []float64) float64 {
	if len(a) == 0 {
		return 0
	}
	differences := make([]float64, len(a))
	for i := range a {
		differences[i] = math.Abs(a[i] - b[i])
	}
	slices.Sort(differences) // a sum depends on its order, and the rows' must not show
	var sum float64
	for _, d := range differences {
		sum += d
	}
	return sum / float64(len(a))
}

// ksDistance is the largest difference of the empirical distribution functions of two sorted samples of equal size, 0 without any. It counts in
// whole rows, so that equal samples have no distance at all and ties need no tolerance.
func ksDistance(a, b []float64) float64 {
	most := 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		at := min(a[i], b[j])
		for i < len(a) && a[i] == at {
			i++
		}
		for j < len(b) && b[j] == at {
			j++
		}
		most = max(most, i-j, j-i)
	}
	return float64(most) / float64(max(len(a), 1))
}

// spearman is the correlation of the mid-ranks (Spearman 1904, doi 10.2307/1412159). Their sums are of multiples of a quarter, so exact, and the
// order of the rows does not show, up to 300,000 of them.
func spearman(a, b []float64) (rho float64, defined bool) {
	rho = stat.Correlation(statistics.MidRanks(a), statistics.MidRanks(b), nil)
	return rho, !math.IsNaN(rho)
}

// grid counts rows by both scores.
func grid(a, b []float64) []Cell {
	var counts [GridCells][GridCells]int
	for i := range a {
		counts[cellOf(a[i], GridCells)][cellOf(b[i], GridCells)]++
	}
	cells := []Cell{}
	for i := range counts {
		for j, rows := range counts[i] {
			if rows >= MinCell {
				cells = append(cells, Cell{Champion: i, Challenger: j, Rows: rows})
			}
		}
	}
	return cells
}

// cellOf is the first of n cells of [0, 1] whose upper bound, float64(i+1)/n, is at least p.
func cellOf(p float64, n int) int {
	return sort.Search(n-1, func(i int) bool { return p <= float64(i+1)/float64(n) })
}
