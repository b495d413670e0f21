// Package monitor decides what becomes of what was seen of a champion in production: Decide is pure, its rules are one table. What is seen comes from
// packages dataset and schema (the data against the schema), drift (windows against the reference) and performance (scores against outcomes).
package monitor

// Kind is what a finding is about; a spec says for each what is done, see pipeline.MonitorOn.
type Kind string

// The kinds of findings.
const (
	OfSchema      Kind = "schema"           // columns and values that the schema does not know
	OfRequests    Kind = "requests"         // clients send what the contract of requests refuses
	OfData        Kind = "data_drift"       // features are distributed otherwise
	OfPredictions Kind = "prediction_drift" // so are the champion's scores
	OfPerformance Kind = "performance"      // the champion predicts worse than it did, or than an older version does
	OfSkew        Kind = "skew"             // the feature store tells decisions something else than trainings, or nothing new
	OfNewData     Kind = "new_data"         // there are rows with a final label from which nothing has been learned yet
)

// Finding is one thing that a look at production found. It names columns and counts, never an applicant's values.
type Finding struct {
	Kind Kind `json:"kind"`
	// Feature is the column; empty for what is about whole rows or about the model.
	Feature string `json:"feature"`
	// Statistic is what Value measures, such as psi or auc_change.
	Statistic Statistic `json:"statistic"`
	Value     float64   `json:"value"`
	// P is the p-value; nil for what is counted and not tested. Of decay and of a better version it is that over all metrics, versions and looks at the champion
	// (Bonferroni), so that it can be held against the level. Of drift and of unseen values it is that of the one feature in this look, with which it entered
	// the control of false discoveries, see drift.Looks: the level that decided hangs on all features, segments and looks.
	P *float64 `json:"p"`
	// Limit is what Value was held against; 0 where that is a rule of the schema's, whose limit the message says.
	Limit float64 `json:"limit"`
	Rows  int64   `json:"rows"` // that it rests on
	// Segment is the part of the applicants that it is about, such as institution_type=bank; empty: all of them.
	Segment string `json:"segment,omitempty"`
	// Since is the vintage since which it is so, such as 2005-03, where only the newest ones show it.
	Since   string `json:"since,omitempty"`
	Message string `json:"message"`
	// Meaning says that columns do not mean any more what they did: a type, a unit, a missing column. Nothing is done by itself then.
	Meaning bool `json:"meaning,omitempty"`
}

// small is a p-value that claims no more than can be known of one.
func small(p float64) *float64 {
	p = max(p, 1e-16)
	return &p
}
