// Package pipeline holds the description of one loan product: where its data come from, what they mean, how a model is
// trained, judged and delivered. A Spec comes from one strict YAML file; see Parse.
package pipeline

import (
	"fmt"
	"slices"
	"time"
)

// Spec is one loan product's pipeline. Every default is filled in by Parse.
type Spec struct {
	// Name identifies the pipeline and its model: lower-case letters, digits and dashes, at most 40.
	Name        string `yaml:"name" json:"name"`
	Description string `yaml:"description" json:"description"`
	Source      Source `yaml:"source" json:"source"`
	// Outcomes bring the label, where the source has none; nil when it has.
	Outcomes *Outcomes `yaml:"outcomes" json:"outcomes,omitempty"`
	// Clean lists how values and rows are cleaned, in this order.
	Clean []CleanStep `yaml:"clean" json:"clean,omitempty"`
	Label Label       `yaml:"label" json:"label"`
	// Entity is the column that identifies an application; empty when the data have none, then a row's content does.
	Entity string `yaml:"entity" json:"entity"`
	// Time is the column with the application date; empty when the data have none.
	Time string `yaml:"time" json:"time"`
	// Protected columns never train and never reach a predictor.
	Protected []string `yaml:"protected" json:"protected"`
	// Ignore lists columns that are known and not used.
	Ignore []string `yaml:"ignore" json:"ignore"`
	// Types are those of columns that are no features; see TypeOf.
	Types   map[string]ColumnType `yaml:"types" json:"types,omitempty"`
	Columns []Column              `yaml:"columns" json:"columns"`
	// Features are what trains and decides beside the columns of the source: references to the feature store. What they name becomes columns, see Column.Feature.
	Features     []string     `yaml:"features" json:"features,omitempty"`
	FeatureStore FeatureStore `yaml:"feature_store" json:"feature_store,omitzero"`
	// Inputs are columns that are looked up for what is computed of them: no model reads them. A file cannot list them.
	Inputs    []Column  `yaml:"-" json:"inputs,omitempty"`
	Schema    Schema    `yaml:"schema" json:"schema"`
	Rules     []Rule    `yaml:"rules" json:"rules,omitempty"`
	Split     Split     `yaml:"split" json:"split"`
	Leakage   Leakage   `yaml:"leakage" json:"leakage"`
	Algorithm Algorithm `yaml:"algorithm" json:"algorithm"`
	Training  Training  `yaml:"training" json:"training"`
	Policy    Policy    `yaml:"policy" json:"policy"`
	Gates     []Gate    `yaml:"gates" json:"gates"`
	Deploy    Deploy    `yaml:"deploy" json:"deploy"`
	Monitor   Monitor   `yaml:"monitor" json:"monitor"`
	Limits    Limits    `yaml:"limits" json:"limits"`
	Schedule  Schedule  `yaml:"schedule" json:"schedule"`
}

// Knows says whether a column has a role in the spec.
func (s *Spec) Knows(name string) bool {
	return name != "" && (name == s.Entity || name == s.Time || name == s.Label.Column) || slices.Contains(s.Protected, name) || slices.Contains(s.Ignore, name) ||
		slices.ContainsFunc(s.Columns, func(c Column) bool { return c.Name == name }) || slices.ContainsFunc(s.Inputs, func(c Column) bool { return c.Name == name })
}

// Meaning is what a positive label says.
type Meaning string

// The meanings of a label.
const (
	// MeaningDefault: a positive label is a loan that went bad; a high score is a reason to decline.
	MeaningDefault Meaning = "default"
	// MeaningApproval: a positive label is an application that a person approved; a high score is a reason to approve.
	MeaningApproval Meaning = "approval"
)

// Label is the column to predict.
type Label struct {
	Column string `yaml:"column" json:"column"`
	// Positive is the value that counts as 1, as text ("1", "Y", "bad").
	Positive string `yaml:"positive" json:"positive"`
	// Negative is the value that counts as 0. Any other value is a validation error; missing means not known yet.
	Negative string  `yaml:"negative" json:"negative"`
	Meaning  Meaning `yaml:"meaning" json:"meaning"`
	// MaturesAfterDays is how long after the application a default label is final (Meaning default only). Younger rows
	// do not train even when a label is present. 0 means at once.
	MaturesAfterDays int `yaml:"matures_after_days" json:"matures_after_days"`
}

// Same says whether a 1 of both labels is the same outcome: the same value of the same column, with the same meaning. When labels are final is no part of that.
func (l Label) Same(other Label) bool {
	l.MaturesAfterDays, other.MaturesAfterDays = 0, 0
	return l == other
}

// Words name what is positive, for notes.
func (l Label) Words() string {
	if l == (Label{}) {
		return "that is not recorded"
	}
	return fmt.Sprintf("%s=%s, not %s (%s)", l.Column, l.Positive, l.Negative, l.Meaning)
}

// KnownAfterOutcome is the value of Column.Known that declares a column as known only after the outcome.
const KnownAfterOutcome = "after_outcome"

// Column is one feature and what is allowed in it.
type Column struct {
	Name string     `yaml:"name" json:"name"`
	Type ColumnType `yaml:"type" json:"type"`
	// Min and Max bound a number, integer or decimal, inclusive; nil means unbounded.
	Min *float64 `yaml:"min" json:"min,omitempty"`
	Max *float64 `yaml:"max" json:"max,omitempty"`
	// Domain lists the values of a category; empty means any text.
	Domain []string `yaml:"domain" json:"domain,omitempty"`
	// MissingMax is the largest share of missing values that validation accepts, 0 to 1. Defaults to 0: required.
	MissingMax float64 `yaml:"missing_max" json:"missing_max"`
	// Reason is the text given to an applicant when this feature is a principal reason of a decline. It is a part of the policy, not of the
	// model.
	Reason string `yaml:"reason" json:"reason,omitempty"`
	// Known is when the value is known: empty with the application, or after_outcome, which vetoes the column as a feature.
	Known string `yaml:"known" json:"known,omitempty"`
	// Unit is what a number counts, for people ("USD", "months").
	Unit string `yaml:"unit" json:"unit,omitempty"`
	// Feature is the feature of the store that the values are, view@version:feature; empty for a column of the source. A file cannot say so: Spec.Features
	// names what is looked up.
	Feature string `yaml:"-" json:"feature,omitempty"`
	// Keys are the columns of the source that hold the keys of that feature's entity, by the keys' names.
	Keys map[string]string `yaml:"-" json:"keys,omitempty"`
	// Expression is what the values are computed by, see package expression; empty for others. A file cannot say so.
	Expression string `yaml:"-" json:"expression,omitempty"`
	// Unused says that it is one of Spec.Inputs.
	Unused bool `yaml:"-" json:"unused,omitempty"`
	// Default is the value, as a text, of a feature of the store that is not known; empty for a missing one.
	Default string `yaml:"-" json:"default,omitempty"`
}

// Schema says what becomes of rows that do not keep what the columns promise.
type Schema struct {
	Quarantine Quarantine `yaml:"quarantine" json:"quarantine"`
	Evolve     Evolve     `yaml:"evolve" json:"evolve"`
}

// Evolve says what data may add to the schema without a person, see package schema.
type Evolve struct {
	// MaxShare is the largest share of rows, 0 to 1, that hold a new category of a column, or a number out of its range, up to which these
	// become a part of the schema. Defaults to 0: such rows break a rule.
	MaxShare float64 `yaml:"max_share" json:"max_share"`
}

// Quarantine is where rows go that break a rule: they do not train, and can be looked at.
type Quarantine struct {
	// MaxShare is the largest share of rows, 0 to 1, up to which the others go on without them. Defaults to 0: one such row stops the run.
	MaxShare float64 `yaml:"max_share" json:"max_share"`
}

// Rule is a condition across columns that every row should meet.
type Rule struct {
	Name string `yaml:"name" json:"name"`
	// Expression is an SQL condition over the cleaned columns. A row of which it is not known, for a value is missing, does not break it.
	Expression string `yaml:"expression" json:"expression"`
	// Severity is error (rows that break it refuse a training) or warning. Defaults to error.
	Severity string `yaml:"severity" json:"severity"`
}

// Leakage bounds how well a feature, missing values, identifiers or the order of rows may predict the label, see package leak.
type Leakage struct {
	// MaxAUC is the largest AUC of one feature alone that is accepted, above 0.5. Defaults to 0.9.
	MaxAUC float64 `yaml:"max_auc" json:"max_auc"`
	// Allow lists what a person accepts all the same.
	Allow []AllowedLeak `yaml:"allow" json:"allow,omitempty"`
}

// AllowedLeak is one veto that does not count.
type AllowedLeak struct {
	// Column is the veto's; empty for a rule of rows.
	Column string `yaml:"column" json:"column,omitempty"`
	Rule   string `yaml:"rule" json:"rule"`
	// Reason is why it is no leak; it is recorded with the run.
	Reason string `yaml:"reason" json:"reason"`
}

// SplitBy is what decides where a row goes.
type SplitBy string

// The ways to split.
const (
	ByTime     SplitBy = "time"       // the oldest rows train, the newest test
	ByHash     SplitBy = "hash"       // a stable hash of the entity decides
	Stratified SplitBy = "stratified" // the same, with equal shares of each class
	Grouped    SplitBy = "grouped"    // a stable hash of the group decides
)

// SplitWays are all of them.
var SplitWays = []SplitBy{ByTime, ByHash, Stratified, Grouped}

// Split says how rows become train, validation and test.
type Split struct {
	// By is "time" (oldest rows train, newest test), "hash" (a stable hash of the entity decides), "stratified" (the same, with equal shares of
	// each class) or "grouped" (a stable hash of the group decides), see dataset.Splitter.
	By         SplitBy `yaml:"by" json:"by"`
	Train      float64 `yaml:"train" json:"train"`
	Validation float64 `yaml:"validation" json:"validation"`
	Test       float64 `yaml:"test" json:"test"`
	Seed       uint64  `yaml:"seed" json:"seed"`
	// EmbargoDays is how many days before each border of time are left out, whose outcomes are known after it only. Defaults to 0.
	EmbargoDays int `yaml:"embargo_days" json:"embargo_days,omitempty"`
	// Group is the column whose equal values stay together, such as a household or a branch.
	Group string `yaml:"group" json:"group,omitempty"`
}

// Algorithm names the learner and its hyperparameters.
type Algorithm struct {
	// Name is "logistic".
	Name string `yaml:"name" json:"name"`
	// L2 lists the ridge penalties to try (on standardised features, per row); validation log loss chooses.
	L2            []float64 `yaml:"l2" json:"l2"`
	MaxIterations int       `yaml:"max_iterations" json:"max_iterations"`
}

// Policy turns a score into a verdict; with the reason texts of the columns it becomes the policy document, see package decision. It is not
// part of a model bundle: changing it needs no training.
type Policy struct {
	// Cutoff: with Meaning default, scores at or above it are declined; with approval, scores below it are.
	Cutoff float64 `yaml:"cutoff" json:"cutoff"`
}

// AUCDrop is the one metric of gates that needs a champion: its AUC on the same test rows minus the challenger's.
const AUCDrop = "auc_drop"

// Gate is one condition that a trained model must meet to be registered.
type Gate struct {
	// Metric is auc, ks, brier, log_loss, accuracy (test set), or AUCDrop; that is skipped, and said so, when there is no champion.
	Metric string `yaml:"metric" json:"metric"`
	// Value is which end of the metric's interval is compared: estimate, lower or upper. Defaults to estimate.
	Value string   `yaml:"value" json:"value"`
	Min   *float64 `yaml:"min" json:"min,omitempty"`
	Max   *float64 `yaml:"max" json:"max,omitempty"`
}

// Deploy says what a predictor gets and how a new version is brought to traffic.
type Deploy struct {
	// MemoryMiB is the predictor's memory limit. Defaults to 128.
	MemoryMiB int `yaml:"memory_mib" json:"memory_mib"`
	// CPUMillis is thousandths of a core. Defaults to 500.
	CPUMillis int `yaml:"cpu_millis" json:"cpu_millis"`
	// TargetRate is the decisions per second that one predictor must carry.
	TargetRate float64 `yaml:"target_rate" json:"target_rate"`
	Latency    Latency `yaml:"latency" json:"latency"`
	Canary     Canary  `yaml:"canary" json:"canary"`
	// Approval is who lets a version go on to production.
	Approval string `yaml:"approval" json:"approval"`
	// Contract is what a version may do to the contract of requests: leave it unbroken, or break it.
	Contract string `yaml:"contract" json:"contract"`
}

// The values of Deploy.Approval.
const (
	ApprovalAutomatic = "automatic" // nobody
	ApprovalRequired  = "required"  // a person: production waits for the approve update
	// ApprovalSecondPerson is another person than who started it, who signs; two where nobody signed the start. See package approval.
	ApprovalSecondPerson = "second_person"
)

// The values of Deploy.Contract.
const (
	// ContractUnbroken: a request that the champion takes must be good for the challenger.
	ContractUnbroken = "unbroken"
	// ContractBreaking: clients have been told, and are ready.
	ContractBreaking = "breaking"
)

// Latency is the endpoint test in staging.
type Latency struct {
	Requests  int `yaml:"requests" json:"requests"`
	BatchSize int `yaml:"batch_size" json:"batch_size"`
	// P99Millis is the largest accepted 99th percentile of single requests, BatchP99Millis of batches.
	P99Millis      float64 `yaml:"p99_millis" json:"p99_millis"`
	BatchP99Millis float64 `yaml:"batch_p99_millis" json:"batch_p99_millis"`
}

// Canary is the staged delivery in production.
type Canary struct {
	// Steps are the challenger's traffic weights in percent, ascending, each below 100.
	Steps []int `yaml:"steps" json:"steps"`
	// IntervalSeconds is how long the first analysis of a phase or step observes; see canary.Window.
	IntervalSeconds int `yaml:"interval_seconds" json:"interval_seconds"`
	// Rate is the synthetic requests per second that the platform adds during an analysis; 0 adds none.
	Rate float64 `yaml:"rate" json:"rate"`
	// Mirror: before the first weight copies of production requests go to the challenger, whose answers reach nobody. Defaults to true.
	Mirror bool `yaml:"mirror" json:"mirror"`
	// MinRequests is the least number of the challenger's requests on which anything passes; what the limits need is more, as a rule.
	MinRequests int `yaml:"min_requests" json:"min_requests"`
	// MaxFailedChecks is how many failed analyses abort. Defaults to 1.
	MaxFailedChecks int `yaml:"max_failed_checks" json:"max_failed_checks"`
	// MaxWaitHours is how long the mirror, and each step, waits for enough requests before the canary is aborted. Defaults to 168, a week.
	MaxWaitHours float64 `yaml:"max_wait_hours" json:"max_wait_hours"`
	// BakeSeconds is how long the new champion is still held against the old one after it took all traffic; 0 is not at all. Defaults to 300.
	BakeSeconds int `yaml:"bake_seconds" json:"bake_seconds"`
	// MaxErrorRate is the largest accepted share of the challenger's requests that are refused, that fail, or that never end, each beyond
	// the champion's share, 0 to 1. Defaults to 0.01.
	MaxErrorRate float64 `yaml:"max_error_rate" json:"max_error_rate"`
	// MaxP99Millis is the time above which a single request counts as slow, MaxBatchP99Millis that of a batch.
	MaxP99Millis      float64 `yaml:"max_p99_millis" json:"max_p99_millis"`
	MaxBatchP99Millis float64 `yaml:"max_batch_p99_millis" json:"max_batch_p99_millis"`
	// MaxSlowShare is the largest accepted share of slow requests beyond the champion's, 0 to 1. Defaults to 0.01, which makes the times
	// above limits of the 99th percentile.
	MaxSlowShare float64 `yaml:"max_slow_share" json:"max_slow_share"`
	// MaxScoreShift is the largest accepted Kolmogorov-Smirnov distance between the challenger's scores and those predicted from the
	// champion's, beyond what chance explains, 0 to 1. Defaults to 0.1.
	MaxScoreShift float64 `yaml:"max_score_shift" json:"max_score_shift"`
	// MaxVerdictShift is the largest change of the approval rate, up or down, that a delivery may bring without a person's approval, 0 to 1.
	// It is held against the prediction, before any traffic.
	MaxVerdictShift float64 `yaml:"max_verdict_shift" json:"max_verdict_shift"`
	// MaxUnpredictedShift is the largest accepted difference between observed and predicted verdicts: of the approval share, and of the
	// share of verdicts that flip, each way, 0 to 1. Defaults to 0.02.
	MaxUnpredictedShift float64 `yaml:"max_unpredicted_shift" json:"max_unpredicted_shift"`
}

// Limits bound what a run may read.
type Limits struct {
	MaxRows  int64 `yaml:"max_rows" json:"max_rows"`
	MaxBytes int64 `yaml:"max_bytes" json:"max_bytes"`
}

// Date is a calendar day, written 2006-01-02.
type Date struct{ time.Time }
