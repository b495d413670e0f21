package performance

import (
	"fmt"
	"math"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/statistics"
)

// NotUnderConceptChange is to be said wherever an estimate without labels is shown.
const NotUnderConceptChange = "not valid under concept change"

// OfApproved is to be said where an estimate is of those alone whose outcomes will be known.
const OfApproved = "of approved applicants alone, as outcomes are"

// Reference is rows that no version was trained on, with labels, such as the champion's test part.
type Reference struct {
	Labels []float64 // 1, 0, or NaN where not matured
	Scores []float64
	// Approved says that outcomes become known of approved applicants alone, as where the others get no loan.
	Approved bool
}

// Estimated is the performance that is to be expected before labels are known.
type Estimated struct {
	Rows      int `json:"rows"`
	Reference int `json:"reference_rows"` // matured
	// Metrics are of all rows, or of the approved ones where outcomes are of such alone. They are auc, brier, log_loss, accuracy and positive_rate (the share of positive labels), each with an interval that holds the value which
	// the labels of these rows will show in 95 of 100 cases. nil where there are not enough data, which Note then says.
	Metrics map[string]evaluate.Metric `json:"metrics,omitempty"`
	// ApprovalRate is the share that the policy approves, with Wilson's interval; ApprovedPositive the expected share of positive labels among
	// those. nil where the decisions are not told, or where none is approved.
	ApprovalRate     *evaluate.Metric `json:"approval_rate,omitempty"`
	ApprovedPositive *evaluate.Metric `json:"approved_positive_rate,omitempty"`
	// Extrapolated is the share of rows with scores beyond the middle 99 % of the reference's: the more of them, the less is known.
	Extrapolated float64 `json:"extrapolated"`
	// Caveat is NotUnderConceptChange, and OfApproved where the metrics are of these.
	Caveat string `json:"caveat"`
	Note   string `json:"note,omitempty"`
}

// Estimate says what performance to expect of scores whose labels are not known: how likely each row's label is positive is learned from what
// became of reference rows with such scores. The interval is of the labels' chance and of the reference's size. It holds while applicants
// with a score have the outcomes that they had in the reference, whatever the mix of scores (covariate shift); how often it does is simulated in
// docs/performance-estimates.md. Where labels are of approved applicants, the declined ones are left out: scores that nobody was lent to on would make the
// metrics another portfolio's. approved are the policy's decisions, nil where there are none.
//
// Source: confidence-based performance estimation, Kivimäki et al. 2024, arXiv 2407.08649; here with intervals.
func Estimate(reference Reference, scores []float64, approved []bool, limits Limits) (Estimated, error) {
	e := Estimated{Rows: len(scores), Caveat: NotUnderConceptChange}
	if err := check(reference.Labels, reference.Scores); err != nil {
		return e, fault.Wrap(fault.Invalid, err, "reference")
	}
	if err := check(nil, scores); err != nil {
		return e, err
	}
	if approved != nil && len(approved) != len(scores) {
		return e, fault.New(fault.Invalid, "%d decisions and %d scores", len(approved), len(scores))
	}
	if approved != nil && len(scores) > 0 {
		e.ApprovalRate = share(approved)
	}
	if reference.Approved && approved != nil {
		e.Caveat = OfApproved + "; " + NotUnderConceptChange
		scores = pickWhere(scores, approved)
		approved = pickWhere(approved, approved)
		e.Rows = len(scores)
	}
	y, p := known(reference.Labels, reference.Scores)
	e.Reference = len(y)
	if e.Note = limits.wanting(len(y), positives(y)); e.Note != "" {
		e.Note = "reference: " + e.Note
		return e, nil
	}
	if least := limits.orDefault().Rows; len(scores) < least {
		e.Note = fmt.Sprintf("not enough data: %d rows to estimate on, at least %d are needed", len(scores), least)
		return e, nil
	}
	calibration, ok := fitMap(y, p)
	if !ok {
		e.Note = "reference: the scores tell nothing that could be carried over"
		return e, nil
	}
	e.Extrapolated = calibration.outside(scores)
	rows := calibration.of(scores)
	e.Metrics = map[string]evaluate.Metric{}
	for name, metric := range expectedOf(rows.probability, scores) {
		e.Metrics[name] = rows.interval(metric, name)
	}
	e.Metrics["positive_rate"] = rows.interval(expectedMean(rows.probability, func(int) (one, zero float64) { return 1, 0 }), "positive_rate")
	if approving := count(approved); approving > 0 {
		part := float64(len(approved)) / float64(approving)
		positive := rows.interval(expectedMean(rows.probability, func(i int) (one, zero float64) {
			if approved[i] {
				return part, 0
			}
			return 0, 0
		}), "positive_rate")
		e.ApprovedPositive = &positive
	}
	return e, nil
}

// interval of what the labels will show, cut at what the metric can be.
func (f fresh) interval(e expected, name string) evaluate.Metric {
	labels, weights := f.spread(e.slope)
	margin := float64(statistics.Normal975 * math.Sqrt(labels+weights))
	m := evaluate.Metric{Estimate: e.estimate, Lower: math.Max(0, e.estimate-margin), Upper: e.estimate + margin}
	if name != "log_loss" {
		m.Upper = math.Min(1, m.Upper)
	}
	return m
}

func share(of []bool) *evaluate.Metric {
	lower, upper := statistics.Wilson(count(of), len(of))
	return &evaluate.Metric{Estimate: float64(count(of)) / float64(len(of)), Lower: lower, Upper: upper}
}

func count(of []bool) (yes int) {
	for _, is := range of {
		if is {
			yes++
		}
	}
	return yes
}

func pickWhere[T any](values []T, chosen []bool) []T {
	picked := make([]T, 0, len(values))
	for i, v := range values {
		if chosen[i] {
			picked = append(picked, v)
		}
	}
	return picked
}
