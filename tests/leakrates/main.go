// Command leakrates simulates lending data without leaks and with leaks of graded strength, and writes docs/leak-rates.md: how often package leak
// vetoes what is honest, and how often it finds what leaks.
package main

import (
	"flag"

	"github.com/loanops/loanops/tests/simulation"
)

// counts is how many data sets of each kind are simulated.
type counts struct {
	honest, leaky int
}

// shipped are those that the tables in docs rest on.
var shipped = counts{honest: 200, leaky: 100}

func main() {
	sets := shipped
	flag.IntVar(&sets.honest, "honest", sets.honest, "how many honest data sets of each kind to simulate")
	flag.IntVar(&sets.leaky, "leaky", sets.leaky, "how many data sets with each leak to simulate")
	simulation.Main("docs/leak-rates.md", func() (string, error) { return document(simulate(sets), sets), nil })
}
