package pipeline_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// full is a valid spec with every key in it, so that each rule can be broken in its place.
const full = `name: cards
description: every key
source:
  uri: rows.csv
  join:
    - {uri: outcomes.csv, on: id}
  missing: ["NA"]
label:
  column: y
  positive: "1"
  negative: "0"
  meaning: default
  matures_after_days: 30
entity: id
time: day
protected: [gender]
ignore: [branch]
columns:
  - {name: income, type: number, min: 0, max: 10, missing_max: 0.5, reason: "income too low", unit: USD}
  - {name: home, type: category, domain: [own, rent]}
features: [credit, "payments@2:late_90d"]
feature_store: {keys: {applicant_id: gender}, missing: default, stale: refuse, deadline_millis: 8}
split: {by: time, train: 0.5, validation: 0.25, test: 0.25, seed: 7}
algorithm: {name: logistic, l2: [0.1], max_iterations: 10}
policy: {cutoff: 0.3}
gates:
  - {metric: auc, value: lower, min: 0.6, max: 0.9}
deploy:
  memory_mib: 64
  cpu_millis: 100
  target_rate: 5
  approval: required
  contract: breaking
  latency: {requests: 10, batch_size: 10, p99_millis: 1, batch_p99_millis: 2}
  canary:
    steps: [10, 50]
    interval_seconds: 1
    rate: 1
    min_requests: 1
    max_failed_checks: 1
    mirror: false
    max_wait_hours: 0.5
    bake_seconds: 2
    max_error_rate: 0.5
    max_p99_millis: 9
    max_batch_p99_millis: 19
    max_slow_share: 0.25
    max_score_shift: 0.5
    max_verdict_shift: 0.75
    max_unpredicted_shift: 0.125
training: {window_days: 10000, against_champion: better, on_change: nothing}
monitor:
  on: {schema: review, data_drift: alert, prediction_drift: retrain, performance: roll_back, new_data: alert, requests: retrain, skew: review}
  min_rows: 71
  new_rows: 70
  max_psi: 0.3
  max_auc_drop: 0.04
  false_discoveries: 0.01
  segment: gender
  cooldown_hours: 1.5
  max_runs_per_day: 3
limits: {max_rows: 10, max_bytes: 10}
schedule: {retrain: 168h, monitor: off}
`

// marked takes the ▸ out of a text and says at which line and column it stood.
func marked(t *testing.T, text string) (without string, place string) {
	t.Helper()
	before, after, found := strings.Cut(text, "▸")
	require.True(t, found)
	return before + after, fmt.Sprintf("%d:%d", 1+strings.Count(before, "\n"), len(before)-strings.LastIndex(before, "\n"))
}

// Every rule is broken once, in a spec that is right otherwise: one line is wanted, at the place that ▸ marks, that says what would be
// right.
func TestEveryRuleNamesItsPlace(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, old, new, want string }{
		{"name", "name: cards", "name: ▸Cards", `name "Cards"; lower-case letters, digits and dashes are wanted, a letter first, at most 40`},
		{"name begins with a digit", "name: cards", "name: ▸1cards", `a letter first`},
		{"name of 41", "name: cards", "name: ▸" + strings.Repeat("a", 41), `at most 40`},
		{"no source", "  uri: rows.csv\n  join:\n    - {uri: outcomes.csv, on: id}\n  missing", "  ▸missing", `source is missing; give source.uri`},
		{"two sources", "  uri: rows.csv\n  join:\n    - {uri: outcomes.csv, on: id}", "  simulate: {rows: 5, seed: 1, from: 2026-01-01, to: 2026-02-01}\n  uri: ▸rows.csv", `both simulate and uri`},
		{"simulated rows", "  uri: rows.csv\n  join:\n    - {uri: outcomes.csv, on: id}", "  simulate: {rows: ▸0, seed: 1, from: 2026-01-01, to: 2026-02-01}", `source.simulate.rows is 0; 1 to 10000000`},
		{"too many simulated rows", "  uri: rows.csv\n  join:\n    - {uri: outcomes.csv, on: id}", "  simulate: {rows: ▸10000001, seed: 1, from: 2026-01-01, to: 2026-02-01}", `source.simulate.rows is 10000001`},
		{"simulated product", "  uri: rows.csv\n  join:\n    - {uri: outcomes.csv, on: id}", "  simulate: {product: ▸mortgage, rows: 5, seed: 1, from: 2026-01-01, to: 2026-02-01}", `source.simulate.product is "mortgage"; loan or card is wanted`},
		{"simulated days", "  uri: rows.csv\n  join:\n    - {uri: outcomes.csv, on: id}", "  simulate: {rows: 5, seed: 1, from: 2026-01-01, to: ▸2026-01-01}", `source.simulate.to must be after source.simulate.from`},
		{"join without uri", "  uri: rows.csv\n  join:\n    - {uri: outcomes.csv, on: id}", "  simulate: {rows: 5, seed: 1, from: 2026-01-01, to: 2026-02-01}\n  join:\n    ▸- {uri: outcomes.csv, on: id}", `source.join needs source.uri`},
		{"join on nothing", "- {uri: outcomes.csv, on: id}", "- ▸{uri: outcomes.csv}", `a join needs uri and on`},
		{"join of nothing", "- {uri: outcomes.csv, on: id}", "- ▸{on: id}", `a join needs uri and on`},
		{"no label column", "  column: y\n  positive", "  ▸positive", `label.column is missing; name the column to predict`},
		{"no positive", `positive: "1"`, `positive: ▸""`, `two different values`},
		{"no negative", "  positive: \"1\"\n  negative: \"0\"", "  positive: ▸\"1\"", `two different values`},
		{"labels alike", `positive: "1"`, `positive: ▸"0"`, `two different values`},
		{"meaning", "meaning: default", "meaning: ▸good", `label.meaning is "good"; default or approval`},
		{"maturity below 0", "matures_after_days: 30", "matures_after_days: ▸-1", `label.matures_after_days is -1; 0 to 3650`},
		{"maturity above ten years", "matures_after_days: 30", "matures_after_days: ▸3651", `label.matures_after_days is 3651`},
		{"maturity of an approval", "  meaning: default\n  matures_after_days: 30", "  meaning: approval\n  matures_after_days: ▸30", `needs label.meaning default and a time column`},
		{"no columns", "  - {name: income, type: number, min: 0, max: 10, missing_max: 0.5, reason: \"income too low\", unit: USD}\n  - {name: home, type: category, domain: [own, rent]}", "  ▸[]", `columns is missing; list the features`},
		{"1001 columns", "  - {name: income, type: number, min: 0, max: 10, missing_max: 0.5, reason: \"income too low\", unit: USD}\n  - {name: home, type: category, domain: [own, rent]}", "  ▸[" + strings.Repeat("{name: a, type: number},", 1001) + "]", `columns lists 1001 features, at most 1000`},
		{"name that is decomposed", "{name: home, type", `{name: ▸"revenu\u0301", type`, `is not in Unicode's composed form (NFC)`},
		{"control character in a name", "{name: home, type", `{name: ▸"ho\nme", type`, `has a control character in its name`},
		{"control character in a reason", `reason: "income too low"`, `reason: ▸"income\ttoo low"`, `has a control character, such as a line break`},
		{"reason of 301 bytes", `reason: "income too low"`, `reason: ▸"` + strings.Repeat("é", 150) + `!"`, `has 301 bytes, at most 300`},
		{"column without a name", "{name: home, type", "{name: ▸\"\", type", `a column needs a name of 1 to 100 bytes`},
		{"column with a long name", "{name: home, type", "{name: ▸" + strings.Repeat("h", 101) + ", type", `a column needs a name of 1 to 100 bytes`},
		{"column type", "type: category, domain: [own, rent]", "type: ▸categorical", `type is "categorical"; number, integer, boolean, decimal or category is wanted`},
		{"number with a domain", "min: 0, max: 10,", "min: 0, max: 10, domain: ▸[a],", `a number has min and max, not a domain`},
		{"min above max", "min: 0, max: 10,", "min: ▸11, max: 10,", `min 11 is above max 10`},
		{"category with a bound", "- {name: home, type: category, domain", "- ▸{name: home, type: category, min: 1, domain", `a category has a domain, not min and max`},
		{"domain with a value twice", "domain: [own, rent]", "domain: ▸[own, rent, own]", `the domain of "home" names a value twice`},
		{"missing_max above 1", "missing_max: 0.5", "missing_max: ▸1.5", `missing_max is 1.5; a share from 0 to 1`},
		{"missing_max below 0", "missing_max: 0.5", "missing_max: ▸-0.5", `missing_max is -0.5`},
		{"entity is the label", "entity: id", "entity: ▸y", `column "y" is the label already; it cannot be the entity as well`},
		{"time is the entity", "time: day", "time: ▸id", `column "id" is the entity already; it cannot be the time as well`},
		{"protected is the time", "protected: [gender]", "protected: [gender, ▸day]", `column "day" is the time already; it cannot be protected as well`},
		{"ignored is protected", "ignore: [branch]", "ignore: [▸gender]", `column "gender" is protected already; it cannot be ignored as well`},
		{"feature is ignored", "{name: home, type", "{name: ▸branch, type", `column "branch" is ignored already; it cannot be a feature as well`},
		{"feature twice", "{name: home, type", "{name: ▸income, type", `column "income" is a feature already`},
		{"split by", "by: time", "by: ▸day", `split.by is "day"; time, hash, stratified or grouped is wanted`},
		{"embargo below 0", "by: time, train", "by: time, embargo_days: ▸-1, train", `split.embargo_days is -1; 0 to 3650 is wanted`},
		{"embargo above ten years", "by: time, train", "by: time, embargo_days: ▸3651, train", `split.embargo_days is 3651; 0 to 3650 is wanted`},
		{"embargo without time", "by: time, train", "by: stratified, embargo_days: ▸30, train", `split.embargo_days needs split.by time`},
		{"grouped by nothing", "by: time, train", "by: ▸grouped, train", `split.by is grouped, but split.group is missing; name the column`},
		{"group without grouped", "by: time, train", "by: hash, group: ▸branch, train", `split.group needs split.by grouped`},
		{"group that is the label", "by: time, train", "by: grouped, group: ▸y, train", `split.group is the label`},
		{"group that nobody knows", "by: time, train", "by: grouped, group: ▸household, train", `split.group names "household", which the spec does not know; add it to ignore`},
		{"shares that do not sum to 1", "split: {by: time, train: 0.5", "split: ▸{by: time, train: 0.4", `are 0.4, 0.25 and 0.25; positive shares that sum to 1`},
		{"a share of 0", "split: {by: time, train: 0.5, validation: 0.25,", "split: ▸{by: time, train: 0.75, validation: 0,", `are 0.75, 0 and 0.25`},
		{"algorithm", "name: logistic", "name: ▸forest", `algorithm.name is "forest"; logistic is wanted`},
		{"penalty below 0", "l2: [0.1]", "l2: [0.1, ▸-1]", `l2 is -1; 0 to 1000000`},
		{"penalty too large", "l2: [0.1]", "l2: [▸1000001]", `l2 is 1.000001e+06`},
		{"no penalty", "l2: [0.1]", "l2: ▸[]", `algorithm.l2 lists 0 penalties; 1 to 50 are wanted`},
		{"51 penalties", "l2: [0.1]", "l2: ▸[0.1" + strings.Repeat(", 0.1", 50) + "]", `algorithm.l2 lists 51 penalties`},
		{"no iteration", "max_iterations: 10", "max_iterations: ▸0", `algorithm.max_iterations is 0; 1 to 100000`},
		{"too many iterations", "max_iterations: 10", "max_iterations: ▸100001", `algorithm.max_iterations is 100001`},
		{"cutoff 0", "cutoff: 0.3", "cutoff: ▸0", `policy.cutoff is 0; a probability between 0 and 1`},
		{"cutoff 1", "cutoff: 0.3", "cutoff: ▸1", `policy.cutoff is 1; a probability between 0 and 1`},
		{"metric", "metric: auc", "metric: ▸gini", `metric is "gini"; known are auc, ks, brier, log_loss, accuracy, auc_drop`},
		{"metric misspelt", "metric: auc", "metric: ▸logloss", `did you mean "log_loss"?`},
		{"gate value", "value: lower", "value: ▸mean", `value is "mean"; estimate, lower or upper is wanted`},
		{"gate without a bound", "- {metric: auc, value: lower, min: 0.6, max: 0.9}", "- ▸{metric: auc, value: lower}", `a gate needs min, max or both`},
		{"gate that nothing passes", "min: 0.6, max: 0.9", "min: ▸0.95, max: 0.9", `min 0.95 is above max 0.9: no model can pass`},
		{"memory", "memory_mib: 64", "memory_mib: ▸0", `deploy.memory_mib is 0; a positive number`},
		{"cpu", "cpu_millis: 100", "cpu_millis: ▸-1", `deploy.cpu_millis is -1; a positive number`},
		{"rate", "target_rate: 5", "target_rate: ▸0", `deploy.target_rate is 0`},
		{"approval", "approval: required", "approval: ▸manual", `deploy.approval is "manual"; automatic, required or second_person`},
		{"contract", "contract: breaking", "contract: ▸kept", `deploy.contract is "kept"; unbroken or breaking`},
		{"latency requests", "requests: 10, batch_size", "requests: ▸0, batch_size", `deploy.latency.requests is 0`},
		{"batch of nothing", "batch_size: 10", "batch_size: ▸0", `deploy.latency.batch_size is 0; 1 to 1000`},
		{"batch too large", "batch_size: 10", "batch_size: ▸1001", `deploy.latency.batch_size is 1001`},
		{"p99", "p99_millis: 1,", "p99_millis: ▸0,", `deploy.latency.p99_millis is 0`},
		{"p99 of a batch", "batch_p99_millis: 2", "batch_p99_millis: ▸0", `deploy.latency.batch_p99_millis is 0`},
		{"no steps", "steps: [10, 50]", "steps: ▸[]", `deploy.canary.steps is empty; at least one weight`},
		{"steps that stand", "steps: [10, 50]", "steps: [10, ▸10]", `canary step 10; whole percents that grow and stay below 100`},
		{"11 steps", "steps: [10, 50]", "steps: ▸[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]", `deploy.canary.steps lists 11 weights, at most 10`},
		{"a wait of more than two weeks", "max_wait_hours: 0.5", "max_wait_hours: ▸336.1", `deploy.canary.max_wait_hours is 336.1; a positive number of at most 336`},
		{"a bake of more than two weeks", "bake_seconds: 2", "bake_seconds: ▸1209601", `deploy.canary.bake_seconds is 1209601; 0 to 1209600`},
		{"step 0", "steps: [10, 50]", "steps: [▸0, 50]", `canary step 0`},
		{"step 100", "steps: [10, 50]", "steps: [10, ▸100]", `canary step 100`},
		{"interval", "interval_seconds: 1", "interval_seconds: ▸0", `deploy.canary.interval_seconds is 0`},
		{"synthetic rate below 0", "\n    rate: 1", "\n    rate: ▸-1", `deploy.canary.rate is -1; 0 to 10000 requests per second`},
		{"synthetic rate too high", "\n    rate: 1", "\n    rate: ▸10001", `deploy.canary.rate is 10001`},
		{"min_requests", "min_requests: 1", "min_requests: ▸0", `deploy.canary.min_requests is 0`},
		{"max_failed_checks", "max_failed_checks: 1", "max_failed_checks: ▸0", `deploy.canary.max_failed_checks is 0`},
		{"max_wait_hours", "max_wait_hours: 0.5", "max_wait_hours: ▸0", `deploy.canary.max_wait_hours is 0`},
		{"bake_seconds", "bake_seconds: 2", "bake_seconds: ▸-1", `deploy.canary.bake_seconds is -1; 0 to 1209600`},
		{"contract", "contract: breaking", "contract: ▸broken", `deploy.contract is "broken"; unbroken or breaking`},
		{"max_batch_p99_millis", "max_batch_p99_millis: 19", "max_batch_p99_millis: ▸0", `deploy.canary.max_batch_p99_millis is 0`},
		{"max_slow_share", "max_slow_share: 0.25", "max_slow_share: ▸1.5", `deploy.canary.max_slow_share is 1.5; a share`},
		{"max_verdict_shift", "max_verdict_shift: 0.75", "max_verdict_shift: ▸-1", `deploy.canary.max_verdict_shift is -1; a share`},
		{"max_unpredicted_shift", "max_unpredicted_shift: 0.125", "max_unpredicted_shift: ▸2", `deploy.canary.max_unpredicted_shift is 2; a share`},
		{"window_days", "window_days: 10000", "window_days: ▸-1", `training.window_days is -1; 0 to 36500`},
		{"a window in which nothing matures", "window_days: 10000", "window_days: ▸30", `training.window_days is 30, but labels mature after 30 days`},
		{"against_champion", "against_champion: better", "against_champion: ▸best", `training.against_champion is "best"; not_worse, better or any`},
		{"a reaction that there is not", "data_drift: alert", "data_drift: ▸page", `monitor.on.data_drift is "page"; nothing, alert, retrain, roll_back or review`},
		{"an empty reaction", "on: {schema: review", "on: {schema: ▸\"\"", `monitor.on.schema is ""`},
		{"on_change", "on_change: nothing", "on_change: ▸review", `training.on_change is "review"; retrain or nothing is wanted`},
		{"a reaction to new data that there is not", "new_data: alert", "new_data: ▸page", `monitor.on.new_data is "page"; nothing, alert, retrain or review is wanted`},
		{"a reaction to requests that there is not", "requests: retrain", "requests: ▸page", `monitor.on.requests is "page"; nothing, alert, retrain or review is wanted`},
		{"what mends no store", "skew: review", "skew: ▸retrain", `monitor.on.skew is "retrain"; nothing, alert or review is wanted`},
		{"requests are no reason to go back", "requests: retrain", "requests: ▸roll_back", `nothing, alert, retrain or review is wanted: what clients send says nothing against the champion`},
		{"new data are no reason to go back", "new_data: alert", "new_data: ▸roll_back", `nothing, alert, retrain or review is wanted: more rows to learn from say nothing against the champion`},
		{"new_rows", "new_rows: 70", "new_rows: ▸-1", `monitor.new_rows is -1; a whole number from 0 is wanted, 0 for never`},
		{"min_rows", "min_rows: 71", "min_rows: ▸49", `monitor.min_rows is 49; a whole number from 50 is wanted: of fewer rows no drift is told`},
		{"max_psi", "max_psi: 0.3", "max_psi: ▸0", `monitor.max_psi is 0`},
		{"max_auc_drop", "max_auc_drop: 0.04", "max_auc_drop: ▸2", `monitor.max_auc_drop is 2; a share`},
		{"false_discoveries", "false_discoveries: 0.01", "false_discoveries: ▸1", `monitor.false_discoveries is 1; a share between 0 and 1`},
		{"a segment that there is not", "segment: gender", "segment: ▸house", `monitor.segment is "house", which is no column of the spec`},
		{"cooldown_hours", "cooldown_hours: 1.5", "cooldown_hours: ▸-1", `monitor.cooldown_hours is -1; 0 to 8760`},
		{"max_runs_per_day", "max_runs_per_day: 3", "max_runs_per_day: ▸-1", `monitor.max_runs_per_day is -1; 0 to 1000`},
		{"max_error_rate", "max_error_rate: 0.5", "max_error_rate: ▸1.1", `deploy.canary.max_error_rate is 1.1; a share from 0 to 1`},
		{"canary p99", " max_p99_millis: 9", " max_p99_millis: ▸0", `deploy.canary.max_p99_millis is 0`},
		{"max_score_shift", "max_score_shift: 0.5", "max_score_shift: ▸-0.1", `deploy.canary.max_score_shift is -0.1; a share from 0 to 1`},
		{"a feature without a name", "features: [credit, ", `features: [▸"", `, `feature ""; a service, view:feature, view@2:feature or an expression is wanted`},
		{"a feature with a space", "features: [credit, ", `features: [▸my credit, `, `feature "my credit"; a service`},
		{"a feature twice", `[credit, "payments@2:late_90d"]`, `[credit, ▸credit]`, `feature "credit" is listed twice`},
		{"a key that is no column", "{applicant_id: gender}", "{applicant_id: ▸customer}", `column "customer" is not in the spec; name it in ignore, entity or columns`},
		{"what is missing", "missing: default", "missing: ▸ask", `feature_store.missing is "ask"; default or refuse`},
		{"what is stale", "stale: refuse", "stale: ▸keep", `feature_store.stale is "keep"; default or refuse`},
		{"deadline", "deadline_millis: 8", "deadline_millis: ▸1001", `feature_store.deadline_millis is 1001; 1 to 1000`},
		{"what a file cannot say", "unit: USD}", "unit: USD, ▸feature: payments}", `unknown key "feature" in columns[0]`},
		{"max_rows", "max_rows: 10", "max_rows: ▸0", `limits.max_rows is 0`},
		{"max_bytes", "max_bytes: 10}", "max_bytes: ▸-1}", `limits.max_bytes is -1`},
		{"timing", "monitor: off", "monitor: ▸daily", `schedule.monitor is "daily"; off, an interval such as 24h or 30m, or a cron expression of five fields such as "0 3 * * 1" is wanted`},
		{"timing of fractions", "retrain: 168h", "retrain: ▸1500ms", `schedule.retrain is "1500ms"; an interval of whole seconds is wanted, from 1s to 8784h`},
		{"timing by cron", "retrain: 168h", `retrain: ▸"0 25 * * 1"`, `schedule.retrain is "0 25 * * 1" is no cron expression`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(full, test.old), "the text to change is not unique")
			text, place := marked(t, strings.Replace(full, test.old, test.new, 1))
			_, err := pipeline.Parse("cards.yaml", []byte(text))
			require.Error(t, err)
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			require.NotContains(t, err.Error(), "\n", "one mistake is one line")
			require.True(t, strings.HasPrefix(err.Error(), "cards.yaml:"+place+": "), "want %s: %s", place, err)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestWaysToSplit(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]pipeline.Split{
		"by: time, embargo_days: 90, train":   {By: "time", EmbargoDays: 90},
		"by: stratified, train":               {By: "stratified"},
		"by: grouped, group: branch, train":   {By: "grouped", Group: "branch"},
		"by: grouped, group: home, train":     {By: "grouped", Group: "home"},
		"by: time, embargo_days: 0, train":    {By: "time"},
		"by: hash, train":                     {By: "hash"},
		"by: grouped, group: id, train":       {By: "grouped", Group: "id"},
		"by: grouped, group: gender, train":   {By: "grouped", Group: "gender"},
		"by: time, embargo_days: 3650, train": {By: "time", EmbargoDays: 3650},
	} {
		spec, err := pipeline.Parse("cards.yaml", []byte(strings.Replace(full, "by: time, train", written, 1)))
		require.NoError(t, err, written)
		want.Train, want.Validation, want.Test, want.Seed = 0.5, 0.25, 0.25, 7
		require.Equal(t, want, spec.Split)
	}
}

func TestTheFullSpecIsValid(t *testing.T) {
	t.Parallel()
	spec, err := pipeline.Parse("cards.yaml", []byte(full))
	require.NoError(t, err)
	low, high, floor, ceiling := 0.0, 10.0, 0.6, 0.9
	require.Equal(t, pipeline.Spec{
		Name: "cards", Description: "every key",
		Source: pipeline.Source{
			Relation: pipeline.Relation{URI: "rows.csv", Missing: []string{"NA"}},
			Join:     []pipeline.Join{{Relation: pipeline.Relation{URI: "outcomes.csv"}, On: pipeline.Names{"id"}}},
		},
		Label:  pipeline.Label{Column: "y", Positive: "1", Negative: "0", Meaning: pipeline.MeaningDefault, MaturesAfterDays: 30},
		Entity: "id", Time: "day", Protected: []string{"gender"}, Ignore: []string{"branch"},
		Columns: []pipeline.Column{
			{Name: "income", Type: pipeline.Number, Min: &low, Max: &high, MissingMax: 0.5, Reason: "income too low", Unit: "USD"},
			{Name: "home", Type: pipeline.Category, Domain: []string{"own", "rent"}},
		},
		Features: []string{"credit", "payments@2:late_90d"},
		FeatureStore: pipeline.FeatureStore{
			Keys: map[string]string{"applicant_id": "gender"}, Missing: pipeline.DefaultValue, Stale: pipeline.RefuseDecision, DeadlineMillis: 8,
		},
		Leakage:   pipeline.Leakage{MaxAUC: 0.9},
		Split:     pipeline.Split{By: "time", Train: 0.5, Validation: 0.25, Test: 0.25, Seed: 7},
		Algorithm: pipeline.Algorithm{Name: "logistic", L2: []float64{0.1}, MaxIterations: 10},
		Policy:    pipeline.Policy{Cutoff: 0.3},
		Gates:     []pipeline.Gate{{Metric: "auc", Value: "lower", Min: &floor, Max: &ceiling}},
		Deploy: pipeline.Deploy{
			MemoryMiB: 64, CPUMillis: 100, TargetRate: 5, Approval: "required", Contract: "breaking",
			Latency: pipeline.Latency{Requests: 10, BatchSize: 10, P99Millis: 1, BatchP99Millis: 2},
			Canary: pipeline.Canary{
				Steps: []int{10, 50}, IntervalSeconds: 1, Rate: 1, MinRequests: 1, MaxFailedChecks: 1, MaxWaitHours: 0.5, BakeSeconds: 2,
				MaxErrorRate: 0.5, MaxP99Millis: 9, MaxBatchP99Millis: 19, MaxSlowShare: 0.25,
				MaxScoreShift: 0.5, MaxVerdictShift: 0.75, MaxUnpredictedShift: 0.125,
			},
		},
		Training: pipeline.Training{WindowDays: 10000, AgainstChampion: pipeline.IsBetter, OnChange: pipeline.ReactNothing},
		Monitor: pipeline.Monitor{
			On:      pipeline.MonitorOn{Schema: "review", DataDrift: "alert", PredictionDrift: "retrain", Performance: "roll_back", NewData: "alert", Requests: "retrain", Skew: "review"},
			MinRows: 71, NewRows: 70, MaxPSI: 0.3, MaxAUCDrop: 0.04, FalseDiscoveries: 0.01, Segment: "gender", CooldownHours: 1.5, MaxRunsPerDay: 3,
		},
		Limits: pipeline.Limits{MaxRows: 10, MaxBytes: 10}, Schedule: pipeline.Schedule{Retrain: "168h", Monitor: pipeline.Off},
	}, spec)
}

// The bounds themselves are allowed: each of these would be refused by a rule that is off by one.
func TestBoundsAreInclusiveWhereTheyShouldBe(t *testing.T) {
	t.Parallel()
	for _, change := range [][2]string{
		{"name: cards", "name: " + strings.Repeat("a", 40)}, {"name: cards", "name: a"}, {"matures_after_days: 30", "matures_after_days: 3650"},
		{"min: 0, max: 10,", "min: 10, max: 10,"}, {"missing_max: 0.5", "missing_max: 1"}, {"l2: [0.1]", "l2: [0, 1000000]"},
		{"max_iterations: 10", "max_iterations: 100000"}, {"min: 0.6, max: 0.9", "min: 0.9, max: 0.9"}, {"batch_size: 10", "batch_size: 1000"},
		{"steps: [10, 50]", "steps: [1, 99]"}, {"\n    rate: 1", "\n    rate: 10000"}, {"\n    rate: 1", "\n    rate: 0"},
		{"max_error_rate: 0.5", "max_error_rate: 1"}, {"bake_seconds: 2", "bake_seconds: 0"}, {"max_score_shift: 0.5", "max_score_shift: 0"}, {"cutoff: 0.3", "cutoff: 0.000000001"},
		{"train: 0.5, validation: 0.25, test: 0.25", "train: 0.6, validation: 0.3, test: 0.1"}, // 0.6+0.3+0.1 is not 1 in float64
		{"name: home", "name: " + strings.Repeat("h", 100)},
	} {
		require.Equal(t, 1, strings.Count(full, change[0]), change[0])
		_, err := pipeline.Parse("cards.yaml", []byte(strings.Replace(full, change[0], change[1], 1)))
		require.NoError(t, err, change[1])
	}
}

// A person mends a file in one go: all mistakes of a kind are told, in the order of the file.
func TestMistakesComeInFileOrder(t *testing.T) {
	t.Parallel()
	text := full
	for _, change := range [][2]string{
		{"max_bytes: 10", "max_bytes: 0"}, {"cutoff: 0.3", "cutoff: 2"}, {"name: cards", "name: Cards"}, {"steps: [10, 50]", "steps: [50, 10, 5]"},
		{"requests: 10, batch", "requests: 0, batch"}, {"approval: required", "approval: manual"},
	} {
		text = strings.Replace(text, change[0], change[1], 1)
	}
	_, err := pipeline.Parse("cards.yaml", []byte(text))
	require.Error(t, err)
	var places []string
	for line := range strings.Lines(err.Error()) {
		places = append(places, strings.Join(strings.Split(line, ":")[1:3], ":"))
	}
	require.Equal(t, []string{"1:7", "25:18", "32:13", "34:23", "36:17", "36:21", "62:35"}, places)
}

// Package evaluate has the names; it reads gates of this package, so that this package cannot ask it.
func TestGatesAreOfTheMetricsThatAreMeasured(t *testing.T) {
	t.Parallel()
	_, err := pipeline.Parse("x.yaml", []byte(small+"gates:\n  - {metric: unheard_of, min: 0.1}\n"))
	require.ErrorContains(t, err, "known are "+strings.Join(append(evaluate.Names(), "auc_drop"), ", "))
}
