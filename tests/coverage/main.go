// Command coverage simulates applicants, models and outcomes, and writes docs/performance-estimates.md: how often the interval of the performance that
// is estimated without labels holds what labels then show, and how often a look finds decay, and a better older version, where there is none and where there is.
package main

import (
	"flag"

	"github.com/loanops/loanops/tests/simulation"
)

func main() {
	times := shipped
	flag.IntVar(&times.covered, "covered", times.covered, "how many windows to estimate on in each cell")
	flag.IntVar(&times.findings, "findings", times.findings, "how many windows to look for decay in")
	flag.IntVar(&times.versions, "versions", times.versions, "how many windows to compare versions in")
	simulation.Main("docs/performance-estimates.md", func() (string, error) { return document(simulate(times), times), nil })
}
