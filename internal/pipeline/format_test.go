package pipeline_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// The defaults are those of docs/reference.md.
func TestEveryDefault(t *testing.T) {
	t.Parallel()
	spec, err := pipeline.Parse("small.yaml", []byte(small+"gates:\n  - {metric: ks, min: 0.1}\n"))
	require.NoError(t, err)
	floor := 0.1
	require.Equal(t, pipeline.Spec{
		Name: "small", Source: pipeline.Source{Relation: pipeline.Relation{URI: "rows.csv"}},
		Label:        pipeline.Label{Column: "y", Positive: "1", Negative: "0", Meaning: pipeline.MeaningDefault},
		Columns:      []pipeline.Column{{Name: "a", Type: pipeline.Number}},
		FeatureStore: pipeline.FeatureStore{Missing: pipeline.DefaultValue, Stale: pipeline.DefaultValue, DeadlineMillis: 25},
		Leakage:      pipeline.Leakage{MaxAUC: 0.9},
		Split:        pipeline.Split{By: "hash", Train: 0.6, Validation: 0.2, Test: 0.2},
		Algorithm:    pipeline.Algorithm{Name: "logistic", L2: []float64{0.0001, 0.001, 0.01}, MaxIterations: 200},
		Policy:       pipeline.Policy{Cutoff: 0.5},
		Gates:        []pipeline.Gate{{Metric: "ks", Value: "estimate", Min: &floor}},
		Deploy: pipeline.Deploy{
			MemoryMiB: 128, CPUMillis: 500, TargetRate: 50, Approval: "automatic", Contract: "unbroken",
			Latency: pipeline.Latency{Requests: 500, BatchSize: 100, P99Millis: 50, BatchP99Millis: 250},
			Canary: pipeline.Canary{
				Steps: []int{5, 20, 40, 70}, IntervalSeconds: 60, Mirror: true, MinRequests: 25, MaxFailedChecks: 1, MaxWaitHours: 168, BakeSeconds: 300,
				MaxErrorRate: 0.01, MaxP99Millis: 100, MaxBatchP99Millis: 250, MaxSlowShare: 0.01,
				MaxScoreShift: 0.1, MaxVerdictShift: 0.1, MaxUnpredictedShift: 0.02,
			},
		},
		Training: pipeline.Training{AgainstChampion: pipeline.NotWorse, OnChange: "retrain"},
		Monitor: pipeline.Monitor{
			On:      pipeline.MonitorOn{Schema: "retrain", DataDrift: "retrain", PredictionDrift: "roll_back", Performance: "roll_back", NewData: "retrain", Requests: "alert", Skew: "alert"},
			MinRows: 500, MaxPSI: 0.1, MaxAUCDrop: 0.01, FalseDiscoveries: 0.05, CooldownHours: 20, MaxRunsPerDay: 1,
		},
		Limits:   pipeline.Limits{MaxRows: 5_000_000, MaxBytes: 2 << 30},
		Schedule: pipeline.Schedule{Retrain: "0 3 * * 1", Monitor: pipeline.Off},
	}, spec)
}

// A list of one's own replaces the default's, it does not continue it.
func TestAListReplacesItsDefault(t *testing.T) {
	t.Parallel()
	spec, err := pipeline.Parse("x.yaml", []byte(small+"algorithm: {l2: [5]}\ndeploy: {canary: {steps: [50]}}\n"))
	require.NoError(t, err)
	require.Equal(t, []float64{5}, spec.Algorithm.L2)
	require.Equal(t, []int{50}, spec.Deploy.Canary.Steps)
	again, err := pipeline.Parse("x.yaml", []byte(small))
	require.NoError(t, err)
	require.Equal(t, []int{5, 20, 40, 70}, again.Deploy.Canary.Steps, "one spec's values do not leak into the defaults of the next")
}

// What a person may write where a value of another type is wanted; the message names what they wrote and what is wanted.
func TestTypesAreStrict(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ old, new, want string }{
		{"description: every key", "description: ▸[a]", `description is a list; a text is wanted`},
		{"description: every key", "description: ▸true", `description is a boolean; a text is wanted, put it in quotes: "true"`},
		{"description: every key", "description: ▸1.5", `description is a number; a text is wanted, put it in quotes: "1.5"`},
		{"description: every key", "description: ▸.nan", `description is not a finite number; a text is wanted`},
		{"description: every key", "description: ▸null", `description is empty; a text is wanted`},
		{"entity: id", "entity: ▸{a: b}", `entity is a mapping; a text is wanted`},
		{"policy: {cutoff: 0.3}", "policy: ▸0.3", `policy is a number; keys with values are wanted`},
		{"policy: {cutoff: 0.3}", "policy: {cutoff: ▸\"0.3\"}", `policy.cutoff is a text; a number is wanted`},
		{"policy: {cutoff: 0.3}", "policy: {cutoff: ▸[0.3]}", `policy.cutoff is a list; a number is wanted`},
		{"memory_mib: 64", "memory_mib: ▸64.5", `deploy.memory_mib is a number; a whole number is wanted`},
		{"memory_mib: 64", "memory_mib: ▸99999999999999999999", `a whole number is wanted`},
		{"memory_mib: 64", "memory_mib: ▸64MiB", `deploy.memory_mib is a text; a whole number is wanted`},
		{"seed: 7", "seed: ▸-7", `split.seed is a whole number; a whole number from 0 is wanted`},
		{"mirror: false", "mirror: ▸\"false\"", `deploy.canary.mirror is a text; true or false is wanted`},
		{"mirror: false", "mirror: ▸0", `deploy.canary.mirror is a whole number; true or false is wanted`},
		{"steps: [10, 50]", "steps: ▸10", `deploy.canary.steps is a whole number; a list is wanted`},
		{"steps: [10, 50]", "steps: [10, ▸half]", `deploy.canary.steps[1] is a text; a whole number is wanted`},
		{"missing: [\"NA\"]", "missing: [\"NA\", ▸7]", `source.missing[1] is a whole number; a text is wanted`},
		{"    - {uri: outcomes.csv, on: id}", "    - ▸outcomes.csv", `source.join[0] is a text; keys with values are wanted`},
		{"max_error_rate: 0.5", "max_error_rate: ▸.inf", `deploy.canary.max_error_rate is not a finite number; a number is wanted`},
	} {
		t.Run(test.new, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(full, test.old))
			text, place := marked(t, strings.Replace(full, test.old, test.new, 1))
			_, err := pipeline.Parse("x.yaml", []byte(text))
			require.Error(t, err)
			require.True(t, strings.HasPrefix(err.Error(), "x.yaml:"+place+": "), "want %s: %s", place, err)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// A near key is suggested, at most two letters off; for any other all are named.
func TestSuggestions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ old, new, want string }{
		{"entity: id", "▸ent: id", `unknown key "ent" in the spec; known are name`},
		{"gates:", "▸gate:", `unknown key "gate" in the spec; did you mean "gates"?`},
		{"entity: id", "▸entty: id", `did you mean "entity"?`},
		{"entity: id", "▸eniitty: id", `did you mean "entity"?`},
		{"entity: id", "▸ENTITY: id", `known are name, description, source`},
		{"cpu_millis: 100", "▸cpu_milis: 100", `unknown key "cpu_milis" in deploy; did you mean "cpu_millis"?`},
		{"min_requests: 1", "▸min_request: 1", `unknown key "min_request" in deploy.canary; did you mean "min_requests"?`},
		{"on: id}", "▸at: id}", `unknown key "at" in source.join[0]; did you mean "on"?`},
		{"policy: {cutoff: 0.3}", "policy: {▸threshold: 0.3}", `unknown key "threshold" in policy; known are cutoff`},
		{"policy: {cutoff: 0.3}", "▸" + strings.Repeat("p", 200) + ": {cutoff: 0.3}", `unknown key "` + strings.Repeat("p", 40) + `…" in the spec`},
	} {
		t.Run(test.new, func(t *testing.T) {
			t.Parallel()
			text, place := marked(t, strings.Replace(full, test.old, test.new, 1))
			_, err := pipeline.Parse("x.yaml", []byte(text))
			require.Error(t, err)
			require.True(t, strings.HasPrefix(err.Error(), "x.yaml:"+place+": "), "want %s: %s", place, err)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// Days are calendar days: no times, no other order, none that do not exist.
func TestDates(t *testing.T) {
	t.Parallel()
	const source = "{uri: rows.csv}"
	for text, valid := range map[string]bool{
		"2026-06-30": true, `"2026-06-30"`: true, "2024-02-29": true, "2026-02-29": false, "2026-6-30": false, "30.06.2026": false,
		"2026-06-30T10:00:00Z": false, "20260630": false, "soon": false, "[2026-06-30]": false, `""`: false,
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			spec, err := pipeline.Parse("x.yaml", []byte(strings.Replace(small, source, "{simulate: {rows: 5, seed: 1, from: "+text+", to: 2026-12-31}}", 1)))
			if !valid {
				require.ErrorContains(t, err, "x.yaml:2:45: source.simulate.from is ")
				require.ErrorContains(t, err, "a day such as 2026-06-30 is wanted")
				return
			}
			require.NoError(t, err)
			want, err := time.Parse(time.DateOnly, strings.Trim(text, `"`))
			require.NoError(t, err)
			require.Equal(t, want, spec.Source.Simulate.From.Time)
		})
	}
}

func TestADayIsWrittenAsItIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		day := pipeline.Date{Time: time.Unix(0, 0).UTC().AddDate(0, 0, rapid.IntRange(-700_000, 2_900_000).Draw(t, "days"))}
		data, err := json.Marshal(day)
		require.NoError(t, err)
		require.Regexp(t, `^"\d{4}-\d{2}-\d{2}"$`, string(data))
		var back pipeline.Date
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, day, back)
	})
	for _, bad := range []string{`20260630`, `"2026-06-31"`, `""`, `{}`} {
		require.Error(t, json.Unmarshal([]byte(bad), new(pipeline.Date)), bad)
	}
}

// drawn writes valid specs of many shapes.
func drawn(t *rapid.T) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\n", rapid.StringMatching(`[a-z][a-z0-9-]{0,39}`).Draw(t, "name"))
	timed := rapid.Bool().Draw(t, "timed")
	if rapid.Bool().Draw(t, "simulated") {
		fmt.Fprintf(&b, "source: {simulate: {rows: %d, seed: %d, from: 2024-01-01, to: 2026-02-28}}\n", rapid.IntRange(1, 1000).Draw(t, "rows"), rapid.Uint64().Draw(t, "seed"))
	} else {
		fmt.Fprintf(&b, "source: {uri: %q, missing: [\"NA\", \"-\"]}\n", rapid.StringMatching(`[a-z/ ]{1,20}\.csv`).Draw(t, "uri"))
	}
	fmt.Fprintf(&b, "label: {column: y, positive: %q, negative: \"no\"}\ncolumns:\n", rapid.StringMatching(`[A-Z ]{1,5}`).Draw(t, "positive"))
	for i := range rapid.IntRange(1, 5).Draw(t, "columns") {
		if rapid.Bool().Draw(t, "number") {
			low := rapid.Float64Range(-1e9, 1e9).Draw(t, "min")
			fmt.Fprintf(&b, "  - {name: c%d, type: number, min: %.6f, max: %.6f, missing_max: %.3f}\n", i, low, low+1, rapid.Float64Range(0, 1).Draw(t, "missing"))
		} else {
			fmt.Fprintf(&b, "  - {name: c%d, type: category, domain: [\"a\", \"b: c\", \"1\"], reason: \"é\"}\n", i)
		}
	}
	if timed {
		b.WriteString("time: day\nsplit: {by: time}\n")
	}
	if rapid.Bool().Draw(t, "gates") {
		b.WriteString("gates:\n  - {metric: auc, min: 0.5}\n  - {metric: brier, value: upper, max: 0.2}\n")
	}
	return b.String()
}

// A spec crosses Temporal as JSON, whatever is in it; a nil list may come back as none, but the bytes are the same the second time.
func TestAnySpecThatParsesSurvivesJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := drawn(t)
		spec, err := pipeline.Parse("drawn.yaml", []byte(text))
		require.NoError(t, err, text)
		data, err := json.Marshal(spec)
		require.NoError(t, err)
		var back pipeline.Spec
		require.NoError(t, json.Unmarshal(data, &back))
		require.Equal(t, spec, back)
		again, err := json.Marshal(back)
		require.NoError(t, err)
		require.Equal(t, data, again)
	})
}

// Where everything else is right, a key that is not known is found wherever it stands.
func TestNoKeyIsOverlooked(t *testing.T) {
	t.Parallel()
	lines := strings.SplitAfter(full, "\n")
	key := regexp.MustCompile(`(^|[ {,])([a-z_0-9]+):`)
	for i, line := range lines {
		for _, at := range key.FindAllStringSubmatchIndex(line, -1) {
			if strings.HasSuffix(line[:at[4]], "{keys: {") {
				continue // the writer's own
			}
			changed := append([]string{}, lines...)
			changed[i] = line[:at[4]] + "zzzzzz" + line[at[5]:]
			_, err := pipeline.Parse("x.yaml", []byte(strings.Join(changed, "")))
			require.Error(t, err, changed[i])
			require.Contains(t, err.Error(), fmt.Sprintf("x.yaml:%d:%d: unknown key \"zzzzzz\"", i+1, at[4]+1), changed[i])
		}
	}
}

// place is how every line of a fault begins.
var place = regexp.MustCompile(`^fuzz\.yaml:[1-9]\d*:[1-9]\d*: .`)

// Whatever a file holds, Parse ends, and each line of its fault says where.
func FuzzParseNamesThePlace(f *testing.F) {
	for _, text := range []string{full, small, "", "a: &x [*x]", "- a", "name: [small", "\t", "name: small\nname: small", "a: !!binary aGk=", "---\n---\n", "%YAML 9", "x: |\n  a\n b", "{}", "? [a]\n: b", "<<: {a: b}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := pipeline.Parse("fuzz.yaml", []byte(text))
		if err == nil {
			data, err := json.Marshal(spec)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(data, &spec))
			return
		}
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		for line := range strings.Lines(err.Error()) {
			require.Regexp(t, place, line)
		}
	})
}
