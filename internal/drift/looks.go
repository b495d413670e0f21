package drift

import (
	"cmp"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/fault"
)

// Looks remembers what earlier looks at disjoint windows tested and found, as far as the next one needs it: what does not grow with their number. It is
// plain JSON. The zero value has looked at nothing and keeps the share of false discoveries below 5 %.
type Looks struct {
	// Level is the false discovery rate: the largest expected share of false ones among all discoveries, over features and looks. Defaults to 0.05. Where it
	// changes it is that of the looks to come, and over all of them the largest that there was holds.
	Level float64 `json:"level,omitempty"`
	// Allowed is what the levels of the looks so far have allowed them.
	Allowed float64 `json:"allowed"`
	Looks   int     `json:"looks"`
	Found   int     `json:"found"` // discoveries of all of them
	// Spent is by Short, ascending, each once: at most one more than a look has p-values, and a few as a rule.
	Spent []Spent `json:"spent"`
}

// Spent is what those looks have used of the level that were as many discoveries short of the most that they would have had with one more p-value of 0.
type Spent struct {
	Short int     `json:"short"`
	Level float64 `json:"level"` // the sum of their levels, each times that most
}

// Next looks at one p-value of every feature of a new window. It says which features have drifted and what is to be remembered.
//
// It is Batch-BH of Zrnic, Jiang, Ramdas & Jordan 2020, https://arxiv.org/abs/1910.04968: look t is a procedure of Benjamini & Hochberg (1995, doi
// 10.1111/j.2517-6161.1995.tb02031.x) of n features at the level
//
//	α_t = (sum over s ≤ t of α γ_s - sum over s < t of α_s M_s / (M_s + R - R_s)) (n + R) / n,
//
// R_s being the discoveries of look s, M_s the most that it would have had with one more p-value of 0, R all discoveries before, and γ_s = s^-1.6 / ζ(1.6). α is
// the Level at look s, which its authors do not change; what bounds the rate is the first sum.
// So every discovery makes later looks sharper, and looks may go on forever. The second sum needs of earlier looks no more than the sum of α_s M_s for
// each M_s - R_s. The rate holds for independent p-values; that features hang together, and that windows share their reference, is simulated in this
// package's tests. Each p-value must be from 0 to 1, else fault.Invalid.
func (l Looks) Next(p []float64) (drifted []bool, next Looks, err error) {
	for _, x := range p {
		if !(x >= 0 && x <= 1) {
			return nil, l, fault.New(fault.Invalid, "a p-value is %v, it must be from 0 to 1", x)
		}
	}
	drifted = make([]bool, len(p))
	if len(p) == 0 { // a look at nothing is none
		return drifted, l, nil
	}
	l.Allowed += l.share()
	level := l.next(len(p))
	found, most := discoveries(p, level), 0
	for i, x := range p {
		drifted[i] = found > 0 && x <= level*float64(found)/float64(len(p))
		zeroed := slices.Clone(p)
		zeroed[i] = 0
		most = max(most, discoveries(zeroed, level))
	}
	l.Looks++
	l.Found += found
	l.Spent = spend(l.Spent, most-found, level*float64(most))
	return drifted, l, nil
}

// spend adds what a look used.
func spend(spent []Spent, short int, level float64) []Spent {
	spent = slices.Clone(spent)
	at, met := slices.BinarySearchFunc(spent, short, func(s Spent, short int) int { return cmp.Compare(s.Short, short) })
	if !met {
		spent = slices.Insert(spent, at, Spent{Short: short})
	}
	spent[at].Level += level
	return spent
}

// share is the part of the level that the next look is allowed.
func (l Looks) share() float64 {
	level := l.Level
	if level == 0 {
		level = 0.05
	}
	const zeta = 2.2857656656801293 // ζ(1.6)
	return level * math.Pow(float64(l.Looks+1), -1.6) / zeta
}

// next is the level of the look that comes, to which Allowed has its share already.
func (l Looks) next(tested int) float64 {
	left := l.Allowed
	for _, spent := range l.Spent {
		left -= spent.Level / float64(spent.Short+l.Found)
	}
	return math.Min(math.Max(left, 0)*float64(tested+l.Found)/float64(tested), 1)
}

// discoveries is how many p-values Benjamini and Hochberg find at a level.
func discoveries(p []float64, level float64) int {
	sorted := slices.Sorted(slices.Values(p))
	for k := len(sorted); k > 0; k-- {
		if sorted[k-1] <= level*float64(k)/float64(len(sorted)) {
			return k
		}
	}
	return 0
}
