package pipeline_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/pipeline"
)

// For every key of a spec, a change of it and whether a training makes another thing of that. Wanted by hand.
func TestRetrains(t *testing.T) {
	t.Parallel()
	trains := map[string]bool{}
	for _, test := range []struct {
		key, old, new string
		trains        bool
	}{
		{"name", "name: cards", "name: loans", true},
		{"description", "description: every key", "description: other words", false},
		{"source", "uri: rows.csv", "uri: newer.csv", true},
		{"source", `missing: ["NA"]`, `missing: ["NA", "-"]`, true},
		{"outcomes", "entity: id\n", "entity: id\noutcomes: {uri: later.csv, entity: id, label: y, known_at: seen}\n", true},
		{"clean", "entity: id\n", "entity: id\nclean: [{trim: {columns: [home]}}]\n", true},
		{"label", "matures_after_days: 30", "matures_after_days: 31", true},
		{"entity", "entity: id", "entity: branch_id", true},
		{"time", "time: day", "time: date", true},
		{"protected", "protected: [gender]", "protected: [gender, age]", true},
		{"ignore", "ignore: [branch]", "ignore: []", true},
		{"types", "entity: id\n", "entity: id\ntypes: {branch: text}\n", true},
		{"columns", "max: 10, missing_max", "max: 11, missing_max", true},
		{"columns", "domain: [own, rent]", "domain: [own, rent, other]", true},
		{"columns", `reason: "income too low"`, `reason: "the income"`, false},
		{"features", "features: [credit, ", "features: [", true},
		{"feature_store", "stale: refuse", "stale: default", true},
		{"schema", "entity: id\n", "entity: id\nschema: {quarantine: {max_share: 0.1}}\n", true},
		{"rules", "entity: id\n", "entity: id\nrules: [{name: some, expression: income > 0}]\n", true},
		{"split", "seed: 7", "seed: 8", true},
		{"leakage", "entity: id\n", "entity: id\nleakage: {max_auc: 0.95}\n", true},
		{"algorithm", "l2: [0.1]", "l2: [0.2]", true},
		{"training", "window_days: 10000", "window_days: 9999", true},
		{"training", "on_change: nothing", "on_change: retrain", false},
		{"policy", "cutoff: 0.3", "cutoff: 0.4", false},
		{"gates", "min: 0.6", "min: 0.61", true},
		{"deploy", "memory_mib: 64", "memory_mib: 65", false},
		{"monitor", "min_rows: 71", "min_rows: 72", false},
		{"monitor", "new_data: alert", "new_data: retrain", false},
		{"limits", "max_rows: 10", "max_rows: 11", true},
		{"schedule", "retrain: 168h", "retrain: 24h", false},
	} {
		name := test.key + ": " + strings.TrimSpace(test.new)
		trains[test.key] = true
		before := parsed(t, full)
		require.Equal(t, 1, strings.Count(full, test.old), name)
		after := parsed(t, strings.Replace(full, test.old, test.new, 1))
		if test.trains {
			require.Equal(t, []string{test.key}, after.Retrains(before), name)
			require.Equal(t, []string{test.key}, before.Retrains(after), "the way back: %s", name)
		} else {
			require.Empty(t, after.Retrains(before), name)
		}
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[pipeline.Spec]()) {
		if key := field.Tag.Get("yaml"); key != "-" {
			require.Contains(t, trains, key, "say what it is to a training")
		}
	}
}

func TestSeveralChangesAreNamedInOrder(t *testing.T) {
	t.Parallel()
	changed := strings.NewReplacer("seed: 7", "seed: 8", "min: 0.6", "min: 0.61", "cutoff: 0.3", "cutoff: 0.4", "uri: rows.csv", "uri: newer.csv").Replace(full)
	require.Equal(t, []string{"source", "split", "gates"}, parsed(t, changed).Retrains(parsed(t, full)))
	require.Empty(t, parsed(t, small+"ignore: []\nprotected: []\ngates: []\n").Retrains(parsed(t, small)), "an empty list is none")
}

func parsed(t *testing.T, text string) pipeline.Spec {
	t.Helper()
	spec, err := pipeline.Parse("spec.yaml", []byte(text))
	require.NoError(t, err)
	return spec
}
