// Command leakrates simulates lending data without leaks and with leaks of graded strength, and writes docs/leak-rates.md: how often package leak
// vetoes what is honest, and how often it finds what leaks.
package main

import (
	"flag"
	"fmt"
	"os"
)

// counts is how many data sets of each kind are simulated.
type counts struct {
	honest, leaky int
}

// shipped are those that the tables in docs rest on.
var shipped = counts{honest: 200, leaky: 100}

func main() {
	out := flag.String("out", "docs/leak-rates.md", "the file to write")
	sets := shipped
	flag.IntVar(&sets.honest, "honest", sets.honest, "how many honest data sets of each kind to simulate")
	flag.IntVar(&sets.leaky, "leaky", sets.leaky, "how many data sets with each leak to simulate")
	flag.Parse()
	if err := os.WriteFile(*out, []byte(document(simulate(sets), sets)), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
