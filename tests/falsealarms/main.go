// Command falsealarms simulates drift, and its absence, and writes docs/false-alarms.md: how often each statistic sees drift where there is none, and
// where there is some. It ends with exit code 1 where there are more false alarms than allowed.
package main

import (
	"flag"

	"github.com/loanops/loanops/tests/simulation"
)

// shipped is what the page rests on. Nothing was chosen by what its seed brings: trials have others.
var shipped = settings{seed: 20290611, windows: 5000}

// settings are what is simulated: so many windows without drift of each kind of column and size, and a tenth as many with drift.
type settings struct {
	seed    uint64
	windows int
}

func main() {
	s := shipped
	flag.IntVar(&s.windows, "windows", s.windows, "how many windows without drift of each kind of column and size to simulate")
	flag.Uint64Var(&s.seed, "seed", s.seed, "of everything that is drawn; a trial takes another one than that of the page")
	simulation.Main("docs/false-alarms.md", func() (string, error) {
		r := simulate(s)
		_, err := r.verdict()
		return document(r), err
	})
}
