package monitor

import "fmt"

// Undated are rows whose day nobody can read, where there are more of them than there were: whatever is looked at by its day leaves them out, so that all
// that is new may be among them. n is how many there are in all, before how many there were when the champion was made, and read how many rows have a
// day that is new.
func Undated(column string, n, before, read int64) []Finding {
	if n <= before {
		return nil
	}
	return []Finding{{
		Kind: OfSchema, Feature: column, Statistic: "undated", Value: float64(n), Limit: float64(before), Rows: n + read, Meaning: true,
		Message: fmt.Sprintf("%d rows have no day in %q that can be read, where %d had none when the champion was made: no look sees them", n, column, before),
	}}
}
