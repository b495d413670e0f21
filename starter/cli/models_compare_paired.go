package cli

import (
	"fmt"
	"strconv"
)

// pairedMetric is a metric of two versions on the same rows, and what B's is above A's with its 95 % interval. The rows' own differences decide how
// wide that is: two versions that err on the same rows are told apart by far fewer of them than two intervals side by side would do.
type pairedMetric struct {
	Metric     string  `json:"metric"`
	A          float64 `json:"a"`
	B          float64 `json:"b"`
	Difference float64 `json:"difference"` // B minus A
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	P          float64 `json:"p"` // two-sided, of no difference
	Rows       int     `json:"rows"`
	Positives  int     `json:"positives"` // rows with a label of 1
}

// pairedRows are the rows that a paired comparison is made on.
type pairedRows struct {
	Version int    `json:"version"` // whose test part they are of
	Test    string `json:"test"`    // digest of that part
	Words   string `json:"words"`
}

// pair fills in the paired comparison of what was measured on the same rows.
func (c *comparison) pair() {
	same := c.SameRows
	c.Paired, c.PairedOn, c.PairedReason = []pairedMetric{}, nil, same.Unpaired
	if same.Differences == nil {
		return
	}
	for _, name := range sortedKeys(same.Differences) {
		d := same.Differences[name]
		c.Paired = append(c.Paired, pairedMetric{
			Metric: name, A: same.A[name].Estimate, B: same.B[name].Estimate, Difference: d.Estimate, Low: d.Lower, High: d.Upper, P: d.P, Rows: same.Rows, Positives: same.Positive,
		})
	}
	older := min(c.A.Version, c.B.Version)
	words := fmt.Sprintf("%d rows of the test part of version %d, %d of them with label 1", same.Rows, same.Of, same.Positive)
	if older != same.Of {
		words += fmt.Sprintf("; version %d may have been trained on some of them", older)
	}
	if same.Note != "" {
		words += "; " + same.Note
	}
	c.PairedOn = &pairedRows{Version: same.Of, Test: same.Test.SHA256, Words: words}
}

// pairedTable prints the paired comparison, or why there is none.
func (a *app) pairedTable(c comparison, one, two string) {
	if c.PairedReason != "" {
		fmt.Fprintf(a.out, "\nno paired comparison: %s\n", c.PairedReason)
		return
	}
	rows := [][]string{{"METRIC", one, two, "DIFFERENCE", "95 % INTERVAL", "P"}}
	for _, m := range c.Paired {
		rows = append(rows, []string{
			m.Metric, figure(m.A), figure(m.B), fmt.Sprintf("%+.4f", m.Difference), fmt.Sprintf("%+.4f to %+.4f", m.Low, m.High), strconv.FormatFloat(m.P, 'g', 2, 64),
		})
	}
	fmt.Fprintf(a.out, "\n%s minus %s, row by row: %s\n", two, one, c.PairedOn.Words)
	a.table(rows)
}
