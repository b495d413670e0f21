// Command falsealarms simulates drift, and its absence, and writes docs/false-alarms.md: how often each statistic sees drift where there is none, and
// where there is some.
package main

import "github.com/loanops/loanops/tests/simulation"

func main() {
	simulation.Main("docs/false-alarms.md", func() (string, error) { return document(simulate()), nil })
}
