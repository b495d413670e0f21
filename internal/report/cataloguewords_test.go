package report_test

import (
	"io/fs"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/features"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/report"
)

// What is shown of a definition can be applied, and means what it is shown of.
func TestShownDefinitionsCanBeApplied(t *testing.T) {
	t.Parallel()
	var files []feature.File
	names, err := fs.Glob(features.FS, "*.yaml")
	require.NoError(t, err)
	for _, name := range names {
		data, err := fs.ReadFile(features.FS, name)
		require.NoError(t, err)
		files = append(files, feature.File{Name: name, Data: data})
	}
	files = append(files, feature.File{Name: "visits.yaml", Data: []byte(`
views:
  - name: visits
    entity: applicant
    source: {csv: {uri: visits/*.csv}}
    event_timestamp: at
    created_timestamp: recorded_at
    types: {at: date}
    freshness: 24h
    columns: [{name: minutes, type: number, min: 0.001, max: 600, missing_max: 0.5}, {name: reason, type: category, domain: [loan, other, "1e5", "no", "a: b", " x"]}]
    rules: [{name: said, expression: minutes > 0 || reason == "other"}]
    quarantine: {max_share: 0.01}
    features: [{name: visits_90d, aggregate: count, over: 90d, unit: count, reason: few visits, default: 0}]
  - name: longest
    entity: applicant
    sql:
      dialect: duckdb
      from: [visits]
      query: |
        SELECT applicant_id, event_timestamp, created_timestamp, minutes AS longest
        FROM visits
    features: [{name: longest, type: number}]
`)})
	folder, err := feature.Read(files, nil)
	require.NoError(t, err)
	plan, err := (&feature.Catalogue{}).Plan(folder.Definitions, false)
	require.NoError(t, err)
	catalogue, err := (&feature.Catalogue{}).After(plan)
	require.NoError(t, err)
	for _, row := range plan.Rows("ada") {
		shown := report.DefinitionYAML(row.Kind, row.Document)
		again, err := feature.Read([]feature.File{{Name: row.Name + ".yaml", Data: []byte(shown)}}, catalogue)
		require.NoError(t, err, shown)
		plan, err := catalogue.Plan(again.Definitions, false)
		require.NoError(t, err)
		require.Len(t, plan.Changes, 1)
		require.Equal(t, feature.Unchanged, plan.Changes[0].Do, "%s: %v", shown, plan.Changes[0].What)
	}
}

// What YAML would not be read of as the same is shown as it is kept.
func TestDefinitionsThatAreShownAsTheyAreKept(t *testing.T) {
	t.Parallel()
	for _, document := range []string{`{"name":"v","columns":[{"name":"x","min":1e-7}]}`, `{"name":"v","sql":{"query":"\tSELECT 1\n\tFROM v"}}`, `{"name":"v","source":{"csv":{"delimiter":"\t"}}}`, `{"name":"v","columns":[{"name":"x","domain":["? a",".inf"]}]}`, `7`} {
		shown := report.DefinitionYAML(feature.KindView, []byte(document))
		if shown == document {
			continue
		}
		data, err := yaml.YAMLToJSON([]byte(shown))
		require.NoError(t, err)
		require.JSONEq(t, `{"views":[`+document+`]}`, string(data))
	}
	document := `{"name":"v","columns":[{"name":"x","min":1e-7}]}`
	require.Equal(t, document, report.DefinitionYAML(feature.KindView, []byte(document)))
}
