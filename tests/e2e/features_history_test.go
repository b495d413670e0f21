package e2e

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// borrowersYAML are a view of files and events, plain and over windows, and one of events alone.
const borrowersYAML = `
entities:
  - {name: borrower, keys: [borrower_id]}
views:
  - name: reports
    entity: borrower
    source: {csv: {uri: "ARRIVALS/reports-*.csv"}}
    events: true
    id: report_id
    event_timestamp: reported_at
    created_timestamp: received_at
    ttl: 60d
    columns:
      - {name: amount, type: decimal, missing_max: 1}
      - {name: late, type: boolean}
    features:
      - {name: score, type: integer}
      - {name: grade, type: category, domain: [A, B, C]}
      - {name: amount_7d, aggregate: mean, of: amount, over: 7d}
      - {name: amount_30d, aggregate: mean, of: amount, over: 30d}
      - {name: sum_30d, aggregate: sum, of: amount, over: 30d}
      - {name: reports_30d, aggregate: count, over: 30d}
      - {name: late_30d, aggregate: sum, of: late, over: 30d}
      - {name: low_7d, aggregate: min, of: amount, over: 7d}
      - {name: high_30d, aggregate: max, of: amount, over: 30d}
      - {name: last_30d, aggregate: last, of: amount, over: 30d}
      - {name: grades_30d, aggregate: distinct, of: grade, over: 30d}
  - name: transfers
    entity: borrower
    events: true
    id: transfer_id
    columns:
      - {name: amount, type: decimal}
    features:
      - {name: transfers_30d, aggregate: count, over: 30d}
      - {name: transferred_30d, aggregate: sum, of: amount, over: 30d}
`

func borrowerID(n int) string { return fmt.Sprintf("B-%05d", n) }

func borrowers(first, last int) (ids []string) {
	for n := first; n < last; n++ {
		ids = append(ids, borrowerID(n))
	}
	return ids
}

// someTime is an instant of the last days. It is an hour away from the time of day that it is now: no view's TTL ends while the test runs.
func someTime(r *rand.Rand, now time.Time, days int) time.Time {
	return now.Truncate(time.Second).Add(-time.Duration(1+r.IntN(days))*24*time.Hour + time.Hour + time.Duration(r.IntN(22*3600))*time.Second)
}

// writeReports writes a random history of 10,000 borrowers to files: most reports are known within two days, some weeks late or only in days to come, some stand twice, some are put right
// later; of a tenth of the borrowers there is none.
func writeReports(t *testing.T, folder string, now time.Time) {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 12)) //nolint:gosec // a test's data
	var rows [][]string
	row := func(borrower, report int, event, known time.Time) []string {
		amount := strconv.FormatFloat(float64(r.IntN(1_000_000))/100, 'f', 2, 64)
		if r.IntN(10) == 0 {
			amount = ""
		}
		return []string{
			borrowerID(borrower), fmt.Sprintf("R-%d", report), event.Format(time.RFC3339), known.Format(time.RFC3339),
			strconv.Itoa(300 + r.IntN(550)), []string{"A", "B", "C", ""}[r.IntN(4)], amount, strconv.FormatBool(r.IntN(3) == 0),
		}
	}
	n := 0
	for b := range 10_000 {
		if b%10 == 9 {
			continue
		}
		for range 1 + r.IntN(5) {
			n++
			event := someTime(r, now, 80)
			known := event.Add(time.Duration(r.IntN(48*3600)) * time.Second)
			switch r.IntN(10) {
			case 0:
				known = known.Add(time.Duration(r.IntN(20)) * 24 * time.Hour)
			case 1:
				known = now.Add(time.Duration(1+r.IntN(9)) * 24 * time.Hour).Truncate(time.Second) // is not known yet
			}
			one := row(b, n, event, known)
			rows = append(rows, one)
			if r.IntN(8) == 0 {
				rows = append(rows, one)
			}
			for r.IntN(5) == 0 {
				known = known.Add(time.Duration(1+r.IntN(72*3600)) * time.Second)
				rows = append(rows, row(b, n, event, known))
			}
		}
	}
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	require.NoError(t, os.MkdirAll(folder, 0o755))
	for i := range 3 {
		out, err := os.Create(filepath.Join(folder, fmt.Sprintf("reports-%d.csv", i)))
		require.NoError(t, err)
		w := csv.NewWriter(out)
		require.NoError(t, w.Write([]string{"borrower_id", "report_id", "reported_at", "received_at", "score", "grade", "amount", "late"}))
		require.NoError(t, w.WriteAll(rows[i*len(rows)/3:(i+1)*len(rows)/3]))
		require.NoError(t, out.Close())
	}
}

// posting is an event that is posted.
type posting struct {
	view, id string
	borrower int
	at       time.Time
	amount   int
}

func (e posting) document() map[string]any {
	values := map[string]any{"amount": e.amount}
	if e.view == "reports" {
		values = map[string]any{"amount": float64(e.amount) / 8, "late": e.amount%2 == 0, "score": 300 + e.amount%500, "grade": []string{"A", "B", "C"}[e.amount%3]}
	}
	return map[string]any{"event_id": e.id, "entity": map[string]any{"borrower_id": borrowerID(e.borrower)}, "event_timestamp": e.at.Format(time.RFC3339), "values": values}
}

// postingsOf are events of both views about 500 borrowers, some of which are put right or sent again.
func postingsOf(now time.Time) (events []posting) {
	r := rand.New(rand.NewPCG(6, 12)) //nolint:gosec // a test's data
	for n := range 1500 {
		e := posting{view: []string{"transfers", "reports"}[n%2], id: fmt.Sprintf("E-%d", n), borrower: r.IntN(500), at: someTime(r, now, 28), amount: 1 + r.IntN(1000)}
		events = append(events, e)
		for r.IntN(4) == 0 {
			if r.IntN(2) == 0 {
				e.amount = 1001 + r.IntN(1_000_000) // no amount comes again: that would be a duplicate of what was put right
			}
			events = append(events, e)
		}
	}
	return events
}
