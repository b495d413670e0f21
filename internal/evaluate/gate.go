package evaluate

import (
	"fmt"

	"github.com/loanops/loanops/internal/pipeline"
)

// Check is what one gate said.
type Check struct {
	Passed  bool   `json:"passed"`
	Message string `json:"message"`
}

// Comparison is the challenger beside the champion, on the same rows.
type Comparison struct {
	// Differences are the challenger's metrics minus the champion's, see Paired; nil where nothing was compared, and Note says why.
	Differences map[string]Difference
	// Same says that both are the same model.
	Same bool
	Note string
}

// Gate holds the metrics against the gates. Bounds are inclusive: a metric equal to its min or max passes. A metric that was not
// measured, or is not a number, never passes. auc_drop is the champion's AUC minus the challenger's on the rows that both take; where nothing was
// compared it passes and says why.
func Gate(gates []pipeline.Gate, metrics map[string]Metric, with Comparison) (passed bool, checks []Check) {
	passed = true
	for _, gate := range gates {
		check := judge(gate, metrics, with)
		passed = passed && check.Passed
		checks = append(checks, check)
	}
	return passed, checks
}

func judge(gate pipeline.Gate, metrics map[string]Metric, with Comparison) Check {
	name := gate.Metric
	var value float64
	switch metric, measured := metrics[name]; {
	case name == pipeline.AUCDrop && with.Differences == nil:
		return Check{Passed: true, Message: pipeline.AUCDrop + ": skipped, " + with.Note}
	case name == pipeline.AUCDrop:
		value = -with.Differences["auc"].Estimate
	case !measured:
		return Check{Message: fmt.Sprintf("%s was not measured", name)}
	case gate.Value == "lower":
		name, value = fmt.Sprintf("lower end of %s (estimate %.4f)", name, metric.Estimate), metric.Lower
	case gate.Value == "upper":
		name, value = fmt.Sprintf("upper end of %s (estimate %.4f)", name, metric.Estimate), metric.Upper
	default:
		value = metric.Estimate
	}
	// Written so that NaN fails both comparisons.
	if gate.Min != nil && !(value >= *gate.Min) {
		return Check{Message: fmt.Sprintf("%s is %.4f, at least %v is wanted", name, value, *gate.Min)}
	}
	if gate.Max != nil && !(value <= *gate.Max) {
		return Check{Message: fmt.Sprintf("%s is %.4f, at most %v is wanted", name, value, *gate.Max)}
	}
	return Check{Passed: true, Message: fmt.Sprintf("%s is %.4f", name, value)}
}

// Against holds a model against the champion, see BeyondNoise. Where nothing can be compared it passes and says why: what else there is decides. So does
// a model that is the champion.
func Against(wanted pipeline.Against, with Comparison) Check {
	const name = "against_champion"
	switch {
	case with.Same:
		return Check{Passed: true, Message: name + ": it is the champion"}
	case with.Differences == nil:
		return Check{Passed: true, Message: name + ": not comparable, " + with.Note}
	}
	outcome, why := BeyondNoise(with.Differences)
	check := Check{Passed: true, Message: name + ": " + why}
	switch {
	case wanted == pipeline.NotWorse && outcome == Worse:
		check = Check{Message: check.Message + ", and not worse is wanted"}
	case wanted == pipeline.IsBetter && outcome != Better:
		check = Check{Message: check.Message + ", and better beyond noise is wanted"}
	}
	return check
}
