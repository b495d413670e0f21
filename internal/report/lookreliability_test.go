package report_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/performance"
	"github.com/loanops/loanops/internal/report"
)

// Wanted by hand.
func TestLookShowsReliability(t *testing.T) {
	t.Parallel()
	seen := func(predicted, observed float64) performance.ReliabilityBin {
		return performance.ReliabilityBin{Rows: 60, Predicted: predicted, Observed: evaluate.Metric{Estimate: observed, Lower: observed - 0.05, Upper: observed + 0.05}}
	}
	scores := make([]int, 100)
	scores[3], scores[7], scores[9] = 113, 4, 5
	realised := performance.Reliability{
		Rows: 122, Bins: []performance.ReliabilityBin{seen(0.05, 0.06), seen(0.1, 0.2)}, Scores: scores,
		Calibration: &performance.Calibration{MeanPredicted: 0.075, ExpectedError: 0.055, Slope: &evaluate.Metric{Estimate: 1.3, Lower: 1.1, Upper: 1.5}},
	}
	p := monitor.Performance{Reliability: monitor.Reliability{Realised: realised, Judged: performance.Reliability{Rows: 3, Note: "not enough data: 3 matured rows"}}}
	page := lookPage(t, report.Look{Performance: &p})
	for _, test := range []struct{ name, want string }{
		{"the matured rows", "On outcomes since, 122 rows"},
		{"the test part", "When it was judged, on the test part, 3 rows</h4><p class=\"lead\">not enough data"},
		{"a bin", "<title>predicted 10.0 %, observed 20.0 % (15.0 % to 25.0 %), 60 rows</title>"},
		{"a bin that is apart", `<circle class="dot apart"`},
		{"a bin that is not", `<circle class="dot calm"`},
		{"bars", "<title>scores from 3.0 % to 4.0 %: 113 rows</title>"},
		{"a bar of few rows", "<title>scores from 7.0 % to 8.0 %: fewer than 5 rows</title>"},
		{"a bar of just enough", "<title>scores from 9.0 % to 10.0 %: 5 rows</title>"},
		{"for those who see no plot", "<desc>2 groups of rows by score: in 1 more labels are positive than predicted, in 0 fewer"},
		{"the slope", "<dt>slope (1 is right)</dt><dd>1.300 <small>1.100 to 1.500</small>"},
		{"the expected error", "expected error (ECE)</dt><dd>0.055</dd>"},
		{"as a table", `<th scope="row">10.0 %</th><td>20.0 %</td><td>15.0 % to 25.0 %</td><td>60</td>`},
	} {
		require.Contains(t, page, test.want, test.name)
	}
	require.NotContains(t, page, "scores from 7.0 % to 8.0 %: 4")
}
