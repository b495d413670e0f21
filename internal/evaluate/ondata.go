package evaluate

import "fmt"

// OnData is a model version measured on rows that somebody named.
type OnData struct {
	Model   string `json:"model"`
	Version int    `json:"version"`
	Digest  string `json:"digest"` // of the bundle
	Source  string `json:"source"` // of the rows, in words
	Dataset string `json:"dataset"`
	AsOf    string `json:"as_of"`    // what was known on that day; empty: everything
	KnownAt string `json:"known_at"` // the day against which labels mature
	// LeftOut are the rows that do not count.
	LeftOut LeftOut `json:"left_out"`
	// Refused says why nothing was measured; empty otherwise.
	Refused string `json:"refused,omitempty"`
	Evaluation
}

// LeftOut counts rows that do not count, each by the first reason.
type LeftOut struct {
	Later       int64 `json:"later"`       // were not known on the day
	Dropped     int64 `json:"dropped"`     // cleaning leaves them out
	Quarantined int64 `json:"quarantined"` // break a rule of rows
	Unlabelled  int64 `json:"unlabelled"`  // their outcome is not known
	Immature    int64 `json:"immature"`    // their outcome is known before it is final
	Unscored    int64 `json:"unscored"`    // are no good requests: the model does not take a value of theirs
}

// Words says of each reason that there is how many rows it leaves out.
func (l LeftOut) Words() []string {
	words := []string{}
	for _, reason := range []struct {
		rows int64
		why  string
	}{
		{l.Later, "were not known on the day"}, {l.Dropped, "are left out by cleaning"}, {l.Quarantined, "break a rule of rows"},
		{l.Unlabelled, "have no outcome"}, {l.Immature, "have an outcome that is not mature"}, {l.Unscored, "are no good requests for the version"},
	} {
		if reason.rows > 0 {
			words = append(words, fmt.Sprintf("%d rows %s", reason.rows, reason.why))
		}
	}
	return words
}
