package simulate

import (
	"math/rand/v2"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// Drill is a change of the world, or of what is told of it, that somebody should notice.
type Drill struct {
	Name string
	// Does says in a line what changes, for people.
	Does string

	// always: it does not begin on a day, but is a part of the population.
	always bool
	// mix is who applies on a day, and volume how many, where that is other than usual.
	mix    func(day float64) mix
	volume func(day float64, usual int) int
	// become changes what an applicant is. since is how many days ago the drill began; chance is the drill's own, so that it moves nobody else's.
	become func(a *applicant, since float64, chance *rand.Rand)
	// risk is the log-odds of a default in place of applicant.risk; lenders go on as before.
	risk func(a *applicant, years float64) float64
	// write changes what is written of an applicant, of whom it is not true.
	write func(a *applicant, since float64, chance *rand.Rand)
	// column is one that files have since then, with applicant.further.
	column string
	// wrongDays is for how many days outcomes say applicant.wrong, those of the past, which are sent again, as well. Then the true ones are sent.
	wrongDays float64
}

// Drills are all of them, the one that changes nothing first.
var Drills = []Drill{
	{Name: "none", Does: "nothing changes"},
	incomeShock, newCategory, newColumn, unitChange, missingBureau, conceptChange, badChampion, slowLeak, seasonal,
}

// DrillOf is the drill of a name; fault.Invalid lists them for one that is none.
func DrillOf(name string) (Drill, error) {
	names := make([]string, len(Drills))
	for i, d := range Drills {
		if d.Name == name {
			return d, nil
		}
		names[i] = d.Name
	}
	return Drill{}, fault.New(fault.Invalid, "drill %q is not known; known are %s", name, strings.Join(names, ", "))
}
