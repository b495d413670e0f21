package registry

import (
	"encoding/json"
	"time"

	"github.com/loanops/loanops/internal/monitor"
)

// Look is one look at what serves: which rows, what was found, and what it came to.
type Look struct {
	RunID    string `json:"run_id"`
	Pipeline string `json:"pipeline"`
	// Rows are those of the applications after one day and until another, 2006-01-02.
	After string `json:"after"`
	AsOf  string `json:"as_of"`
	// Until is the last day that the rows have: those of later days no look has seen yet. Empty where there are none.
	Until string `json:"until,omitempty"`
	// Dataset and Outcomes are the digests of the rows that are new, and of those by which versions were measured.
	Dataset  string `json:"dataset,omitempty"`
	Outcomes string `json:"outcomes,omitempty"`
	// Data are the rows that were looked at in place of what is new in the source; such a look says nothing about what later ones must look at.
	Data     string `json:"data,omitempty"`
	Rows     int64  `json:"rows"`
	Matured  int64  `json:"matured"`  // rows since the champion was made whose label is final
	Champion int    `json:"champion"` // version; 0: none
	// Days counts the rows of the whole source; nil of rows of their own.
	Days *monitor.Days `json:"days,omitempty"`
	// Enough says that the rows were enough to look for drift. Those of a look that had too few count in the next one.
	Enough  bool            `json:"enough"`
	Verdict monitor.Verdict `json:"verdict"`
	Reasons []string        `json:"reasons"`
	// Done is what became of the verdict, BackTo the older version that it brings back; 0 is none.
	Done     monitor.Done      `json:"done,omitempty"`
	BackTo   int               `json:"back_to,omitempty"`
	Findings []monitor.Finding `json:"findings"`
	// Tested is what later looks at the same champion must know of the tests of this one, see drift.Looks. It does not grow with their number.
	Tested json.RawMessage `json:"tested,omitempty"`
	// Refusals is what was read of the gateway: the next look counts from there.
	Refusals json.RawMessage `json:"refusals,omitempty"`
	At       time.Time       `json:"at"`
}
