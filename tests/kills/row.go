package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// row is what came of one kill.
type row struct {
	process, step string
	// met says when the kill came: while the step ran, or after it when it was too short to be met.
	met string
	// verdict is the run's, or how else it ended.
	verdict string
	reasons []string
	// recorded says whether traffic is what the record says: yes, or no.
	recorded string
	// failed counts the client's failed requests, unexpected those that the kill does not excuse.
	failed, unexpected int
	// fault is what kept the row from being played to its end.
	fault error
}

// wrong says what is wrong with the row, after a colon; empty when nothing is.
func (r row) wrong() string {
	var wrong []string
	if r.fault != nil {
		wrong = append(wrong, r.fault.Error())
	}
	if !slices.Contains([]string{"promoted", "aborted"}, r.verdict) {
		wrong = append(wrong, "the run neither completed nor aborted")
	}
	if r.met == afterTheRun {
		wrong = append(wrong, "the kill came too late to disturb anything")
	}
	if r.recorded != "yes" {
		wrong = append(wrong, "traffic is not what the record says")
	}
	if r.unexpected > 0 {
		wrong = append(wrong, fmt.Sprintf("%d requests failed that should not", r.unexpected))
	}
	if len(wrong) == 0 {
		return ""
	}
	return ": WRONG: " + strings.Join(wrong, "; ")
}

// printTable writes the rows for people.
func printTable(out io.Writer, rows []row) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PROCESS\tSTEP\tKILLED\tVERDICT\tTRAFFIC AS RECORDED\tFAILED\tUNEXPECTED\t")
	for _, r := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\n", r.process, r.step, r.met, r.verdict, r.recorded, r.failed, r.unexpected, r.wrong())
	}
	_ = w.Flush() // the terminal may be gone
}
