package registry

import (
	"time"

	"github.com/loanops/loanops/internal/artifact"
)

// SchemaVersion is one state of a pipeline's schema. It names the schema and holds none of its values: a domain is data. Never changed after it is
// written, but for being accepted.
type SchemaVersion struct {
	Pipeline string `json:"pipeline"`
	Version  int    `json:"version"` // 1, 2, 3 … per pipeline, without gaps
	// Parent is the version that it changes; 0 for the first.
	Parent   int          `json:"parent"`
	Schema   artifact.Ref `json:"schema"`   // schema.Schema as JSON
	Declared artifact.Ref `json:"declared"` // the same as the spec declared it, before data changed it
	// Unused are columns that data have and the spec does not list.
	Unused  []string `json:"unused"`
	Changes []string `json:"changes"` // against the parent, in words, without values
	Actor   string   `json:"actor"`
	// RunID is of the run that brought it.
	RunID     string    `json:"run_id"`
	CreatedAt time.Time `json:"created_at"`
	// Acceptances are the decisions to use it, oldest first; none: it is proposed, and waits for a person.
	Acceptances []SchemaAcceptance `json:"acceptances"`
	// Current says that data are held against it: of all versions it was accepted last.
	Current bool `json:"current"`
}

// SchemaAcceptance is a decision to use a schema version from now on.
type SchemaAcceptance struct {
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// CurrentSchema is the version against which data are held; none before the first.
func CurrentSchema(versions []SchemaVersion) (current SchemaVersion, found bool) {
	for _, v := range versions {
		if v.Current {
			return v, true
		}
	}
	return SchemaVersion{}, false
}
