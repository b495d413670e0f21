package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// row is what came of a drill.
type row struct {
	Drill string `json:"drill"`
	// Findings are those of the look that decides, each feature and statistic once.
	Findings []string `json:"findings"`
	Verdict  string   `json:"verdict"`
	Wanted   string   `json:"wanted"`
	// Delay is the days from the drill's first one to the first look with that verdict; for one in which nothing is to be found, the days that were looked at.
	Delay int `json:"delay_days"`
	// Training is how that ended which the look started; empty for none.
	Training string `json:"training"`
	// Serves is the version that served afterwards. The champion of the beginning is version 1.
	Serves int    `json:"serves"`
	Reason string `json:"reason"` // of the serving record
	// Requests are those of an outside client, and Failed those without a decision; of bad-champion alone.
	Requests int `json:"requests"`
	Failed   int `json:"failed"`
	// PlanClean says that Terraform had nothing to change afterwards; of bad-champion alone.
	PlanClean bool    `json:"plan_clean"`
	Looks     []look  `json:"looks"`
	Seconds   float64 `json:"seconds"`
	// Wrong says what is not as it should be; empty: the row is right.
	Wrong []string `json:"wrong"`
}

// look is one of the monitor's runs.
type look struct {
	Day     string   `json:"day"`
	Verdict string   `json:"verdict"`
	Reasons []string `json:"reasons"`
}

func newRow(d drill) row {
	return row{Drill: d.name, Wanted: d.verdict, Looks: []look{}, Findings: []string{}, Wrong: []string{}}
}

func (r row) delay() string { return fmt.Sprintf("%d days", r.Delay) }

// told says what is wrong with the row, after a colon; empty when nothing is.
func (r row) told() string {
	if len(r.Wrong) == 0 {
		return ""
	}
	return ": WRONG: " + strings.Join(r.Wrong, "; ")
}

// found takes in what a look found.
func (r *row) found(findings []finding) {
	r.Findings = []string{}
	for _, f := range findings {
		if name := f.name(); !slices.Contains(r.Findings, name) {
			r.Findings = append(r.Findings, name)
		}
	}
}

// shown is how many findings a table has room for.
const shown = 3

// printTable writes the rows for people.
func printTable(out io.Writer, rows []row) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DRILL\tFINDINGS\tVERDICT\tDELAY\tTRAINING\tSERVED AFTERWARDS\tFAILED REQUESTS\tPLAN\t")
	for _, r := range rows {
		findings := slices.Clone(r.Findings[:min(shown, len(r.Findings))])
		if more := len(r.Findings) - len(findings); more > 0 {
			findings = append(findings, fmt.Sprintf("%d more", more))
		}
		failed, plan := "", ""
		if r.PlanClean {
			plan = "clean"
		}
		if r.Requests > 0 {
			failed = fmt.Sprintf("%d of %d", r.Failed, r.Requests)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\tversion %d\t%s\t%s\t%s\n", r.Drill, strings.Join(findings, ", "), r.Verdict, r.delay(), r.Training, r.Serves, failed, plan, strings.TrimPrefix(r.told(), ": "))
	}
	_ = w.Flush() // the terminal may be gone
}
