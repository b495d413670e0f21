// Package snapshot describes what a view says of all entities at one moment: how its features are distributed, for people who look for features.
package snapshot

import (
	"encoding/json"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/profile"
)

// Snapshot is what a version of a view says of its entities at the moment at which its newest row was known. It is a function of the view's rows: the clock of
// whoever computes it is no part of it.
type Snapshot struct {
	View    string `json:"view"`
	Version int    `json:"version"`
	// Rows is how many rows the view has, Days of how many days.
	Rows int64 `json:"rows"`
	Days int   `json:"days"`
	Extent
	// Features are in the order of the view. Of each the rows that are counted are entities: one of which nothing is known, or of which what is known is older than
	// the TTL, is missing. Values of texts that few entities have are shown nowhere, see package profile.
	Features []profile.Column `json:"features"`
}

// Extent is whom and which time rows are about.
type Extent struct {
	// At is when the newest row was known, Newest the event timestamp of the newest of those that were true by then; both 0 of no rows.
	At     feature.Instant `json:"at"`
	Newest feature.Instant `json:"newest"`
	// Entities is of how many entities there are rows.
	Entities int64 `json:"entities"`
}

// Describe describes a feature by its values, one of each entity.
func Describe(values dataset.Column) profile.Column {
	all := profile.Of(dataset.Table{Columns: []dataset.Column{values}}, profile.About{Role: func(string) profile.Role { return profile.Feature }})
	return all.Profile("").Columns[0]
}

// Feature is what is described of a feature; nil where nothing is.
func (s *Snapshot) Feature(name string) *profile.Column {
	if s == nil {
		return nil
	}
	for i := range s.Features {
		if s.Features[i].Name == name {
			return &s.Features[i]
		}
	}
	return nil
}

// Decode reads what was written as JSON; anything else is fault.Invalid.
func Decode(data []byte) (*Snapshot, error) {
	s := &Snapshot{}
	if err := json.Unmarshal(data, s); err != nil || s.View == "" {
		return nil, fault.New(fault.Invalid, "there are no statistics of a view in it")
	}
	return s, nil
}
