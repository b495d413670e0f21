package monitor

import (
	"fmt"

	"github.com/loanops/loanops/internal/drift"
)

// Distribution is the shares of both sides in a feature's bins, for people to see.
type Distribution struct {
	Feature string `json:"feature"`
	// Labels name the bins: values of a category, or the upper ends of numbers.
	Labels    []string  `json:"labels"`
	Reference []float64 `json:"reference"` // shares, 0 to 1
	Fresh     []float64 `json:"fresh"`
}

const (
	// shownLevels is how many values of a category are shown apart, and leastRows of how many rows one must be: rarer ones may name a person.
	shownLevels, leastRows = 12, 5
)

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
	groups, labels := groupsOf(f, reference)
	d.Labels = labels
	d.Reference, d.Fresh = shares(groups, len(labels), reference), shares(groups, len(labels), fresh)
	return d
}

// groupsOf are the bins that are shown together, and what they are called. The last group is what is missing.
func groupsOf(f drift.FeatureBins, reference []int64) (groups []int, labels []string) {
	groups = make([]int, len(reference))
	if f.Numbers == nil {
		for i, level := range f.Levels {
			if len(labels) < shownLevels && reference[i] >= leastRows {
				groups[i] = len(labels)
				labels = append(labels, level)
				continue
			}
			groups[i] = -1
		}
		rest := len(labels)
		labels = append(labels, "others", "missing")
		for i := range groups {
			if i >= len(f.Levels) || groups[i] < 0 {
				groups[i] = rest
			}
		}
		groups[len(groups)-1] = rest + 1
		return groups, labels
	}
	return numberGroups(f.Numbers, reference, groups)
}

// numberGroups are the bins of the PSI, with those below the reference's range, those above it, and what is missing.
func numberGroups(n *drift.NumberBins, reference []int64, groups []int) ([]int, []string) {
	labels := []string{"below"} // of the range, whose ends are a person's values
	within := len(n.Means)
	outside := (len(groups) - 1 - within) / 2
	before := -1
	for bin, tenth := range n.Tenths(reference)[outside : outside+within] {
		if tenth != before {
			before, labels = tenth, append(labels, "")
		}
		last := len(labels) - 1
		labels[last] = "up"
		if bin < len(n.Cuts) {
			labels[last] = "to " + number(n.Cuts[bin])
		}
		groups[outside+bin] = last
	}
	for i := range outside {
		groups[outside+within+i] = len(labels)
	}
	groups[len(groups)-1] = len(labels) + 1
	return groups, append(labels, "above", "missing")
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

// number is a bound for people.
func number(x float64) string { return fmt.Sprintf("%.3g", x) }
