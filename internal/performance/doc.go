// Package performance says how well a model does in production: on labels that have matured, and before they have, by estimate; how that changed,
// which of several versions is best, whom the decisions favour, and how soon a model must be trained anew.
//
// Labels are 1, 0 or NaN, as dataset.Label gives them: one that is not known, or has not matured, is NaN and is never counted. "Not enough data"
// is a result and stands in a Note; errors are for input that is wrong.
package performance

import (
	"fmt"
	"math"

	"github.com/loanops/loanops/internal/fault"
)

// Limits are how few rows are too few. Zero values mean the defaults.
type Limits struct {
	Rows  int // matured rows; 100 by default
	Class int // of them, rows of either class; 10 by default, and never below 2
}

func (l Limits) orDefault() Limits {
	if l.Rows == 0 {
		l.Rows = 100
	}
	if l.Class == 0 {
		l.Class = 10
	}
	l.Class = max(l.Class, 2)
	return l
}

// wanting says what is missing for a measurement, and is empty where nothing is.
func (l Limits) wanting(rows, positives int) string {
	l = l.orDefault()
	switch {
	case rows < l.Rows:
		return fmt.Sprintf("not enough data: %s, at least %d are needed", counted(rows), l.Rows)
	case min(positives, rows-positives) < l.Class:
		return fmt.Sprintf("not enough data: %d of %s are positive, at least %d of each class are needed", positives, counted(rows), l.Class)
	}
	return ""
}

func counted(rows int) string {
	if rows == 1 {
		return "1 matured row"
	}
	return fmt.Sprintf("%d matured rows", rows)
}

// known are the rows with a label, in their order.
func known(y, p []float64) (labels, scores []float64) {
	for i, label := range y {
		if !math.IsNaN(label) {
			labels, scores = append(labels, label), append(scores, p[i])
		}
	}
	return labels, scores
}

// check says what is wrong with scores and, where there are any, labels.
func check(y, p []float64) error {
	if y != nil && len(y) != len(p) {
		return fault.New(fault.Invalid, "%d labels and %d scores", len(y), len(p))
	}
	for i, score := range p {
		if !(score >= 0 && score <= 1) {
			return fault.New(fault.Invalid, "row %d: the score is not a probability from 0 to 1", i+1)
		}
	}
	for i, label := range y {
		if label != 0 && label != 1 && !math.IsNaN(label) {
			return fault.New(fault.Invalid, "row %d: the label is not 0, 1 or NaN (not known yet)", i+1)
		}
	}
	return nil
}

// positives counts labels of 1.
func positives(y []float64) int {
	count := 0
	for _, label := range y {
		if label == 1 {
			count++
		}
	}
	return count
}
