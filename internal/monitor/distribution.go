package monitor

import (
	"strconv"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
)

// Distribution is the shares of both sides in a feature's bins, for people to see.
type Distribution struct {
	Feature   string    `json:"feature"`
	Bins      []Bin     `json:"bins"`
	Reference []float64 `json:"reference"` // shares, 0 to 1, by bin
	Fresh     []float64 `json:"fresh"`
}

// Bin is what its rows have in common.
type Bin struct {
	Kind  BinKind `json:"kind"`
	Level string  `json:"level,omitempty"` // of OfLevel
	// UpTo is the upper end of OfRange, of three digits: the exact one may lie beside an applicant's value. nil for the last one, which ends where the
	// reference does.
	UpTo *float64 `json:"up_to,omitempty"`
}

// BinKind is which rows a bin holds.
type BinKind string

// The kinds of bins, in their order. The ends of the reference's range are an applicant's values each, so that no bin tells them.
const (
	OfLevel   BinKind = "level"   // with one value of a category
	OfOthers  BinKind = "others"  // with another one
	BelowAll  BinKind = "below"   // with a number below all of the reference
	OfRange   BinKind = "range"   // with a number above the bin before, as far as UpTo
	AboveAll  BinKind = "above"   // with a number above all of the reference
	OfMissing BinKind = "missing" // with none
)

// shownLevels is how many values of a category are shown apart.
const shownLevels = 12

// distributions are those of every feature.
func distributions(b drift.Bins, reference, fresh drift.Counts) []Distribution {
	all := make([]Distribution, len(b.Features))
	for i := range b.Features {
		all[i] = distribution(b.Features[i], reference.Features[i], fresh.Features[i])
	}
	return all
}

func distribution(f drift.FeatureBins, reference, fresh []int64) Distribution {
	d := Distribution{Feature: f.Name}
	var groups []int
	if f.Numbers == nil {
		groups, d.Bins = levelGroups(f.Levels, reference)
	} else {
		groups, d.Bins = numberGroups(f.Numbers, reference)
	}
	d.Reference, d.Fresh = shares(groups, len(d.Bins), reference), shares(groups, len(d.Bins), fresh)
	return d
}

// levelGroups are in which of the bins that are shown each bin of a category is: the most frequent levels, all others, and what is missing.
func levelGroups(levels []string, reference []int64) (groups []int, bins []Bin) {
	groups = make([]int, len(reference))
	for i := range groups {
		groups[i] = -1
		if i < len(levels) && len(bins) < shownLevels && reference[i] >= dataset.LeastNamed {
			groups[i] = len(bins)
			bins = append(bins, Bin{Kind: OfLevel, Level: levels[i]})
		}
	}
	for i := range groups {
		if groups[i] < 0 {
			groups[i] = len(bins)
		}
	}
	groups[len(groups)-1] = len(bins) + 1
	return groups, append(bins, Bin{Kind: OfOthers}, Bin{Kind: OfMissing})
}

// numberGroups are the same of a number: the bins of the PSI, with those below the reference's range, those above it, and what is missing.
func numberGroups(n *drift.NumberBins, reference []int64) (groups []int, bins []Bin) {
	groups, bins = make([]int, len(reference)), []Bin{{Kind: BelowAll}}
	within := len(n.Means)
	outside := (len(groups) - 1 - within) / 2
	before := -1
	for bin, tenth := range n.Tenths(reference)[outside : outside+within] {
		if tenth != before {
			before, bins = tenth, append(bins, Bin{Kind: OfRange})
		}
		last := len(bins) - 1
		bins[last].UpTo = nil
		if bin < len(n.Cuts) {
			bins[last].UpTo = rounded(n.Cuts[bin])
		}
		groups[outside+bin] = last
	}
	for i := range outside {
		groups[outside+within+i] = len(bins)
	}
	groups[len(groups)-1] = len(bins) + 1
	return groups, append(bins, Bin{Kind: AboveAll}, Bin{Kind: OfMissing})
}

func shares(groups []int, n int, counts []int64) []float64 {
	var all int64
	sums := make([]int64, n)
	for bin, rows := range counts {
		all += rows
		sums[groups[bin]] += rows
	}
	out := make([]float64, n)
	for i, rows := range sums {
		if all > 0 {
			out[i] = float64(rows) / float64(all)
		}
	}
	return out
}

// rounded is a number of three digits.
func rounded(x float64) *float64 {
	short, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64) // a number is one
	return &short
}
