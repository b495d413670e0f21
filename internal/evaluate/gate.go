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

// Gate holds the metrics against the gates. Bounds are inclusive: a metric equal to its min or max passes. A metric that was not
// measured, or is not a number, never passes. auc_drop is the champion's AUC on the same test rows minus the challenger's; without a
// champion it passes and says that it was skipped.
func Gate(gates []pipeline.Gate, metrics, champion map[string]Metric) (passed bool, checks []Check) {
	passed = true
	for _, gate := range gates {
		check := judge(gate, metrics, champion)
		passed = passed && check.Passed
		checks = append(checks, check)
	}
	return passed, checks
}

func judge(gate pipeline.Gate, metrics, champion map[string]Metric) Check {
	name := gate.Metric
	var value float64
	switch metric, measured := metrics[name]; {
	case name == "auc_drop" && champion == nil:
		return Check{Passed: true, Message: "auc_drop: skipped, there is no champion to compare with"}
	case name == "auc_drop":
		value = champion["auc"].Estimate - metrics["auc"].Estimate
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
