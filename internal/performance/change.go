package performance

import (
	"fmt"
	"math"
	"slices"

	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
)

// Change is the realised performance of a window beside that on the reference, which are different rows.
type Change struct {
	Rows      int `json:"rows"`           // matured
	Reference int `json:"reference_rows"` // matured
	// Differences are the window's auc, ks, brier, log_loss, accuracy, calibration and brier_excess minus the reference's; nil where there are not enough data.
	Differences map[string]evaluate.Difference `json:"differences,omitempty"`
	// Expected are calibration and brier_excess minus what is expected of these very scores, see Recent. nil where the reference tells nothing.
	Expected map[string]evaluate.Difference `json:"beside_expected,omitempty"`
	// Allowed is by how much auc, calibration and brier_excess may be off without decay.
	Allowed map[string]float64 `json:"allowed,omitempty"`
	// Recent are the newest vintages by themselves, the fewest first: what began lately is averaged away in the whole. None without days.
	Recent []Recent `json:"recent"`
	// P is the p of no decay: of an AUC that fell, a calibration that moved either way, and a brier_excess that rose, by no more than the tolerance (Bonferroni),
	// in the whole window or in its newest vintages. The whole has half of the level, the newest vintages share the other half; without these it has all of it.
	P float64 `json:"p"`
	// By is the first of auc, calibration and brier_excess that would have decided alone; empty where it did not decay.
	By string `json:"by,omitempty"`
	// Decayed is found in at most 2.5 % of windows without decay.
	Decayed bool `json:"decayed"`
	// Since is the vintage since which it decayed: where the evidence is strongest; empty: in the whole window, or it did not.
	Since string `json:"since,omitempty"`
	Note  string `json:"note"` // the finding in words, or why there is none
	// decisive are the p-values of what decides, share is by how much they are multiplied.
	decisive evidence
	share    float64
}

// evidence is the p of no decay by each of deciding.
type evidence [3]float64

// deciding are the metrics that tell decay, that which people know best first.
var deciding = []string{"auc", "calibration", "brier_excess"}

// p is that of all metrics together (Bonferroni).
func (e evidence) p() float64 { return math.Min(1, float64(len(e))*slices.Min(e[:])) }

// level is how often a finding is wrong where there is nothing to find.
const level = 0.025

// Tolerance is how much of a change does not matter, 0 by default.
type Tolerance struct {
	AUC float64 // by how much it may fall
	// Calibration is by how much the outcomes of all applicants may be off what their scores promise, in standard deviations of an outcome: 0.06 of them are
	// three points where half of the labels are positive, and six tenths of a point where one in a hundred is.
	Calibration float64
}

// of is the tolerance for rows beside the reference, in units of the metrics that decide: an outcome that is off by as much for all of them moves brier_excess
// by the mean of 1 - 2p of that.
func (t Tolerance) of(reference Reference, p []float64) (allowed map[string]float64) {
	share := float64(positives(reference.Labels)) / float64(len(reference.Labels))
	calibration, excess := t.Calibration*math.Sqrt(share*(1-share)), 0.0
	for _, score := range p {
		excess += float64(calibration*math.Abs(1-2*score)) / float64(len(p))
	}
	return map[string]float64{"auc": t.AUC, "calibration": calibration, "brier_excess": excess}
}

// Changed compares the window's matured rows with the reference's. Three metrics decide: auc (do scores still rank), calibration (is the share of
// positive labels what they promise: too many and too few alike) and brier_excess (are they too sure of themselves). The Brier score and the log loss do
// not, since both rise with the share of doubtful applicants, which is no decay of the model.
//
// The newest vintages are held against the reference by themselves as well, see Recent. They are parts of each other, so that their p-values hang together,
// and the level is shared all the same (Bonferroni): at the levels that many looks leave, two of them are seldom beyond theirs at once, and little is lost.
func Changed(reference Reference, w Window, tolerance Tolerance, limits Limits) (Change, error) {
	c := Change{P: 1, Recent: []Recent{}}
	if err := check(reference.Labels, reference.Scores); err != nil {
		return c, fault.Wrap(fault.Invalid, err, "reference")
	}
	if err := w.check(); err != nil {
		return c, err
	}
	y, p := known(w.Labels, w.Scores)
	before := Reference{}
	before.Labels, before.Scores = known(reference.Labels, reference.Scores)
	c.Rows, c.Reference = len(y), len(before.Labels)
	if c.Note = limits.wanting(len(before.Labels), positives(before.Labels)); c.Note != "" {
		c.Note = "reference: " + c.Note
		return c, nil
	}
	if c.Note = limits.wanting(len(y), positives(y)); c.Note != "" {
		return c, nil
	}
	var err error
	if c.Differences, err = evaluate.Independent(before.Labels, before.Scores, y, p); err != nil {
		return c, err
	}
	if c.Recent, err = w.recents(before, tolerance, limits); err != nil {
		return c, err
	}
	if calibration, known := fitMap(before.Labels, before.Scores); known {
		c.Expected = besideExpected(calibration.of(p), y, p, "calibration", "brier_excess")
	}
	c.Allowed = tolerance.of(before, p)
	c.decide(decay(c.Differences, c.Expected, c.Allowed))
	return c, nil
}

// Among is the change as one of many looks, all of which share the level: a p-value is multiplied by so much.
func (c Change) Among(looks float64) Change {
	c.share *= looks
	c.settle()
	return c
}

// decide finds where the evidence is strongest, each having its share of the level.
func (c *Change) decide(whole evidence) {
	c.decisive, c.share, c.Note = whole, c.Whole(), told(c.Differences)
	for _, r := range c.Recent {
		if c.Newest()*r.evidence.p() < c.share*c.decisive.p() {
			c.decisive, c.share, c.Since, c.Note = r.evidence, c.Newest(), r.Since, r.note()
		}
	}
	c.settle()
}

// settle says whether it decayed, and by what; what did not did so since never.
func (c *Change) settle() {
	if c.Differences == nil {
		return
	}
	c.P, c.By = math.Min(1, c.share*c.decisive.p()), ""
	if c.Decayed = c.P <= level; !c.Decayed {
		c.Since, c.Note = "", told(c.Differences)
		return
	}
	for i, metric := range deciding {
		if c.share*float64(len(deciding))*c.decisive[i] <= level {
			c.By = metric
			return
		}
	}
}

// Whole is by how much a p-value of the whole window is multiplied for its share of the level.
func (c Change) Whole() float64 {
	if len(c.Recent) == 0 {
		return 1
	}
	return 2
}

// Newest is by how much a p-value of some of the newest vintages is multiplied for its share of the level.
func (c Change) Newest() float64 { return 2 * float64(len(c.Recent)) }

// Decisive are the vintages since which the champion decayed; nil where it is the whole window.
func (c Change) Decisive() *Recent {
	for i, r := range c.Recent {
		if r.Since == c.Since {
			return &c.Recent[i]
		}
	}
	return nil
}

// decay is what each metric says: it decayed where it did beside the reference's, and beside what is expected where that is told.
func decay(differences, expected map[string]evaluate.Difference, allowed map[string]float64) (e evidence) {
	for i, metric := range deciding {
		e[i] = worse(metric, differences[metric], allowed[metric])
		if beside, told := expected[metric]; told {
			e[i] = math.Max(e[i], worse(metric, beside, allowed[metric]))
		}
	}
	return e
}

// worse is the p of a metric that decayed by no more than what is allowed. Scores may promise too little and too much, so that calibration's has two sides.
func worse(metric string, d evaluate.Difference, allowed float64) float64 {
	switch metric {
	case "auc":
		return d.Below(-allowed)
	case "calibration":
		return 2 * math.Min(d.Above(allowed), d.Below(-allowed))
	}
	return d.Above(allowed)
}

// told is differences in words.
func told(differences map[string]evaluate.Difference) string {
	auc, calibration, excess := differences["auc"], differences["calibration"], differences["brier_excess"]
	return fmt.Sprintf("auc %+.4f (95 %% interval %+.4f to %+.4f), positive labels above what the scores promise %+.4f (%+.4f to %+.4f), Brier score above it %+.4f (%+.4f to %+.4f)",
		auc.Estimate, auc.Lower, auc.Upper, calibration.Estimate, calibration.Lower, calibration.Upper, excess.Estimate, excess.Lower, excess.Upper)
}
