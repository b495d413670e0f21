package evaluate

import "fmt"

// Outcome is what a paired comparison says of the second model.
type Outcome string

// The outcomes.
const (
	Worse       Outcome = "worse"
	Better      Outcome = "better"
	WithinNoise Outcome = "within_noise"
)

// level is how often a model that is as good as the other is called worse, and how often better: each end of a 95 % interval.
const level = 0.025

// BeyondNoise says whether the second model of a Paired comparison is worse than the first, or better, beyond what chance explains. Two metrics decide:
// auc (does it rank as well) and brier (are its probabilities as good; unlike log_loss it is bounded, so that one row decides nothing and its interval
// holds on few rows). Either suffices, each at half the level (Bonferroni), so that at most 2.5 % of equal models are called worse, and 2.5 % better. Where
// one metric is worse the model is, whatever the other says.
func BeyondNoise(differences map[string]Difference) (outcome Outcome, why string) {
	auc, brier := differences["auc"], differences["brier"]
	says := fmt.Sprintf("auc %+.4f (95 %% interval %+.4f to %+.4f), brier %+.4f (%+.4f to %+.4f)",
		auc.Estimate, auc.Lower, auc.Upper, brier.Estimate, brier.Lower, brier.Upper)
	switch {
	case PWorse(differences) <= level:
		return Worse, "worse beyond noise: " + says
	case PBetter(differences) <= level:
		return Better, "better beyond noise: " + says
	default:
		return WithinNoise, "within noise: " + says
	}
}

// PWorse is the one-sided p of the hypothesis that the second model is worse in neither AUC nor Brier score (Bonferroni).
func PWorse(differences map[string]Difference) float64 {
	return min(1, 2*min(differences["auc"].Below(0), differences["brier"].Above(0)))
}

// PBetter is the one-sided p of the hypothesis that the second model is better in neither AUC nor Brier score (Bonferroni).
func PBetter(differences map[string]Difference) float64 {
	return min(1, 2*min(differences["auc"].Above(0), differences["brier"].Below(0)))
}
