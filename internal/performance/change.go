package performance

import (
	"fmt"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
)

// Change is the realised performance of a window beside that on the reference, which are different rows.
type Change struct {
	Rows      int `json:"rows"`           // matured
	Reference int `json:"reference_rows"` // matured
	// Differences are the window's auc, ks, brier, log_loss, accuracy and brier_excess minus the reference's; nil where there are not enough data.
	Differences map[string]evaluate.Difference `json:"differences,omitempty"`
	// P is the one-sided p of no decay: of an AUC that fell, and of a brier_excess that rose, by no more than the tolerance (Bonferroni).
	P float64 `json:"p"`
	// Decayed is found in at most 2.5 % of windows without decay.
	Decayed bool   `json:"decayed"`
	Note    string `json:"note"` // the finding in words, or why there is none
}

// level is how often a finding is wrong where there is nothing to find.
const level = 0.025

// Changed compares the window's matured rows with the reference's. Two metrics decide: auc (do scores still rank) and brier_excess (are they still
// the probabilities that they claim to be). The Brier score and the log loss themselves do not, since both rise with the share of doubtful
// applicants, which is no decay of the model. tolerance is how much each may lose, 0 by default.
func Changed(reference Reference, w Window, tolerance evaluate.Margins, limits Limits) (Change, error) {
	c := Change{P: 1}
	if err := check(reference.Labels, reference.Scores); err != nil {
		return c, fault.Wrap(fault.Invalid, err, "reference")
	}
	if err := w.check(); err != nil {
		return c, err
	}
	y, p := known(w.Labels, w.Scores)
	yBefore, before := known(reference.Labels, reference.Scores)
	c.Rows, c.Reference = len(y), len(yBefore)
	if c.Note = limits.wanting(len(yBefore), positives(yBefore)); c.Note != "" {
		c.Note = "reference: " + c.Note
		return c, nil
	}
	if c.Note = limits.wanting(len(y), positives(y)); c.Note != "" {
		return c, nil
	}
	differences, err := evaluate.Independent(yBefore, before, y, p)
	if err != nil {
		return c, err
	}
	c.Differences = differences
	auc, excess := differences["auc"], differences["brier_excess"]
	c.P = min(1, 2*min(auc.Below(-tolerance.AUC), excess.Above(tolerance.Brier)))
	c.Decayed = c.P <= level
	c.Note = fmt.Sprintf("auc %+.4f (95 %% interval %+.4f to %+.4f), Brier score above what the scores promise %+.4f (%+.4f to %+.4f)",
		auc.Estimate, auc.Lower, auc.Upper, excess.Estimate, excess.Lower, excess.Upper)
	return c, nil
}
