package monitor

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/serving"
)

// standard is what a spec says that says nothing.
var standard = pipeline.MonitorOn{
	Schema: pipeline.ReactRetrain, DataDrift: pipeline.ReactRetrain, PredictionDrift: pipeline.ReactRollBack, Performance: pipeline.ReactRollBack,
	NewData: pipeline.ReactRetrain, Requests: pipeline.ReactAlert,
}

// every reacts to each kind in one way.
func every(r pipeline.Reaction) pipeline.MonitorOn {
	return pipeline.MonitorOn{Schema: r, DataDrift: r, PredictionDrift: r, Performance: r, NewData: r, Requests: r}
}

func finds(kinds ...Kind) (findings []Finding) {
	for _, kind := range kinds {
		findings = append(findings, Finding{Kind: kind, Message: "found " + string(kind)})
	}
	return findings
}

// A row for each rule, and for each two rules between which their order decides. Wanted by hand, from what a spec's reader expects.
func TestDecide(t *testing.T) {
	t.Parallel()
	better := &Better{Track: serving.Track{Version: 1}, Basis: "labels", Message: "version 1 is better"}
	meaning := append(finds(OfData), Finding{Kind: OfSchema, Message: "income is 1/12 of what it was", Meaning: true})
	met := map[string]bool{}
	for _, test := range []struct {
		name string
		on   pipeline.MonitorOn
		e    Evidence
		want Verdict
		says []string
	}{
		{"no champion", standard, Evidence{Findings: meaning}, Nothing, []string{"there is no champion"}},
		{"another meaning", standard, Evidence{Champion: 2, Findings: meaning}, Review, []string{"a person must look", "found data_drift", "1/12"}},
		{"another meaning is never ignored", every(pipeline.ReactNothing), Evidence{Champion: 2, Findings: meaning}, Review, nil},
		{"another meaning stops a rollback", standard, Evidence{Champion: 2, Findings: append(finds(OfPerformance), meaning...), Better: better}, Review, nil},
		{"review asked for", every(pipeline.ReactReview), Evidence{Champion: 2, Findings: finds(OfSchema)}, Review, []string{"monitor.on"}},
		{"review of one kind stops a rollback for another", pipeline.MonitorOn{DataDrift: pipeline.ReactReview, Performance: pipeline.ReactRollBack},
			Evidence{Champion: 2, Findings: finds(OfData, OfPerformance), Better: better}, Review, nil},
		{"a better version", standard, Evidence{Champion: 2, Findings: finds(OfPerformance), Better: better}, RolledBack, []string{"version 1 is better"}},
		{"a better version that is found says so once", standard, Evidence{Champion: 2, Findings: []Finding{{Kind: OfPerformance, Message: better.Message}}, Better: better}, RolledBack, nil},
		{"a better version, and drift that asks for a training", standard, Evidence{Champion: 2, Findings: finds(OfData, OfPerformance), Better: better}, RolledBack, nil},
		{"a better version while a training is held back", standard, Evidence{Champion: 2, Findings: finds(OfPerformance), Better: better, Held: "h"}, RolledBack, nil},
		{"a better version during a delivery", standard, Evidence{Champion: 2, Findings: finds(OfPerformance), Better: better, Changing: "version 3 is on its way"}, Alert,
			[]string{"version 3 is on its way"}},
		{"a better version, which the spec does not go back to", every(pipeline.ReactRetrain), Evidence{Champion: 2, Findings: finds(OfPerformance), Better: better}, Retrain, nil},
		{"a better version, which is no reason where nothing asks", every(pipeline.ReactNothing), Evidence{Champion: 2, Findings: finds(OfPerformance), Better: better, Rows: 9}, Nothing, nil},
		{"decay and no better version", standard, Evidence{Champion: 2, Findings: finds(OfPerformance)}, Retrain, []string{"no older version is better"}},
		{"new columns", standard, Evidence{Champion: 2, Findings: finds(OfSchema)}, Retrain, nil},
		{"drift", standard, Evidence{Champion: 2, Findings: finds(OfData)}, Retrain, nil},
		{"drift during a delivery", standard, Evidence{Champion: 2, Findings: finds(OfData), Changing: "c"}, Retrain, nil},
		{"drift within the cooldown", standard, Evidence{Champion: 2, Findings: finds(OfData), Held: "a monitor started one"}, Alert, []string{"held back: a monitor started one"}},
		{"new data", standard, Evidence{Champion: 2, Findings: finds(OfNewData), Matured: 9}, Retrain, []string{"enough to learn from that is new", "found new_data"}},
		{"new data and drift", standard, Evidence{Champion: 2, Findings: finds(OfNewData, OfData)}, Retrain, []string{"no older version is better"}},
		{"new data and a better version", standard, Evidence{Champion: 2, Findings: finds(OfNewData, OfPerformance), Better: better}, RolledBack, nil},
		{"new data are no reason to go back", pipeline.MonitorOn{NewData: pipeline.ReactRetrain}, Evidence{Champion: 2, Findings: finds(OfNewData, OfPerformance), Better: better}, Retrain, []string{"enough to learn from"}},
		{"new data within the cooldown", standard, Evidence{Champion: 2, Findings: finds(OfNewData), Held: "a monitor started one"}, Alert, []string{"held back"}},
		{"new data that are to be told", pipeline.MonitorOn{NewData: pipeline.ReactAlert}, Evidence{Champion: 2, Findings: finds(OfNewData)}, Alert, nil},
		{"new data that a person is to see", pipeline.MonitorOn{NewData: pipeline.ReactReview}, Evidence{Champion: 2, Findings: finds(OfNewData)}, Review, nil},
		{"new data that are to be ignored", pipeline.MonitorOn{NewData: pipeline.ReactNothing}, Evidence{Champion: 2, Findings: finds(OfNewData)}, Nothing, nil},
		{"requests that are refused", standard, Evidence{Champion: 2, Findings: finds(OfRequests)}, Alert, []string{"the spec asks for an alert (monitor.on)", "found requests"}},
		{"requests that are refused are no reason to hold back drift's training", standard, Evidence{Champion: 2, Findings: finds(OfRequests, OfData)}, Retrain, nil},
		{"requests that are refused, of which the spec wants a training", pipeline.MonitorOn{Requests: pipeline.ReactRetrain}, Evidence{Champion: 2, Findings: finds(OfRequests)}, Retrain, nil},
		{"drift that is to be told", every(pipeline.ReactAlert), Evidence{Champion: 2, Findings: finds(OfData)}, Alert, nil},
		{"told for one kind, trained for another", pipeline.MonitorOn{DataDrift: pipeline.ReactAlert, Schema: pipeline.ReactRetrain},
			Evidence{Champion: 2, Findings: finds(OfData, OfSchema)}, Retrain, nil},
		{"drift that is to be ignored", every(pipeline.ReactNothing), Evidence{Champion: 2, Rows: 1000, Findings: finds(OfData)}, Nothing, []string{"nothing is found that asks for more", "found data_drift"}},
		{"too few rows", standard, Evidence{Champion: 2, Rows: 499, MinRows: 500}, Nothing, []string{"499 fresh rows, 500 are wanted"}},
		{"too few rows are no reason to ignore what is found", standard, Evidence{Champion: 2, Rows: 1, MinRows: 500, Findings: finds(OfSchema)}, Retrain, nil},
		{"no matured labels yet", standard, Evidence{Champion: 2, Rows: 500, MinRows: 500}, Nothing, []string{"no label has matured yet"}},
		{"nothing found", standard, Evidence{Champion: 2, Rows: 500, MinRows: 500, Matured: 1}, Nothing, []string{"nothing is found that asks for more"}},
	} {
		first := slices.IndexFunc(rules, func(r rule) bool { return r.applies(test.on, test.e) })
		met[rules[first].name] = true
		t.Run(test.name, func(t *testing.T) {
			d := Decide(test.on, test.e)
			require.Equal(t, test.want, d.Verdict, "%v", d.Reasons)
			for _, text := range test.says {
				require.Contains(t, d.Reasons[0]+"\n"+lines(d.Reasons[1:]), text)
			}
			if test.e.Champion > 0 {
				said := []string{d.Reasons[0]}
				for _, f := range test.e.Findings {
					if f.Message != said[0] {
						said = append(said, f.Message)
					}
				}
				require.Equal(t, said, d.Reasons, "every finding is a reason, once")
			}
		})
	}
	require.Len(t, met, len(rules), "every rule decides a case: %v", met)
}

func lines(texts []string) (all string) {
	for _, text := range texts {
		all += text + "\n"
	}
	return all
}

// A training says what asked for it: new data where they alone did. Wanted by hand.
func TestWhatAsksForATraining(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		on   pipeline.MonitorOn
		e    Evidence
		want bool
	}{
		{"new data", standard, Evidence{Champion: 2, Findings: finds(OfNewData)}, true},
		{"drift", standard, Evidence{Champion: 2, Findings: finds(OfData)}, false},
		{"both", standard, Evidence{Champion: 2, Findings: finds(OfNewData, OfData)}, false},
		{"decay that no older version mends", standard, Evidence{Champion: 2, Findings: finds(OfPerformance, OfNewData)}, false},
		{"new data, and drift that asks for nothing", pipeline.MonitorOn{NewData: pipeline.ReactRetrain, DataDrift: pipeline.ReactAlert}, Evidence{Champion: 2, Findings: finds(OfData, OfNewData)}, true},
		{"drift, and new data that ask for nothing", pipeline.MonitorOn{DataDrift: pipeline.ReactRetrain}, Evidence{Champion: 2, Findings: finds(OfData, OfNewData)}, false},
		{"held back", standard, Evidence{Champion: 2, Findings: finds(OfNewData), Held: "h"}, false},
	} {
		require.Equal(t, test.want, Decide(test.on, test.e).NewData, test.name)
	}
}

// Wanted by hand.
func TestNewData(t *testing.T) {
	t.Parallel()
	require.Empty(t, NewData(pipeline.Monitor{}, 1_000_000), "0 is never")
	require.Empty(t, NewData(pipeline.Monitor{NewRows: 100}, 99))
	found := NewData(pipeline.Monitor{NewRows: 100}, 100)
	require.Len(t, found, 1)
	require.Contains(t, found[0].Message, "100 rows with a final label")
	found[0].Message = ""
	require.Equal(t, []Finding{{Kind: OfNewData, Statistic: "rows", Value: 100, Limit: 100, Rows: 100}}, found, "counted and not tested: no p-value")
}

// Wanted by hand.
// What is held back is said as well: people are told once of what is found again and again.
func TestWhatIsHeldBack(t *testing.T) {
	t.Parallel()
	better := &Better{Track: serving.Track{Version: 1}, Message: "version 1 is better"}
	for _, test := range []struct {
		e    Evidence
		want Verdict
	}{
		{Evidence{Champion: 2, Findings: finds(OfData), Held: "h"}, Retrain},
		{Evidence{Champion: 2, Findings: finds(OfData)}, ""},
		{Evidence{Champion: 2, Findings: finds(OfPerformance), Better: better, Changing: "c"}, RolledBack},
		{Evidence{Champion: 2, Findings: finds(OfPerformance), Better: better, Held: "h"}, ""},
		{Evidence{Champion: 2, Rows: 9, Held: "h", Changing: "c"}, ""},
	} {
		require.Equal(t, test.want, Decide(standard, test.e).HeldBack, "%+v", test.e)
	}
}

func TestHeld(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	ago := func(hours ...float64) (at []time.Time) {
		for _, h := range hours {
			at = append(at, now.Add(-time.Duration(h*float64(time.Hour))))
		}
		return at
	}
	for _, test := range []struct {
		cooldown float64
		most     int
		started  []time.Time
		says     string
	}{
		{24, 1, nil, ""},
		{24, 1, ago(23.9), "cooldown is 24h0m0s"},
		{24, 1, ago(24), ""},
		{24, 1, ago(100), ""},
		{0, 1, ago(1), "at most 1"},
		{0, 2, ago(1), ""},
		{0, 2, ago(1, 2, 30), "started 2 on this day"},
		{0, 1, ago(12.1), ""}, // shortly before midnight
		{0, 1, ago(12), "at most 1"},
		{20, 1, ago(23.9), ""}, // a look a day trains every day, though none takes as long as the other
		{0, 3, ago(0), ""},
		{0, 0, nil, "at most 0"},
	} {
		got := Held(pipeline.Monitor{CooldownHours: test.cooldown, MaxRunsPerDay: test.most}, test.started, now)
		if test.says == "" {
			require.Empty(t, got, "%+v", test)
		} else {
			require.Contains(t, got, test.says)
		}
	}
}

// What is told once: the findings that something is done about, and the version that comes back.
func TestWhatAVerdictIsAbout(t *testing.T) {
	t.Parallel()
	drift := func(feature string) Finding { return Finding{Kind: OfData, Feature: feature, Message: feature} }
	segment := drift("income")
	segment.Segment = "broker=b"
	for _, test := range []struct {
		name string
		on   pipeline.MonitorOn
		e    Evidence
		want []string
	}{
		{"each once, whatever the order", standard, Evidence{Champion: 2, Findings: []Finding{drift("purpose"), drift("income"), segment}}, []string{"data_drift income", "data_drift purpose"}},
		{"nothing is done about drift", pipeline.MonitorOn{DataDrift: pipeline.ReactNothing, Performance: pipeline.ReactAlert},
			Evidence{Champion: 2, Findings: append(finds(OfPerformance), drift("income"))}, []string{"performance"}},
		{"but another meaning is never ignored", every(pipeline.ReactNothing), Evidence{Champion: 2, Findings: []Finding{{Kind: OfSchema, Feature: "income", Meaning: true}}}, []string{"schema income"}},
		{"a version that comes back", standard, Evidence{Champion: 2, Findings: finds(OfPerformance), Better: &Better{Track: serving.Track{Version: 1}}}, []string{"performance", "version 1"}},
		{"nothing", standard, Evidence{Champion: 2}, nil},
	} {
		require.Equal(t, test.want, Decide(test.on, test.e).About, test.name)
	}
}
