// Command falsealarms simulates drift, and its absence, and writes docs/false-alarms.md: how often each statistic sees drift where there is none, and
// where there is some.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("out", "docs/false-alarms.md", "the file to write")
	flag.Parse()
	if err := os.WriteFile(*out, []byte(document(simulate())), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
