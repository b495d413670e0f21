package pipeline

import "slices"

// Monitor says what a look at production may find, and what becomes of it, see package monitor.
type Monitor struct {
	On MonitorOn `yaml:"on" json:"on"`
	// MinRows is how many fresh rows a look needs; fewer wait for the next one. At least 50: of fewer no drift is told. Defaults to 500.
	MinRows int `yaml:"min_rows" json:"min_rows"`
	// NewRows is how many rows with a final label, newer than those that the champion was made and judged of, are a finding: there is more to learn from.
	// Defaults to 0: no number is.
	NewRows int `yaml:"new_rows" json:"new_rows"`
	// MaxPSI is the largest accepted population stability index of a feature or of the score: drift is found where it is larger beyond
	// chance. Defaults to 0.1, the border of the "moderate" band that people know.
	MaxPSI float64 `yaml:"max_psi" json:"max_psi"`
	// MaxAUCDrop is by how much the champion's AUC on outcomes may be below the one that it was judged by: decay is found where it is lower beyond
	// chance. Defaults to 0.01.
	MaxAUCDrop float64 `yaml:"max_auc_drop" json:"max_auc_drop"`
	// FalseDiscoveries is the accepted share of false alarms among the features that are found to drift, over all looks at a champion, between 0 and 1.
	// Defaults to 0.05.
	FalseDiscoveries float64 `yaml:"false_discoveries" json:"false_discoveries"`
	// Segment is a column by whose values applicants are looked at apart, such as the type of institution; empty: they are not.
	Segment string `yaml:"segment" json:"segment,omitempty"`
	// CooldownHours is how long no monitor starts a training after one did. Defaults to 20: one may start every day.
	CooldownHours float64 `yaml:"cooldown_hours" json:"cooldown_hours"`
	// MaxRunsPerDay is how many trainings monitors start on one day (UTC). Defaults to 1.
	MaxRunsPerDay int `yaml:"max_runs_per_day" json:"max_runs_per_day"`
}

// leastLooked is drift.MinRows, which this package cannot know.
const leastLooked = 50

// MonitorOn is what is done about each kind of finding.
type MonitorOn struct {
	// Schema is about columns and values that the schema does not know. Defaults to retrain: what data add becomes a part of the schema. Changes of
	// meaning are always for review.
	Schema Reaction `yaml:"schema" json:"schema"`
	// DataDrift is about the distribution of features. Defaults to retrain: an older version sees the same applicants.
	DataDrift Reaction `yaml:"data_drift" json:"data_drift"`
	// PredictionDrift is about the distribution of scores. Defaults to roll_back.
	PredictionDrift Reaction `yaml:"prediction_drift" json:"prediction_drift"`
	// Performance is about outcomes. Defaults to roll_back.
	Performance Reaction `yaml:"performance" json:"performance"`
	// NewData is about rows from which nothing has been learned yet, see NewRows. Defaults to retrain; roll_back is none of its reactions.
	NewData Reaction `yaml:"new_data" json:"new_data"`
	// Requests is about what clients send and the contract of requests refuses. Defaults to alert: no row holds it, so that a training would learn nothing
	// of it, and whoever has a key could ask for one. roll_back is none of its reactions.
	Requests Reaction `yaml:"requests" json:"requests"`
	// Skew is about features of the store: decisions read another value than trainings, an older one than the view promises, or none. Defaults to alert, for
	// neither a training nor another version mends a store; retrain and roll_back are none of its reactions.
	Skew Reaction `yaml:"skew" json:"skew"`
}

// Reaction is what is done about a finding.
type Reaction string

// The reactions.
const (
	ReactNothing  Reaction = "nothing"
	ReactAlert    Reaction = "alert"     // people are told
	ReactRetrain  Reaction = "retrain"   // a training is started
	ReactRollBack Reaction = "roll_back" // to an older version where one is better on the same rows; else a training is started
	ReactReview   Reaction = "review"    // a person decides
)

// reactions are all of them.
var reactions = []Reaction{ReactNothing, ReactAlert, ReactRetrain, ReactRollBack, ReactReview}

func (c *checker) monitor(s *Spec) {
	m := s.Monitor
	for path, reaction := range map[string]Reaction{
		"monitor.on.schema": m.On.Schema, "monitor.on.data_drift": m.On.DataDrift, "monitor.on.prediction_drift": m.On.PredictionDrift, "monitor.on.performance": m.On.Performance,
	} {
		if !slices.Contains(reactions, reaction) {
			c.wrongAt(path, "%s is %q; nothing, alert, retrain, roll_back or review is wanted", path, clip(string(reaction)))
		}
	}
	c.forward("monitor.on.new_data", m.On.NewData, "more rows to learn from say nothing against the champion, and an older version has learned from fewer")
	c.forward("monitor.on.requests", m.On.Requests, "what clients send says nothing against the champion, and all versions are asked under one contract")
	if !slices.Contains([]Reaction{ReactNothing, ReactAlert, ReactReview}, m.On.Skew) {
		c.wrongAt("monitor.on.skew", "monitor.on.skew is %q; nothing, alert or review is wanted: neither a training nor an older version mends the feature store", clip(string(m.On.Skew)))
	}
	if m.MinRows < leastLooked {
		c.wrongAt("monitor.min_rows", "monitor.min_rows is %d; a whole number from %d is wanted: of fewer rows no drift is told, and the look would use them up", m.MinRows, leastLooked)
	}
	if m.NewRows < 0 {
		c.wrongAt("monitor.new_rows", "monitor.new_rows is %d; a whole number from 0 is wanted, 0 for never", m.NewRows)
	}
	c.positive("monitor.max_psi", m.MaxPSI)
	c.share("monitor.max_auc_drop", m.MaxAUCDrop)
	if !(m.FalseDiscoveries > 0 && m.FalseDiscoveries < 1) {
		c.wrongAt("monitor.false_discoveries", "monitor.false_discoveries is %v; a share between 0 and 1 is wanted", m.FalseDiscoveries)
	}
	if m.Segment != "" && !s.Knows(m.Segment) {
		c.wrongAt("monitor.segment", "monitor.segment is %q, which is no column of the spec", clip(m.Segment))
	}
	if !(m.CooldownHours >= 0 && m.CooldownHours <= 8760) {
		c.wrongAt("monitor.cooldown_hours", "monitor.cooldown_hours is %v; 0 to 8760 is wanted", m.CooldownHours)
	}
	if m.MaxRunsPerDay < 0 || m.MaxRunsPerDay > 1000 {
		c.wrongAt("monitor.max_runs_per_day", "monitor.max_runs_per_day is %d; 0 to 1000 is wanted", m.MaxRunsPerDay)
	}
}

// forward checks the reaction to what no older version is better for.
func (c *checker) forward(path string, r Reaction, why string) {
	switch {
	case r == ReactRollBack:
		c.wrongAt(path, "%s is roll_back; nothing, alert, retrain or review is wanted: %s", path, why)
	case !slices.Contains(reactions, r):
		c.wrongAt(path, "%s is %q; nothing, alert, retrain or review is wanted", path, clip(string(r)))
	}
}
