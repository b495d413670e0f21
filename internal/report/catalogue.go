package report

import (
	"encoding/json"
	"time"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/feature/snapshot"
)

// Catalogue is what is known of all that a feature store declares.
type Catalogue struct {
	// At is when it was asked for: ages are as of then.
	At time.Time `json:"at"`
	// Declared are the definitions that can be used, in the order of feature.Kinds and of their names, as their names mean them; else in their newest version that is staged.
	Declared []Declared `json:"declared"`
	// Changes is what happened to all of them, newest first.
	Changes []DeclaredChange `json:"changes"`
	// Unknown says why nothing is known of who uses what, and of statistics; empty where it is.
	Unknown string `json:"unknown,omitempty"`
}

// Declared is a version of a definition, how it became what it is, and who uses it.
type Declared struct {
	Kind feature.Kind `json:"kind"`
	Name string       `json:"name"`
	// Version is the one that is described, Active the one that the name means; 0 of none.
	Version  int             `json:"version"`
	Active   int             `json:"active"`
	Stage    feature.Stage   `json:"stage"`
	Meaning  string          `json:"meaning"`
	Document json.RawMessage `json:"document"`
	// Versions are all of the name, newest first; History is what happened to them, newest first.
	Versions []DeclaredVersion `json:"versions"`
	History  []DeclaredChange  `json:"history"`
	// Freshness, Statistics and what else is beside the version in use are of views alone; Statistics is nil where none were computed.
	Freshness  *Freshness         `json:"freshness,omitempty"`
	Statistics *snapshot.Snapshot `json:"statistics,omitempty"`
	Used       Used               `json:"used"`
	// Staged are further versions that can be used by their numbers.
	Staged []Declared `json:"staged,omitempty"`
	// Of is the definition.
	Of *feature.Version `json:"-"`
}

// DeclaredVersion is one version of a name.
type DeclaredVersion struct {
	Version int           `json:"version"`
	Stage   feature.Stage `json:"stage"`
	Meaning string        `json:"meaning"`
	// Since is when it was registered, by whom and how it differed from the one before it.
	Since time.Time `json:"since"`
	Actor string    `json:"actor"`
	What  string    `json:"what"`
}

// DeclaredChange is one row of the register.
type DeclaredChange struct {
	At      time.Time     `json:"at"`
	Kind    feature.Kind  `json:"kind"`
	Name    string        `json:"name"`
	Version int           `json:"version"`
	Stage   feature.Stage `json:"stage"`
	Actor   string        `json:"actor"`
	What    string        `json:"what"`
}

// Freshness is how old what is served of a view is.
type Freshness struct {
	// Promised is the age that is promised not to be passed, in seconds; 0 promises nothing.
	Promised float64 `json:"promised_seconds,omitempty"`
	// Until is the moment up to which what files say is served, Written when it was written; nil where nothing was.
	Until   *time.Time `json:"until,omitempty"`
	Written *time.Time `json:"written,omitempty"`
	// Newest is the event timestamp of the newest row that the statistics know; nil of none.
	Newest *time.Time `json:"newest,omitempty"`
	// Age is that of Until, in seconds.
	Age   float64        `json:"age_seconds,omitempty"`
	State FreshnessState `json:"state"`
}

// FreshnessState is an age against what is promised.
type FreshnessState string

// The states.
const (
	Fresh      FreshnessState = "fresh"
	Stale      FreshnessState = "stale"      // older than is promised
	Unpromised FreshnessState = "unpromised" // there is no promise
	Absent     FreshnessState = "absent"     // nothing was materialized
)

// FreshnessOf holds what was materialized of a view against what it promises. The newest event timestamp is told beside it and not held against anything: a feed may have nothing to say.
func FreshnessOf(promised feature.Span, progress feature.Progress, statistics *snapshot.Snapshot, now time.Time) *Freshness {
	f := &Freshness{Promised: time.Duration(promised).Seconds(), State: Absent}
	if statistics != nil && statistics.Rows > 0 {
		newest := statistics.Newest.Time()
		f.Newest = &newest
	}
	if progress.Manifest == "" {
		return f
	}
	until, written := progress.Until.Time(), progress.At
	age := now.Sub(until)
	f.Until, f.Written, f.Age = &until, &written, age.Seconds()
	switch {
	case promised == 0:
		f.State = Unpromised
	case age > time.Duration(promised):
		f.State = Stale
	default:
		f.State = Fresh
	}
	return f
}

// Used says who uses a definition, or one of its features.
type Used struct {
	// Definitions are other definitions that name it, in the versions that their names mean, such as "service credit@1".
	Definitions []string       `json:"definitions"`
	Pipelines   []UsedPipeline `json:"pipelines"`
	Models      []UsedModel    `json:"models"`
}

// UsedPipeline is a pipeline whose spec asks for features.
type UsedPipeline struct {
	Pipeline string `json:"pipeline"`
	// Published is the newest version that the spec was published as; 0 where it was registered by hand.
	Published int `json:"published,omitempty"`
	// Version is that of the view or other definition that it resolves to now.
	Version int `json:"version,omitempty"`
	// Features are those of a view that it takes, of expressions that it takes as well.
	Features []string `json:"features,omitempty"`
}

// UsedModel is a version of a model that was trained on features.
type UsedModel struct {
	Model   string   `json:"model"`
	Version int      `json:"model_version"`
	Aliases []string `json:"aliases,omitempty"`
	// Of and Features are as UsedPipeline has them.
	Of       int      `json:"version,omitempty"`
	Features []string `json:"features,omitempty"`
}
