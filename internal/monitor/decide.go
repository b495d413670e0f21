package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
)

// Verdict is what a look at production comes to.
type Verdict string

// The verdicts.
const (
	Nothing    Verdict = "nothing"
	Alert      Verdict = "alert"       // what people are to be told
	Retrain    Verdict = "retrain"     // a training is started
	RolledBack Verdict = "rolled_back" // an older version serves again, or is on its way
	Review     Verdict = "review"      // nothing is done before a person has looked
)

// Evidence is all that a verdict rests on.
type Evidence struct {
	// Champion is the version that serves; 0 is none.
	Champion int
	// Rows are fresh, of which MinRows are needed to look for drift.
	Rows, MinRows int64
	// Matured is how many of the rows since the champion was made have a label that is final.
	Matured  int64
	Findings []Finding
	// Better is an older version that is better than the champion beyond the noise; nil is none.
	Better *Better
	// Changing says why what serves must not be changed now; empty: it may.
	Changing string
	// Held says why no monitor may start a training now; empty: it may.
	Held string
}

// Better is an older version that predicts better on the same rows.
type Better struct {
	serving.Track
	// Basis is labels, or estimate where no label has matured.
	Basis string `json:"basis"`
	// Message says by how much, with its interval.
	Message string `json:"message"`
}

// Decision is the verdict and why.
type Decision struct {
	Verdict Verdict
	Reasons []string
	// HeldBack is what the verdict would be if nothing kept it from being done; empty where nothing does.
	HeldBack Verdict
	// NewData says of a training that nothing asks for it but rows to learn from.
	NewData bool
	// About names what the verdict is about, each once: the findings that something is done about, by their kinds and features, and the version that
	// is brought back. The same verdict about the same is no news.
	About []string
}

// rule gives its verdict where it applies. because says why, before the findings.
type rule struct {
	name    string
	applies func(pipeline.MonitorOn, Evidence) bool
	verdict Verdict
	because func(Evidence) string
}

// rules are all that decides: the first that applies.
var rules = []rule{
	{"no champion", func(_ pipeline.MonitorOn, e Evidence) bool { return e.Champion == 0 }, Nothing,
		func(Evidence) string { return "there is no champion to look at" }},
	{"another meaning", func(_ pipeline.MonitorOn, e Evidence) bool {
		return slices.ContainsFunc(e.Findings, func(f Finding) bool { return f.Meaning })
	}, Review,
		func(Evidence) string {
			return "the data do not mean what they did: neither another model nor a training mends that, a person must look"
		}},
	{"review asked for", asks(pipeline.ReactReview), Review,
		func(Evidence) string { return "the spec lets a person decide (monitor.on)" }},
	{"better, while it changes", func(on pipeline.MonitorOn, e Evidence) bool { return goesBack(on, e) && e.Changing != "" }, Alert,
		func(e Evidence) string { return e.Better.Message + "; it is not brought back now: " + e.Changing }},
	{"better", goesBack, RolledBack,
		func(e Evidence) string { return e.Better.Message }},
	{"training, held back", func(on pipeline.MonitorOn, e Evidence) bool { return trains(on, e) && e.Held != "" }, Alert,
		func(e Evidence) string { return "a training is held back: " + e.Held }},
	{"training, to learn from new data", onlyNewData, Retrain,
		func(Evidence) string { return "there is enough to learn from that is new" }},
	{"training", trains, Retrain,
		func(Evidence) string { return "no older version is better, so that a new one is trained" }},
	{"alert asked for", asks(pipeline.ReactAlert), Alert,
		func(Evidence) string { return "the spec asks for an alert (monitor.on)" }},
	{"too few rows", func(_ pipeline.MonitorOn, e Evidence) bool { return len(e.Findings) == 0 && e.Rows < e.MinRows }, Nothing,
		func(e Evidence) string {
			return fmt.Sprintf("not enough data: %d fresh rows, %d are wanted (monitor.min_rows); they count in the next look", e.Rows, e.MinRows)
		}},
	{"no matured labels yet", func(_ pipeline.MonitorOn, e Evidence) bool { return len(e.Findings) == 0 && e.Matured == 0 }, Nothing,
		func(Evidence) string {
			return "nothing is found; no label has matured yet, so that performance is estimated only"
		}},
	{"nothing found", func(_ pipeline.MonitorOn, e Evidence) bool { return true }, Nothing,
		func(Evidence) string { return "nothing is found that asks for more" }},
}

// Decide gives the verdict of the first rule that applies. The findings are its reasons.
func Decide(on pipeline.MonitorOn, e Evidence) Decision {
	r := first(on, e)
	d := Decision{Verdict: r.verdict, Reasons: []string{r.because(e)}, NewData: r.verdict == Retrain && onlyNewData(on, e), About: about(on, e, r.verdict)}
	for _, f := range e.Findings {
		if f.Message != d.Reasons[0] {
			d.Reasons = append(d.Reasons, f.Message)
		}
	}
	e.Changing, e.Held = "", ""
	if free := first(on, e).verdict; free != d.Verdict {
		d.HeldBack = free
	}
	return d
}

// first is the first rule that applies.
func first(on pipeline.MonitorOn, e Evidence) rule {
	for _, r := range rules {
		if r.applies(on, e) {
			return r
		}
	}
	panic("monitor: the last rule always applies")
}

func about(on pipeline.MonitorOn, e Evidence, verdict Verdict) []string {
	var things []string
	for _, f := range e.Findings {
		if reactionsOf(on)[f.Kind] != pipeline.ReactNothing || f.Meaning {
			things = append(things, strings.TrimSpace(string(f.Kind)+" "+f.Feature))
		}
	}
	if verdict == RolledBack {
		things = append(things, fmt.Sprintf("version %d", e.Better.Version))
	}
	slices.Sort(things)
	return slices.Compact(things)
}

// asks applies where a kind of which something was found has the reaction.
func asks(reactions ...pipeline.Reaction) func(pipeline.MonitorOn, Evidence) bool {
	return func(on pipeline.MonitorOn, e Evidence) bool {
		return slices.ContainsFunc(e.Findings, func(f Finding) bool { return slices.Contains(reactions, reactionsOf(on)[f.Kind]) })
	}
}

func reactionsOf(on pipeline.MonitorOn) map[Kind]pipeline.Reaction {
	return map[Kind]pipeline.Reaction{OfSchema: on.Schema, OfData: on.DataDrift, OfPredictions: on.PredictionDrift, OfPerformance: on.Performance, OfNewData: on.NewData, OfRequests: on.Requests, OfSkew: on.Skew}
}

// goesBack applies where something asks for a rollback and there is a better version to go back to.
func goesBack(on pipeline.MonitorOn, e Evidence) bool {
	return e.Better != nil && asks(pipeline.ReactRollBack)(on, e)
}

// trains applies where something asks for a training, or for a rollback that would help nothing.
func trains(on pipeline.MonitorOn, e Evidence) bool {
	return asks(pipeline.ReactRetrain, pipeline.ReactRollBack)(on, e)
}

// onlyNewData applies where a training is asked for, and by nothing but new data.
func onlyNewData(on pipeline.MonitorOn, e Evidence) bool {
	others := e
	others.Findings = slices.DeleteFunc(slices.Clone(e.Findings), func(f Finding) bool { return f.Kind == OfNewData })
	return trains(on, e) && !trains(on, others)
}

// Held says why no monitor may start a training now, given when monitors started the earlier ones; empty: it may.
func Held(m pipeline.Monitor, started []time.Time, now time.Time) string {
	cooldown := time.Duration(m.CooldownHours * float64(time.Hour))
	today := 0
	for _, at := range started {
		if ago := now.Sub(at); ago < cooldown {
			return fmt.Sprintf("a monitor started one %s ago, and the cooldown is %s (monitor.cooldown_hours)", ago.Round(time.Second), cooldown)
		}
		if at.UTC().Format(time.DateOnly) == now.UTC().Format(time.DateOnly) {
			today++
		}
	}
	if today >= m.MaxRunsPerDay {
		return fmt.Sprintf("monitors started %d on this day (UTC), and at most %d are wanted (monitor.max_runs_per_day)", today, m.MaxRunsPerDay)
	}
	return ""
}
