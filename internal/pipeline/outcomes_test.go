package pipeline_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

const late = `name: late
source: {uri: applications/}
outcomes: {uri: outcomes/, entity: loan, label: bad, known_at: day, where: "bad <> 'x'"}
clean:
  - date: {columns: [day], formats: [M/D/YYYY]}
label: {column: y, positive: "1", negative: "0", matures_after_days: 180}
entity: id
time: applied
columns:
  - {name: amount, type: number}
`

func TestOutcomesOfTheirOwn(t *testing.T) {
	t.Parallel()
	spec, err := pipeline.Parse("x.yaml", []byte(late))
	require.NoError(t, err)
	require.Equal(t, &pipeline.Outcomes{
		Relation:       pipeline.Relation{URI: "outcomes/", Where: "bad <> 'x'"},
		OutcomeColumns: pipeline.OutcomeColumns{Entity: "loan", Label: "bad", KnownAt: "day"},
	}, spec.Outcomes)
	data, err := json.Marshal(spec)
	require.NoError(t, err)
	var back pipeline.Spec
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, spec, back, "a spec survives JSON")

	spec, err = pipeline.Parse("x.yaml", []byte(strings.Replace(late, "entity: loan, label: bad, ", "", 1)))
	require.NoError(t, err)
	require.Equal(t, pipeline.OutcomeColumns{Entity: "id", Label: "y", KnownAt: "day"}, spec.Outcomes.OutcomeColumns, "what is called alike need not be said")

	resolved, err := pipeline.Resolve("/data/x.yaml", []byte(late))
	require.NoError(t, err)
	spec, err = pipeline.Parse("x.yaml", resolved)
	require.NoError(t, err)
	require.Equal(t, []string{"/data/applications", "/data/outcomes"}, []string{filepath.Clean(spec.Source.URI), filepath.Clean(spec.Outcomes.URI)})
}

// Positions are marked in the text of each case.
func TestOutcomesNameMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ old, new, want string }{
		{"{uri: outcomes/, entity", "▸{entity", "outcomes is without data; give outcomes.uri"},
		{", known_at: day", "", "outcomes.known_at is missing; name the column with the day"},
		{"known_at: day", "known_at: ▸loan", `outcomes.known_at names "loan", which is another column`},
		{"known_at: day", "known_at: ▸bad", `outcomes.known_at names "bad", which is another column`},
		{"label: bad", "label: ▸loan", `outcomes.label names "loan", which is outcomes.entity already`},
		{"entity: id\n", "", "outcomes needs entity, the column that identifies an application"},
		{"known_at: day", "▸knwon_at: day", `unknown key "knwon_at" in outcomes; did you mean "known_at"?`},
		{"uri: outcomes/", "uri: ▸ftp://outcomes", `"ftp://outcomes" is neither`},
		{"uri: outcomes/", "uri: outcomes/, csv: ▸{uri: a.csv}", "outcomes has both uri and csv; keep one"},
		{"time: applied", "time: applied\ntypes: {day: timestamp}", "a date step cleans a column of the type date"},
		{"{uri: applications/}", "{simulate: {rows: 9, seed: 1, from: 2025-01-01, to: 2026-01-01}}", "outcomes needs source.uri: a simulated source brings its own"},
		{"time: applied", "time: applied\ntypes: {day: ▸integer}", "outcomes.known_at is a date or a timestamp"},
		{"columns: [day]", "columns: [▸dya]", `column "dya" is not in the spec`},
	} {
		t.Run(test.new, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(late, test.old))
			text, place := strings.Replace(late, test.old, test.new, 1), ""
			if strings.Contains(text, "▸") {
				text, place = marked(t, text)
			}
			_, err := pipeline.Parse("x.yaml", []byte(text))
			require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
			if place != "" {
				require.Contains(t, err.Error(), "x.yaml:"+place+": ")
			}
			require.ErrorContains(t, err, test.want)
			require.Contains(t, err.Error(), "x.yaml:")
		})
	}
}
