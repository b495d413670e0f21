package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// report is what came of it.
type report struct {
	Commit   string    `json:"commit"`
	Steps    []step    `json:"steps"`
	Kills    []kill    `json:"kills"`
	Upgrades []upgrade `json:"upgrades"`
}

// step is one thing that was done, and what it said. Wrong says what should not be so.
type step struct {
	Name    string  `json:"step"`
	Seconds float64 `json:"seconds"`
	Said    string  `json:"said"`
	// Requests are those of clients since the step before, of which Failed were not answered with a decision.
	Requests int    `json:"requests"`
	Failed   int    `json:"failed"`
	Wrong    string `json:"wrong,omitempty"`
}

// kill is what came of the end of one service in the middle of a canary.
type kill struct {
	Service string `json:"service"`
	// How it ended, and came back: docker kill, after which somebody starts it; or its process, after which the engine does.
	How string `json:"how"`
	// BackSeconds is how long it was until it was well again.
	BackSeconds float64 `json:"back_seconds"`
	// Requests are those of clients during the delivery, of which Failed were not answered with a decision, Unexpected of them although the kill does not
	// excuse it.
	Requests   int      `json:"requests"`
	Failed     int      `json:"failed"`
	Unexpected int      `json:"unexpected"`
	Verdict    string   `json:"verdict"`
	Reasons    []string `json:"reasons"`
	Seconds    float64  `json:"seconds"`
	Wrong      string   `json:"wrong,omitempty"`
}

// upgrade is what clients met while a service, or what is before and after all of them, was brought to the next commit.
type upgrade struct {
	What    string  `json:"what"`
	Seconds float64 `json:"seconds"`
	// Requests are decisions that clients asked for, Reads what they asked the feature store.
	Requests    int `json:"requests"`
	Failed      int `json:"failed"`
	Reads       int `json:"reads"`
	ReadsFailed int `json:"reads_failed"`
	// Canary says that one was still analysed when this was done.
	Canary bool   `json:"canary"`
	Wrong  string `json:"wrong,omitempty"`
}

func (r *report) wrong() bool {
	return slices.ContainsFunc(r.Steps, func(s step) bool { return s.Wrong != "" }) || slices.ContainsFunc(r.Kills, func(k kill) bool { return k.Wrong != "" }) ||
		slices.ContainsFunc(r.Upgrades, func(u upgrade) bool { return u.Wrong != "" })
}

// print writes the tables for people.
func (r *report) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(r.Steps) > 0 {
		fmt.Fprintln(w, "STEP\tSECONDS\tREQUESTS\tFAILED\tWHAT CAME OF IT\t")
	}
	for _, s := range r.Steps {
		fmt.Fprintf(w, "%s\t%.1f\t%d\t%d\t%s\t%s\n", s.Name, s.Seconds, s.Requests, s.Failed, s.Said, marked(s.Wrong))
	}
	if len(r.Kills) > 0 {
		fmt.Fprintln(w, "\nKILLED\tHOW\tWELL AGAIN (s)\tREQUESTS\tFAILED\tUNEXPECTED\tTHE CANARY\tDELIVERY (s)\t")
	}
	for _, k := range r.Kills {
		fmt.Fprintf(w, "%s\t%s\t%.1f\t%d\t%d\t%d\t%s\t%.0f\t%s\n", k.Service, k.How, k.BackSeconds, k.Requests, k.Failed, k.Unexpected, k.Verdict, k.Seconds, marked(k.Wrong))
	}
	if len(r.Upgrades) > 0 {
		fmt.Fprintln(w, "\nUPGRADED\tSECONDS\tDECISIONS\tA SECOND\tFAILED\tREADS OF FEATURES\tFAILED\tIN A CANARY\t")
	}
	for _, u := range r.Upgrades {
		fmt.Fprintf(w, "%s\t%.1f\t%d\t%.0f\t%d\t%d\t%d\t%t\t%s\n", u.What, u.Seconds, u.Requests, float64(u.Requests)/u.Seconds, u.Failed, u.Reads, u.ReadsFailed, u.Canary, marked(u.Wrong))
	}
	_ = w.Flush() // the terminal may be gone
}

func marked(wrong string) string {
	if wrong != "" {
		return "WRONG: " + wrong
	}
	return ""
}
