package monitor

import (
	"fmt"
	"math"

	"github.com/loanops/loanops/internal/statistics"
)

// Days counts the rows of a whole source: those that have a day, and those of which nobody can read one.
type Days struct {
	Dated   int64 `json:"dated"`
	Undated int64 `json:"undated"`
}

// fewUndated is how many rows of no day are a finding at least.
const fewUndated = 5

// Undated are rows of no day beyond slips, beyond what is accepted (a share of all rows, 0 to 1), and beyond chance: whatever is looked at by its day leaves
// them out, so that much of what is new may be among them. now is of all rows, before of those that the last look had, or the champion was made of, and fresh
// is how many rows have a day that is new. Nobody can tell when a row of no day came: among the rows that were there before, as many are expected as were then.
func Undated(column string, now, before Days, fresh int64, accepted float64) []Finding {
	if before.Dated == 0 {
		return nil
	}
	since := max(now.Dated-before.Dated, fresh) // with a day; where old rows are gone, or are of another file, no fewer than the fresh ones
	old := float64(now.Dated-since) / float64(before.Dated)
	n := now.Undated - int64(math.Round(old*float64(before.Undated)))
	if n < fewUndated {
		return nil
	}
	limit := max(accepted, slipShare)
	if lower, _ := statistics.Wilson(int(n), int(n+since)); lower <= limit {
		return nil
	}
	share := float64(n) / float64(n+since)
	return []Finding{{
		Kind: OfSchema, Feature: column, Statistic: UndatedRows, Value: share, Limit: limit, Rows: n + since, Meaning: true,
		Message: fmt.Sprintf("of %d new rows %d (%.2g %%) have no day in %q that can be read, where up to %.2g %% does not matter (schema.quarantine.max_share): no look sees them",
			n+since, n, 100*share, column, 100*limit),
	}}
}
