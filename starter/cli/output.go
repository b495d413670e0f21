package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/loanops/loanops/workflows"
)

// print writes value as JSON, or calls text for people.
func (a *app) print(value any, text func()) error {
	if a.output != "json" {
		text()
		return nil
	}
	encoder := json.NewEncoder(a.out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// table writes rows in aligned columns; the first is the header.
func (a *app) table(rows [][]string) {
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // the terminal may be gone
}

// say writes a line of progress.
func (a *app) say(format string, args ...any) {
	fmt.Fprintf(a.err, format+"\n", args...)
}

// result prints how a workflow ended and turns its verdict into an exit code.
func (a *app) result(r workflows.Result) error {
	err := a.print(r, func() {
		what := "no version" // a refused training registers none
		if r.Model.Version > 0 {
			what = fmt.Sprintf("%s version %d", r.Model.Name, r.Model.Version)
		}
		fmt.Fprintf(a.out, "%s: %s\n", r.Verdict, what)
		for _, reason := range r.Reasons {
			fmt.Fprintf(a.out, "  %s\n", reason)
		}
	})
	if err != nil {
		return err
	}
	if ended := (verdictError{r.Verdict}); ended.code() != exitDone {
		return ended
	}
	return nil
}

// sortedKeys lists a map's keys in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
