package feature

import (
	"context"
	"encoding/json"

	"github.com/loanops/loanops/internal/fault"
)

// Computable is a version of a view with what its rows are computed by: its definition does not change any more.
type Computable struct {
	View *View `json:"view"`
	// Version is the view's.
	Version int `json:"version"`
}

// Computable is what the rows of the version depend on: what it means, without words.
func (v *Version) Computable() Computable {
	bare := v.View.bare()
	return Computable{&bare, v.Version}
}

// RowFiles are a view's typed and cleaned rows as Parquet files, by where they came from. A row is corrected where it came from.
type RowFiles struct{ Files, Log []string }

// DayFiles is what a view's rows of the days of a period say, as files on this machine that are never changed.
type DayFiles struct {
	Period
	// Rows has the rows, Tiles the tiles in their editions; empty in a view without aggregates.
	Rows, Tiles string
	// Count is how many rows there are, Days on how many days.
	Count int64
	Days  int
}

// Join is what is wanted of a view for rows of the past.
type Join struct {
	Computable
	// Days are all of the view's, each day in one of them.
	Days []DayFiles
	// On are the columns of the rows that hold the keys, in the order of the view's.
	On []string
	// Features are those that are wanted.
	Features []JoinedFeature
	// Event is the column for the event timestamp of the newest row that could be used; empty for none.
	Event string
}

// JoinedFeature is a feature of a view, and the column that it becomes.
type JoinedFeature struct{ Name, As string }

// Table is a view whose rows another view's query reads.
type Table struct {
	Computable
	Days []DayFiles
}

// Since is what there was at a moment.
type Since struct {
	// Gone are the files of then that are no more, New those that were not there.
	Gone, New []DayFiles
	Moment    Instant
}

// Object is a file that is kept by what is in it.
type Object struct {
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Manifest is what the offline store holds of a version of a view: for each period of its rows the objects that DayFiles are made of.
type Manifest struct {
	Computable
	Partitions []Partition `json:"partitions"`
}

// Partition is the rows of a period.
type Partition struct {
	Period
	// From is the digest of what it was computed of: where that is the same, it is not computed again.
	From string `json:"from"`
	Rows int64  `json:"rows"`
	// Days is on how many days there are rows.
	Days int `json:"days"`
	// Objects are those of the rows and of the tiles; of a view without aggregates there are none of these.
	Objects struct {
		Rows  Object  `json:"rows"`
		Tiles *Object `json:"tiles,omitempty"`
	} `json:"objects"`
}

// Rows is how many rows there are.
func (m *Manifest) Rows() (rows int64) {
	for _, p := range m.Partitions {
		rows += p.Rows
	}
	return rows
}

// Days is on how many days there are rows.
func (m *Manifest) Days() (days int) {
	for _, p := range m.Partitions {
		days += p.Days
	}
	return days
}

// Encode writes the manifest. The same rows give the same bytes.
func (m *Manifest) Encode() ([]byte, error) {
	data, err := json.Marshal(m)
	return data, fault.Wrap(fault.Internal, err, "encoding what the offline store holds of %s", m.View.Name)
}

// DecodeManifest reads what Encode wrote; anything else is fault.Invalid.
func DecodeManifest(data []byte) (m Manifest, err error) {
	if err = json.Unmarshal(data, &m); err == nil && m.View == nil {
		err = fault.New(fault.Invalid, "there is no view in it")
	}
	return m, fault.Wrap(fault.Invalid, err, "a manifest of the offline store")
}

// Offline keeps which manifest was computed last for a version of a view: days of it that are still of the same files need not be computed again.
type Offline interface {
	// Manifest is where it is, as whoever computed it names it; nil where none was computed.
	Manifest(ctx context.Context, view string, version int) (json.RawMessage, error)
	// PutManifest keeps another one in its place.
	PutManifest(ctx context.Context, view string, version int, manifest json.RawMessage) error
	// Manifests are all that are needed: those that were computed last, of whatever version, and those that the online store holds or is being brought up to. None is empty.
	Manifests(ctx context.Context) ([]json.RawMessage, error)
}
