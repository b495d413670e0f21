// Command drills plays every drill of `loanops simulate --drill NAME --stream` on a platform of its own, in a temporary folder, and holds what the
// monitor says of it against what it should say: which verdict, about what, not before when, and what serves afterwards.
//
//	go run ./tests/drills
//	go run ./tests/drills -only bad-champion
//
// Months pass in minutes: a champion is trained as of the last day before the looks, and each look is as of a later one. It prints a table, and ends
// with exit code 1 when a row is wrong.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/loanops/loanops/tests/platformtest"
)

func main() {
	bin := flag.String("bin", "bin", "folder of the built programs")
	spec := flag.String("spec", "tests/specs/stream.yaml", "the spec of streams")
	only := flag.String("only", "", "play only this drill")
	output := flag.String("output", "", "write the rows as JSON to this `file`")
	flag.Parse()
	chosen := slices.DeleteFunc(slices.Clone(drills), func(d drill) bool { return *only != "" && d.name != *only })
	if flag.NArg() > 0 || len(chosen) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	to, err := filepath.Abs(*output) // before the folder is another one
	if err != nil {
		fail(err)
	}
	rows, err := play(*bin, *spec, chosen)
	printTable(os.Stdout, rows)
	if *output != "" {
		err = errors.Join(err, platformtest.WriteRows(to, rows))
	}
	if err != nil {
		fail(err)
	}
	if slices.ContainsFunc(rows, func(r row) bool { return len(r.Wrong) > 0 }) {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "drills:", err)
	os.Exit(1)
}

// play starts a platform and plays the drills, one after the other.
func play(bin, original string, chosen []drill) (rows []row, err error) {
	if bin, err = filepath.Abs(bin); err != nil {
		return nil, err
	}
	template, err := os.ReadFile(original)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "loanops-drills-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	// The platform's worker reads files below the folder in which it is started.
	if err := os.Chdir(dir); err != nil {
		return nil, err
	}
	p := &platformtest.Platform{State: filepath.Join(dir, "state"), Bin: bin}
	if err := p.Start("--no-run"); err != nil {
		return nil, err
	}
	for _, d := range chosen {
		began := time.Now()
		s := &stage{platform: p, drill: d, folder: filepath.Join(dir, d.name), row: newRow(d)}
		if err := s.play(string(template)); err != nil {
			s.wrong("%s", err)
		}
		s.row.Seconds = time.Since(began).Seconds()
		rows = append(rows, s.row)
		platformtest.Say("%s: %s after %s, %.0f s%s", d.name, s.row.Verdict, s.row.delay(), s.row.Seconds, s.row.told())
	}
	return rows, p.Stop()
}
