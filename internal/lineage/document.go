package lineage

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// Document is where a model version comes from and where it went. What was not recorded of it is empty.
type Document struct {
	Model           string                     `json:"model"`
	Version         int                        `json:"version"`
	Digest          string                     `json:"digest"` // SHA-256 of the bundle
	Meaning         pipeline.Meaning           `json:"label_meaning"`
	CreatedAt       time.Time                  `json:"created_at"`
	Bundle          artifact.Ref               `json:"bundle"`
	Algorithm       string                     `json:"algorithm"`
	Hyperparameters json.RawMessage            `json:"hyperparameters"`
	Metrics         map[string]evaluate.Metric `json:"metrics"`
	Code            registry.Code              `json:"code"`
	Steps           map[string]string          `json:"steps"` // step name to step version
	Run             *registry.Run              `json:"run"`   // that registered it
	Spec            Spec                       `json:"spec"`
	PipelineVersion int                        `json:"pipeline_version"` // that has the spec; 0: it was registered by hand
	Predictor       string                     `json:"predictor"`        // the image in which it serves; empty: the one that the worker's settings name
	Schema          Schema                     `json:"schema"`
	AsOf            string                     `json:"as_of"`
	Source          string                     `json:"source"`  // in words
	Sources         *Sources                   `json:"sources"` // null: it was trained before they were kept
	Dataset         Part                       `json:"dataset"`
	Views           []dataset.View             `json:"views"`     // feature views that the dataset was joined from, by its manifest
	Parts           []Part                     `json:"parts"`     // of the split, and the quarantine
	Artifacts       map[string]artifact.Ref    `json:"artifacts"` // by role
	// Deliveries are the runs that were to bring it to production, and Records the serving records that name it; both oldest first.
	Deliveries []Delivery `json:"deliveries"`
	Records    []Served   `json:"serving_records"`
}

// ViewNames are the feature views that the dataset was joined from, each with its version; empty where there are none.
func (d Document) ViewNames() string {
	names := make([]string, len(d.Views))
	for i, v := range d.Views {
		names[i] = v.ID()
	}
	return strings.Join(names, ", ")
}

// Spec is the pipeline spec that it was trained under.
type Spec struct {
	Digest    string    `json:"digest"`
	CreatedAt time.Time `json:"created_at"`
}

// Schema is the version of the pipeline's schema that its rows were held against.
type Schema struct {
	Version     int                         `json:"version"`
	Parent      int                         `json:"parent"`
	Ref         artifact.Ref                `json:"ref"`
	Changes     []string                    `json:"changes"`
	Acceptances []registry.SchemaAcceptance `json:"acceptances"`
}

// Part is a dataset: its manifest, and the Parquet files that this names.
type Part struct {
	Role     string       `json:"role"`
	Manifest artifact.Ref `json:"manifest"`
	Rows     int64        `json:"rows"`
	Columns  int          `json:"columns"`
	Files    []File       `json:"files"`
}

// Delivery is a run of a delivery.
type Delivery struct {
	RunID     string           `json:"run_id"`
	Trigger   registry.Trigger `json:"trigger"`
	StartedAt time.Time        `json:"started_at"`
	EndedAt   time.Time        `json:"ended_at"` // zero while it goes on
	Verdict   string           `json:"verdict"`
	Reasons   []string         `json:"reasons"`
}

// Served is a serving record that names the version.
type Served struct {
	As []string `json:"as"` // champion, challenger, previous
	serving.Record
}

// Serving are the records of a history that name a version.
func Serving(history []serving.Record, version int) []Served {
	served := []Served{}
	for _, r := range history {
		var as []string
		for _, t := range []struct {
			alias string
			track *serving.Track
		}{{serving.ChampionAlias, r.Champion}, {serving.ChallengerAlias, r.Challenger}, {serving.PreviousAlias, r.Previous}} {
			if t.track != nil && t.track.Version == version {
				as = append(as, t.alias)
			}
		}
		if len(as) > 0 {
			served = append(served, Served{as, r})
		}
	}
	return served
}
