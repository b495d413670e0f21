package pipeline

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

var (
	namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	// gateMetrics are what a gate can judge.
	gateMetrics = []string{"auc", "ks", "brier", "log_loss", "accuracy", AUCDrop}
)

const (
	// MaxColumns is how many features a spec lists at most. It and maxReasonBytes, the longest text of a reason, of which an applicant reads four, bound
	// the policy document (decision.MaxPolicyBytes).
	MaxColumns     = 1000
	maxReasonBytes = 300
	// maxSteps of a canary, each of which may wait for maxWaitHours, fit into a workflow's history, and a window of a phase into a step's patience.
	maxSteps     = 10
	maxWaitHours = 14 * 24
)

// ValidName says that a pipeline can be called so: 1 to 40 lower-case letters, digits and dashes, a letter first.
func ValidName(name string) bool { return namePattern.MatchString(name) }

// rules checks what values mean together. Paths name where they stand.
func (c *checker) rules(s *Spec) {
	if !ValidName(s.Name) {
		c.wrongAt("name", "name %q; lower-case letters, digits and dashes are wanted, a letter first, at most 40, such as loan-eligibility", clip(s.Name))
	}
	c.source(&s.Source)
	c.outcomes(s)
	c.types(s)
	c.clean("clean", s.Clean, s.typed())
	c.label(s)
	c.columns(s)
	c.features(s)
	c.share("schema.quarantine.max_share", s.Schema.Quarantine.MaxShare)
	c.share("schema.evolve.max_share", s.Schema.Evolve.MaxShare)
	c.conditions("rules", s.Rules)
	c.leakage(s.Leakage)
	c.split(s)
	c.algorithm(s)
	c.training(s)
	if !ValidCutoff(s.Policy.Cutoff) {
		c.wrongAt("policy.cutoff", "policy.cutoff is %v; a probability between 0 and 1 is wanted", s.Policy.Cutoff)
	}
	for i, gate := range s.Gates {
		c.gate(fmt.Sprintf("gates[%d]", i), gate)
	}
	c.deploy(s.Deploy)
	c.monitor(s)
	c.positive("limits.max_rows", float64(s.Limits.MaxRows))
	c.positive("limits.max_bytes", float64(s.Limits.MaxBytes))
	c.timing("schedule.retrain", s.Schedule.Retrain)
	c.timing("schedule.monitor", s.Schedule.Monitor)
	if s.Time == "" && s.Schedule.Monitor != Off {
		c.wrongAt("schedule.monitor", "schedule.monitor is %q, but no column says which rows are new; name one as time, or leave schedule.monitor off", clip(string(s.Schedule.Monitor)))
	}
}

func (c *checker) label(s *Spec) {
	l := s.Label
	if l.Column == "" {
		c.wrongAt("label.column", "label.column is missing; name the column to predict")
	}
	if l.Positive == "" || l.Negative == "" || l.Positive == l.Negative {
		c.wrongAt("label.positive", "label.positive and label.negative are two different values that the label column holds, such as \"1\" and \"0\"")
	}
	if l.Meaning != MeaningDefault && l.Meaning != MeaningApproval {
		c.wrongAt("label.meaning", "label.meaning is %q; default or approval is wanted", clip(string(l.Meaning)))
	}
	if l.MaturesAfterDays < 0 || l.MaturesAfterDays > 3650 {
		c.wrongAt("label.matures_after_days", "label.matures_after_days is %d; 0 to 3650 is wanted", l.MaturesAfterDays)
	}
	if l.MaturesAfterDays > 0 && (l.Meaning == MeaningApproval || s.Time == "") {
		c.wrongAt("label.matures_after_days", "label.matures_after_days needs label.meaning default and a time column")
	}
}

// columns checks every feature and that no column has two roles.
func (c *checker) columns(s *Spec) {
	if len(s.Columns) == 0 {
		c.wrongAt("columns", "columns is missing; list the features")
	}
	if len(s.Columns) > MaxColumns {
		c.wrongAt("columns", "columns lists %d features, at most %d are wanted", len(s.Columns), MaxColumns)
		return // rather than a line about each
	}
	role := map[string]string{}
	claim := func(path, name, as string) {
		if other, taken := role[name]; taken && name != "" {
			c.wrongAt(path, "column %q is %s already; it cannot be %s as well", clip(name), other, as)
			return
		}
		role[name] = as
	}
	claim("label.column", s.Label.Column, "the label")
	if s.Entity != "" {
		claim("entity", s.Entity, "the entity")
	}
	if s.Time != "" {
		claim("time", s.Time, "the time")
	}
	for i, name := range s.Protected {
		claim(fmt.Sprintf("protected[%d]", i), name, "protected")
	}
	for i, name := range s.Ignore {
		claim(fmt.Sprintf("ignore[%d]", i), name, "ignored")
	}
	for i, column := range s.Columns {
		path := fmt.Sprintf("columns[%d]", i)
		claim(path+".name", column.Name, "a feature")
		c.column(path, column)
	}
}

func (c *checker) column(path string, column Column) {
	if column.Name == "" || len(column.Name) > 100 {
		c.wrongAt(path+".name", "a column needs a name of 1 to 100 bytes")
	}
	c.values(path, column)
	if column.Known != "" && column.Known != KnownAfterOutcome {
		c.wrongAt(path+".known", "known is %q; %s is wanted, or nothing for what is known at the application", clip(column.Known), KnownAfterOutcome)
	}
	c.composed(path+".name", "column", column.Name)
	if strings.ContainsFunc(column.Name, unicode.IsControl) {
		c.wrongAt(path+".name", "column %q has a control character in its name", clip(column.Name))
	}
	switch {
	case len(column.Reason) > maxReasonBytes:
		c.wrongAt(path+".reason", "the reason of %q has %d bytes, at most %d are wanted", clip(column.Name), len(column.Reason), maxReasonBytes)
	case strings.ContainsFunc(column.Reason, unicode.IsControl):
		c.wrongAt(path+".reason", "the reason of %q has a control character, such as a line break; one line of text is wanted", clip(column.Name))
	}
	if !(column.MissingMax >= 0 && column.MissingMax <= 1) {
		c.wrongAt(path+".missing_max", "missing_max is %v; a share from 0 to 1 is wanted", column.MissingMax)
	}
}

// composed: texts that look alike are alike only in one of Unicode's forms.
func (c *checker) composed(path, what, text string) {
	if !norm.NFC.IsNormalString(text) {
		c.wrongAt(path, "%s %q is not in Unicode's composed form (NFC); write its letters with their accents as one character each", what, clip(text))
	}
}

// conditions checks the rules across columns.
func (c *checker) conditions(path string, rules []Rule) {
	names := map[string]bool{}
	for i, rule := range rules {
		path := fmt.Sprintf("%s[%d]", path, i)
		if !ValidName(strings.ReplaceAll(rule.Name, "_", "-")) || names[rule.Name] {
			c.wrongAt(path+".name", "name %q; lower-case letters, digits, dashes and underscores are wanted, at most 40, each name once", clip(rule.Name))
		}
		names[rule.Name] = true
		if rule.Expression == "" {
			c.wrongAt(path, "expression is missing; a condition that every row should meet is wanted")
		}
		if rule.Severity != "error" && rule.Severity != "warning" {
			c.wrongAt(path+".severity", "severity is %q; error or warning is wanted", clip(rule.Severity))
		}
	}
}

// leakRules are those of package leak.
var leakRules = []string{"auc", "pure_values", "missingness", "identifier", "row_order", "known_later", "duplicates"}

func (c *checker) leakage(l Leakage) {
	if !(l.MaxAUC > 0.5 && l.MaxAUC <= 1) {
		c.wrongAt("leakage.max_auc", "leakage.max_auc is %v; a number above 0.5, at most 1, is wanted", l.MaxAUC)
	}
	for i, allowed := range l.Allow {
		path := fmt.Sprintf("leakage.allow[%d]", i)
		if !slices.Contains(leakRules, allowed.Rule) {
			c.wrongAt(path+".rule", "rule is %q; %s", clip(allowed.Rule), Suggestion(allowed.Rule, leakRules))
		}
		if allowed.Reason == "" {
			c.wrongAt(path, "reason is missing; say why it is no leak")
		}
	}
}

func (c *checker) split(s *Spec) {
	p := s.Split
	if !slices.Contains(SplitWays, p.By) {
		c.wrongAt("split.by", "split.by is %q; time, hash, stratified or grouped is wanted", clip(string(p.By)))
	}
	if p.By == ByTime && s.Time == "" {
		c.wrongAt("split.by", "split.by is time, but the spec names no time column; name it, or split by hash")
	}
	if p.EmbargoDays < 0 || p.EmbargoDays > 3650 {
		c.wrongAt("split.embargo_days", "split.embargo_days is %d; 0 to 3650 is wanted", p.EmbargoDays)
	}
	if p.EmbargoDays != 0 && p.By != ByTime {
		c.wrongAt("split.embargo_days", "split.embargo_days needs split.by time: only there are borders between days")
	}
	c.group(s)
	if !(p.Train > 0 && p.Validation > 0 && p.Test > 0) || math.Abs(p.Train+p.Validation+p.Test-1) > 1e-9 {
		c.wrongAt("split", "split.train, validation and test are %v, %v and %v; positive shares that sum to 1 are wanted", p.Train, p.Validation, p.Test)
	}
}

func (c *checker) group(s *Spec) {
	switch p := s.Split; {
	case p.By == Grouped && p.Group == "":
		c.wrongAt("split.by", "split.by is grouped, but split.group is missing; name the column whose equal values stay together")
	case p.Group == "":
	case p.By != Grouped:
		c.wrongAt("split.group", "split.group needs split.by grouped")
	case p.Group == s.Label.Column:
		c.wrongAt("split.group", "split.group is the label; name a column such as a household or a branch")
	case !s.Knows(p.Group):
		c.wrongAt("split.group", "split.group names %q, which the spec does not know; add it to ignore, or name a column that has a role", clip(p.Group))
	}
}

func (c *checker) algorithm(s *Spec) {
	a := s.Algorithm
	if a.Name != "logistic" {
		c.wrongAt("algorithm.name", "algorithm.name is %q; logistic is wanted", clip(a.Name))
	}
	for i, l2 := range a.L2 {
		if !(l2 >= 0 && l2 <= 1e6) {
			c.wrongAt(fmt.Sprintf("algorithm.l2[%d]", i), "l2 is %v; 0 to 1000000 is wanted", l2)
		}
	}
	if len(a.L2) < 1 || len(a.L2) > 50 {
		c.wrongAt("algorithm.l2", "algorithm.l2 lists %d penalties; 1 to 50 are wanted", len(a.L2))
	}
	if a.MaxIterations < 1 || a.MaxIterations > 100_000 {
		c.wrongAt("algorithm.max_iterations", "algorithm.max_iterations is %d; 1 to 100000 is wanted", a.MaxIterations)
	}
}

func (c *checker) gate(path string, gate Gate) {
	if !slices.Contains(gateMetrics, gate.Metric) {
		c.wrongAt(path+".metric", "metric is %q; %s", clip(gate.Metric), Suggestion(gate.Metric, gateMetrics))
	}
	if !slices.Contains([]string{"estimate", "lower", "upper"}, gate.Value) {
		c.wrongAt(path+".value", "value is %q; estimate, lower or upper is wanted", clip(gate.Value))
	}
	if gate.Min == nil && gate.Max == nil {
		c.wrongAt(path, "a gate needs min, max or both")
	}
	if gate.Min != nil && gate.Max != nil && *gate.Min > *gate.Max {
		c.wrongAt(path+".min", "min %v is above max %v: no model can pass", *gate.Min, *gate.Max)
	}
}

func (c *checker) deploy(d Deploy) {
	c.positive("deploy.memory_mib", float64(d.MemoryMiB))
	c.positive("deploy.cpu_millis", float64(d.CPUMillis))
	c.positive("deploy.target_rate", d.TargetRate)
	c.positive("deploy.latency.requests", float64(d.Latency.Requests))
	c.positive("deploy.latency.p99_millis", d.Latency.P99Millis)
	c.positive("deploy.latency.batch_p99_millis", d.Latency.BatchP99Millis)
	if d.Latency.BatchSize < 1 || d.Latency.BatchSize > 1000 {
		c.wrongAt("deploy.latency.batch_size", "deploy.latency.batch_size is %d; 1 to 1000 is wanted", d.Latency.BatchSize)
	}
	if d.Approval != ApprovalAutomatic && d.Approval != ApprovalRequired && d.Approval != ApprovalSecondPerson {
		c.wrongAt("deploy.approval", "deploy.approval is %q; automatic, required or second_person is wanted", clip(d.Approval))
	}
	if d.Contract != ContractUnbroken && d.Contract != ContractBreaking {
		c.wrongAt("deploy.contract", "deploy.contract is %q; unbroken or breaking is wanted", clip(d.Contract))
	}
	if len(d.Canary.Steps) == 0 {
		c.wrongAt("deploy.canary.steps", "deploy.canary.steps is empty; at least one weight is wanted, such as 50")
	}
	if len(d.Canary.Steps) > maxSteps {
		c.wrongAt("deploy.canary.steps", "deploy.canary.steps lists %d weights, at most %d are wanted", len(d.Canary.Steps), maxSteps)
	}
	before := 0
	for i, step := range d.Canary.Steps {
		if step <= before || step >= 100 {
			c.wrongAt(fmt.Sprintf("deploy.canary.steps[%d]", i), "canary step %d; whole percents that grow and stay below 100 are wanted", step)
		}
		before = step
	}
	if d.Canary.IntervalSeconds < 1 || d.Canary.IntervalSeconds > 1800 {
		c.wrongAt("deploy.canary.interval_seconds", "deploy.canary.interval_seconds is %d; 1 to 1800 is wanted", d.Canary.IntervalSeconds)
	}
	c.positive("deploy.canary.min_requests", float64(d.Canary.MinRequests))
	c.positive("deploy.canary.max_failed_checks", float64(d.Canary.MaxFailedChecks))
	if !(d.Canary.MaxWaitHours > 0 && d.Canary.MaxWaitHours <= maxWaitHours) {
		c.wrongAt("deploy.canary.max_wait_hours", "deploy.canary.max_wait_hours is %v; a positive number of at most %d is wanted", d.Canary.MaxWaitHours, maxWaitHours)
	}
	c.positive("deploy.canary.max_p99_millis", d.Canary.MaxP99Millis)
	c.positive("deploy.canary.max_batch_p99_millis", d.Canary.MaxBatchP99Millis)
	if d.Canary.BakeSeconds < 0 || d.Canary.BakeSeconds > maxWaitHours*3600 {
		c.wrongAt("deploy.canary.bake_seconds", "deploy.canary.bake_seconds is %d; 0 to %d is wanted", d.Canary.BakeSeconds, maxWaitHours*3600)
	}
	if !(d.Canary.Rate >= 0 && d.Canary.Rate <= 10_000) {
		c.wrongAt("deploy.canary.rate", "deploy.canary.rate is %v; 0 to 10000 requests per second is wanted", d.Canary.Rate)
	}
	c.share("deploy.canary.max_error_rate", d.Canary.MaxErrorRate)
	c.share("deploy.canary.max_slow_share", d.Canary.MaxSlowShare)
	c.share("deploy.canary.max_score_shift", d.Canary.MaxScoreShift)
	c.share("deploy.canary.max_verdict_shift", d.Canary.MaxVerdictShift)
	c.share("deploy.canary.max_unpredicted_shift", d.Canary.MaxUnpredictedShift)
}

func (c *checker) timing(path string, t Timing) {
	if err := t.Check(); err != nil {
		c.wrongAt(path, "%s is %s", path, err)
	}
}

func (c *checker) share(path string, value float64) {
	if !(value >= 0 && value <= 1) {
		c.wrongAt(path, "%s is %v; a share from 0 to 1 is wanted", path, value)
	}
}

func (c *checker) positive(path string, value float64) {
	if !(value > 0) || math.IsInf(value, 0) {
		c.wrongAt(path, "%s is %v; a positive number is wanted", path, value)
	}
}
