package terraform

import (
	"encoding/json"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/stretchr/testify/require"
)

// planJSON is cut from `terraform show -json` of Terraform 1.11.4 after a rollback behind its back.
const planJSON = `{
  "format_version": "1.2", "terraform_version": "1.11.4",
  "planned_values": {"root_module": {"resources": [
    {"address": "loanops_predictor_track.track[\"blue\"]", "mode": "managed", "type": "loanops_predictor_track", "name": "track", "index": "blue",
     "values": {"slot": "blue", "memory_mib": 128, "cpu_millis": 500, "model_version": 3}},
    {"address": "loanops_predictor_track.track[\"green\"]", "mode": "managed", "type": "loanops_predictor_track", "name": "track", "index": "green",
     "values": {"slot": "green", "memory_mib": 256, "cpu_millis": 1000, "model_version": 2}},
    {"address": "loanops_route.route[0]", "mode": "managed", "type": "loanops_route", "name": "route", "index": 0, "values": {"weights": {"blue": 5, "green": 95}}}
  ]}},
  "resource_drift": [
    {"address": "loanops_route.route[0]", "type": "loanops_route", "change": {"actions": ["update"],
      "before": {"id": "a", "weights": {"blue": 0, "green": 100}}, "after": {"id": "a", "weights": {"green": 0, "blue": 100}}}},
    {"address": "loanops_predictor_track.track[\"green\"]", "type": "loanops_predictor_track", "change": {"actions": ["update"],
      "before": {"url": "http://127.0.0.1:1"}, "after": {"url": "http://127.0.0.1:2"}}},
    {"address": "loanops_predictor_track.track[\"blue\"]", "type": "loanops_predictor_track", "change": {"actions": ["delete"], "before": {"slot": "blue"}, "after": null}}
  ],
  "resource_changes": [
    {"address": "loanops_route.route[0]", "type": "loanops_route", "change": {"actions": ["update"]}},
    {"address": "loanops_predictor_track.track[\"green\"]", "type": "loanops_predictor_track", "change": {"actions": ["no-op"]}},
    {"address": "loanops_predictor_track.track[\"blue\"]", "type": "loanops_predictor_track", "change": {"actions": ["create"]}}
  ]
}`

func TestSummarise(t *testing.T) {
	t.Parallel()
	var plan tfjson.Plan
	require.NoError(t, json.Unmarshal([]byte(planJSON), &plan))
	summary, err := summarise(&plan)
	require.NoError(t, err)
	require.Equal(t, PlanSummary{
		HasChanges: true,
		Changes:    []string{`create loanops_predictor_track.track["blue"]`, "update loanops_route.route[0]"},
		Drifted: []string{
			`loanops_predictor_track.track["blue"] is gone`,
			`loanops_route.route[0]: weights is {"blue":100,"green":0} instead of {"blue":0,"green":100}`,
		},
		Planned: map[string]capacity.Grant{contract.Blue: {MemoryMiB: 128, CPUMillis: 500}, contract.Green: {MemoryMiB: 256, CPUMillis: 1000}},
	}, summary)
}

func TestSummariseNeedsFiguresThatAreKnown(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]map[string]any{
		"no slot":     {"memory_mib": 128.0, "cpu_millis": 500.0},
		"no memory":   {"slot": "blue", "cpu_millis": 500.0},
		"half a MiB":  {"slot": "blue", "memory_mib": 128.5, "cpu_millis": 500.0},
		"CPU as text": {"slot": "blue", "memory_mib": 128.0, "cpu_millis": "500"},
	} {
		plan := tfjson.Plan{PlannedValues: &tfjson.StateValues{RootModule: &tfjson.StateModule{
			Resources: []*tfjson.StateResource{{Address: "track", Type: trackType, AttributeValues: values}},
		}}}
		_, err := summarise(&plan)
		require.Error(t, err, name)
	}
}
