package performance

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/evaluate"
)

// Recent is the newest vintages together, down to the last matured row.
type Recent struct {
	Since    string `json:"since"` // the first of them, such as 2026-05
	Vintages int    `json:"vintages"`
	Rows     int    `json:"rows"` // matured
	// Differences are their auc, calibration and brier_excess minus the reference's.
	Differences map[string]evaluate.Difference `json:"differences"`
	// Expected are the same three minus what is expected of these very scores where applicants with a score have the outcomes that they had in the reference:
	// an AUC is lower where scores are more alike, and months differ in who applies. nil where the reference tells nothing that could be carried over.
	Expected map[string]evaluate.Difference `json:"beside_expected,omitempty"`
	// P is the p of no decay: a metric decayed where it is worse, by more than the tolerance, than the reference's and than what is expected, so that
	// its p is the larger of the two; that of all metrics together is three times the smallest (Bonferroni).
	P        float64 `json:"p"`
	evidence evidence
	first    float64 // day
}

// Holds says whether a row of a day, as dataset.Day counts them, is of these vintages. One without a day (NaN) is of none.
func (r Recent) Holds(day float64) bool { return day >= r.first }

// vintagesBack are how many of k vintages are looked at by themselves, the fewest first: 1, 2, 3, 4, 6, 8, 12, 16, ... below k. For a change of
// any age one of these has six sevenths of the evidence, which costs less than to share the level among all numbers would.
func vintagesBack(k int) (counts []int) {
	for n := 1; n < k; n *= 2 {
		counts = append(counts, n)
		if half := n + n/2; n > 1 && half < k {
			counts = append(counts, half)
		}
	}
	return counts
}

// recents are the newest vintages, each number of them that has rows enough, held against the reference. Fewer than two vintages have no newest ones.
func (w Window) recents(reference Reference, tolerance Tolerance, limits Limits) ([]Recent, error) {
	found := []Recent{}
	var months []part // with a day, and a label
	for _, v := range w.vintages() {
		if !math.IsNaN(v.begins) && w.matured(v.rows) > 0 {
			months = append(months, v)
		}
	}
	calibration, known := fitMap(reference.Labels, reference.Scores)
	var y, p []float64
	taken := 0
	for _, back := range vintagesBack(len(months)) {
		for ; taken < back; taken++ {
			for _, i := range months[len(months)-1-taken].rows {
				if !math.IsNaN(w.Labels[i]) {
					y, p = append(y, w.Labels[i]), append(p, w.Scores[i])
				}
			}
		}
		if limits.wanting(len(y), positives(y)) != "" {
			continue
		}
		first := months[len(months)-back]
		r := Recent{Since: first.name, Vintages: back, Rows: len(y), first: first.begins}
		var err error
		if r.Differences, err = evaluate.Independent(reference.Labels, reference.Scores, y, p); err != nil {
			return nil, err
		}
		maps.DeleteFunc(r.Differences, func(metric string, _ evaluate.Difference) bool { return !slices.Contains(deciding, metric) })
		if known {
			r.Expected = besideExpected(calibration.of(p), y, p, deciding...)
		}
		r.evidence = decay(r.Differences, r.Expected, tolerance.of(reference, p))
		r.P = r.evidence.p()
		found = append(found, r)
	}
	return found, nil
}

// matured counts rows with a label.
func (w Window) matured(rows []int) (count int) {
	for _, i := range rows {
		if !math.IsNaN(w.Labels[i]) {
			count++
		}
	}
	return count
}

// besideExpected is what became of rows minus what was to be expected of their scores. What is by chance are the labels and the map, not the scores.
func besideExpected(rows fresh, y, p []float64, metrics ...string) map[string]evaluate.Difference {
	of := map[string]func([]float64) expected{
		"auc": func(probability []float64) expected { return expectedAUC(probability, p) },
		"calibration": func(probability []float64) expected {
			return expectedMean(probability, func(i int) (one, zero float64) { return 1 - p[i], -p[i] })
		},
		"brier_excess": func(probability []float64) expected {
			return expectedMean(probability, func(i int) (one, zero float64) {
				far := 1 - 2*p[i]
				return float64((1 - p[i]) * far), -float64(p[i] * far)
			})
		},
	}
	differences := map[string]evaluate.Difference{}
	for _, name := range metrics {
		e := of[name](rows.probability)
		labels, weights := rows.spread(e.slope)
		differences[name] = evaluate.NewDifference(of[name](y).estimate-e.estimate, labels+weights)
	}
	return differences
}

// note tells what was found.
func (r Recent) note() string {
	text := told(r.Differences)
	if auc, told := r.Expected["auc"]; told {
		text += fmt.Sprintf("; beside what such scores should show: auc %+.4f (%+.4f to %+.4f)", auc.Estimate, auc.Lower, auc.Upper)
	}
	return text
}
