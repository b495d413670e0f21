package monitor

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/drift"
)

// The first look has a level of 0.05 / ζ(1.6) = 0.0219: among the p-values of n tests the smallest is found up to 0.0219 / n, which is 0.00109 of twenty and
// 0.00438 of five. All features together are one of the tests, and what could not be tested is none. Wanted by hand.
func TestFalseDiscoveriesAreControlledOverAllThatIsTested(t *testing.T) {
	t.Parallel()
	together := func(p float64) drift.Separation {
		return drift.Separation{P: p, AUC: 0.9, Lower: 0.8, Limit: 0.59, Beyond: true}
	}
	untested := func(n int) (results []drift.Result) {
		for i := range n {
			results = append(results, drift.Result{Feature: drift.Feature{Name: fmt.Sprint("short", i)}, P: 1, Short: &drift.Shortage{}, Statistics: []drift.Statistic{}})
		}
		return results
	}
	short := Unseen{Unseen: drift.Unseen{Feature: "city", P: 1, Short: &drift.Shortage{}}}
	income := func(p float64) drift.Result { return seen("income", p, true) }
	for _, test := range []struct {
		name  string
		drift Drift
		want  int
	}{
		{"all together, among twenty", Drift{Overall: quiet(19), Together: together(0.0012)}, 0},
		{"all together, clearly", Drift{Overall: quiet(19), Together: together(0.001)}, 1},
		{"a feature, among twenty", Drift{Overall: append(quiet(18), income(0.0012))}, 0},
		{"a feature, clearly", Drift{Overall: append(quiet(18), income(0.001))}, 1},
		{"a value of a segment, among twenty", Drift{Overall: quiet(18), Segments: []SegmentDrift{{Value: "bank", Results: []drift.Result{income(0.0012)}}}}, 0},
		{"a value of a segment, clearly", Drift{Overall: quiet(18), Segments: []SegmentDrift{{Value: "bank", Results: []drift.Result{income(0.001)}}}}, 1},
		{"beside features of too few rows", Drift{Overall: append(append(quiet(3), untested(20)...), income(0.004))}, 1},
		{"beside segments of too few rows", Drift{Overall: append(quiet(3), income(0.004)), Segments: []SegmentDrift{{Value: "bank", Results: untested(20)}}}, 1},
		{"beside values of too few rows", Drift{Overall: append(quiet(3), income(0.004)), Unseen: []Unseen{short, short, short}}, 1},
	} {
		findings, _ := found(t, test.drift, nil)
		require.Len(t, findings, test.want, test.name)
	}
}
