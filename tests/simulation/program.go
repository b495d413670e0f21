// Package simulation is what the programs have in common that simulate something and write a page of it in docs, and what holds such a page to its
// program: some of its cells are computed anew.
package simulation

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

// Main is the main function of a program, which has said what flags of its own it has: it writes the page. Where what was simulated is not as it must be
// the page is written all the same, err says what it is, and the exit code is 1.
func Main(page string, document func() (text string, err error)) {
	out := flag.String("out", page, "the file to write")
	flag.Parse()
	text, err := document()
	if err := errors.Join(os.WriteFile(*out, []byte(text), 0o644), err); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
