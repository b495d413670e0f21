package terraform

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/fault"
)

const trackType = "loanops_predictor_track"

// summarise reads a plan's JSON. Planned comes from planned_values: the environment as it will be, whether a track changes
// or not.
func summarise(plan *tfjson.Plan) (PlanSummary, error) {
	summary := PlanSummary{Changes: []string{}, Drifted: []string{}, Planned: map[string]capacity.Grant{}}
	for _, change := range plan.ResourceChanges {
		if verb := verb(change.Change.Actions); verb != "" {
			summary.Changes = append(summary.Changes, verb+" "+change.Address)
		}
	}
	sort.Strings(summary.Changes)
	summary.HasChanges = len(summary.Changes) > 0
	for _, drift := range plan.ResourceDrift {
		if text := driftText(drift); text != "" {
			summary.Drifted = append(summary.Drifted, text)
		}
	}
	sort.Strings(summary.Drifted)
	if plan.PlannedValues == nil || plan.PlannedValues.RootModule == nil {
		return summary, nil
	}
	for _, resource := range plan.PlannedValues.RootModule.Resources {
		if resource.Type != trackType {
			continue
		}
		slot, ok := resource.AttributeValues["slot"].(string)
		if !ok {
			return PlanSummary{}, fault.New(fault.Internal, "plan of %s names no slot", resource.Address)
		}
		capacity, err := plannedCapacity(resource)
		if err != nil {
			return PlanSummary{}, err
		}
		summary.Planned[slot] = capacity
	}
	return summary, nil
}

// plannedCapacity reads what the plan grants one track.
func plannedCapacity(resource *tfjson.StateResource) (capacity.Grant, error) {
	var granted [2]int64
	for i, name := range []string{"memory_mib", "cpu_millis"} {
		value, err := wholeNumber(resource.AttributeValues[name])
		if err != nil {
			return capacity.Grant{}, fault.Wrap(fault.Internal, err, "plan of %s: %s", resource.Address, name)
		}
		granted[i] = value
	}
	return capacity.Grant{MemoryMiB: granted[0], CPUMillis: granted[1]}, nil
}

func wholeNumber(value any) (int64, error) {
	switch number := value.(type) {
	case json.Number:
		return number.Int64()
	case float64:
		if whole := int64(number); float64(whole) == number {
			return whole, nil
		}
	}
	return 0, fmt.Errorf("want a whole number that is known before apply, got %v", value)
}

// verb is an action in words; empty for none.
func verb(actions tfjson.Actions) string {
	switch {
	case actions.Create():
		return "create"
	case actions.Update():
		return "update"
	case actions.Delete():
		return "delete"
	case actions.Replace():
		return "replace"
	case actions.Forget():
		return "forget"
	}
	return ""
}

// driftText says what was changed behind Terraform's back: empty when it is only where, or how, a predictor runs.
func driftText(drift *tfjson.ResourceChange) string {
	if drift.Change.Actions.Delete() {
		return drift.Address + " is gone"
	}
	before, _ := drift.Change.Before.(map[string]any)
	after, _ := drift.Change.After.(map[string]any)
	var changed []string
	for name, value := range after {
		if name != "url" && name != "runtime" && !equalJSON(before[name], value) {
			changed = append(changed, fmt.Sprintf("%s is %s instead of %s", name, compactJSON(value), compactJSON(before[name])))
		}
	}
	if len(changed) == 0 {
		return ""
	}
	sort.Strings(changed)
	return drift.Address + ": " + strings.Join(changed, ", ")
}

func equalJSON(a, b any) bool { return compactJSON(a) == compactJSON(b) }

// compactJSON is deterministic: encoding/json sorts the keys of maps.
func compactJSON(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(data)
}
