package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

const sourced = `name: sourced
source:
  csv: {uri: "loans/*.csv.gz", delimiter: ";", quote: "'", encoding: windows-1252, decimal: ",", skip_rows: 2}
  missing: [NA]
  select: [id, betrag]
  rename: {betrag: amount}
  where: "id <> '0'"
  known_at: 2026-06-30
  join:
    - {jsonl: {uri: s3://bucket/outcomes/}, on: [id, branch], kind: inner, cardinality: one_to_one}
    - postgres: {connection: core_banking, query: select * from parties, order_by: [id]}
      on: id
clean:
  - trim: {columns: [home]}
  - case: {columns: [home], to: lower}
  - map: {columns: [home], values: {house: own}}
  - missing: {columns: [amount], codes: ["-9"], reason: no record}
  - date: {columns: [day], formats: [M/D/YYYY, M/D/YY], pivot: 1950}
  - amount: {columns: [amount], currency: "$"}
  - clip: {columns: [amount], min: 0, max: 10}
  - drop_duplicates: {key: [id], keep: last}
  - drop_unlabelled: {}
  - filter: {name: since 1997, keep: "day >= DATE '1997-01-01'"}
label: {column: y, positive: "1", negative: "0"}
schema: {quarantine: {max_share: 0.02}}
rules:
  - {name: price_covers_amount, expression: amount < 10, severity: warning}
  - {name: plain, expression: "amount > 0"}
leakage: {max_auc: 0.95, allow: [{column: amount, rule: auc, reason: "the law asks for it"}]}
time: day
columns:
  - {name: amount, type: number}
  - {name: home, type: category}
`

func TestSourcesAndCleaning(t *testing.T) {
	t.Parallel()
	spec, err := pipeline.Parse("x.yaml", []byte(sourced))
	require.NoError(t, err)
	csv := spec.Source.CSV
	require.Equal(t, "loans/*.csv.gz", csv.URI)
	require.Equal(t, byte(';'), csv.Separator())
	require.Equal(t, byte('\''), csv.QuoteMark())
	require.Equal(t, map[string]string{"betrag": "amount"}, spec.Source.Rename)
	require.Equal(t, "2026-06-30", spec.Source.KnownAt.Format(pipeline.DateLayout))
	require.Equal(t, pipeline.Names{"id", "branch"}, spec.Source.Join[0].On)
	require.Equal(t, pipeline.Names{"id"}, spec.Source.Join[1].On, "one name needs no list")
	require.Equal(t, "s3://bucket/outcomes/", spec.Source.Join[0].FilesURI())
	require.Len(t, spec.Clean, 10)
	require.Equal(t, []pipeline.Rule{{Name: "price_covers_amount", Expression: "amount < 10", Severity: "warning"}, {Name: "plain", Expression: "amount > 0", Severity: "error"}}, spec.Rules)
	require.InDelta(t, 0.02, spec.Schema.Quarantine.MaxShare, 0)
	require.Equal(t, pipeline.Leakage{MaxAUC: 0.95, Allow: []pipeline.AllowedLeak{{Column: "amount", Rule: "auc", Reason: "the law asks for it"}}}, spec.Leakage)
	for i := range spec.Clean {
		require.Equal(t, i >= 7, spec.Clean[i].OfTable(), "step %d", i)
	}
	require.NotNil(t, spec.Clean[8].DropUnlabelled)

	data, err := json.Marshal(spec)
	require.NoError(t, err)
	var back pipeline.Spec
	require.NoError(t, json.Unmarshal(data, &back))
	require.Equal(t, spec, back, "a spec survives JSON")
}

// Positions are marked in the text of each case.
func TestSourcesAndCleaningNameMistakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ old, new, want string }{
		{"  missing: [NA]", "  ▸uri: a.csv\n  missing: [NA]", ""},
		{`delimiter: ";"`, `delimiter: ▸";;"`, `delimiter is ";;"; one ASCII character is wanted`},
		{`quote: "'"`, `quote: ▸";"`, `quote is ";"; one ASCII character other than the delimiter`},
		{"encoding: windows-1252", "encoding: ▸klingon", `encoding "klingon" is not known`},
		{`decimal: ","`, `decimal: ▸"'"`, `decimal is "'"`},
		{"skip_rows: 2", "skip_rows: ▸-1", "skip_rows is -1; 0 to 1000"},
		{"select: [id, betrag]", "select: [id, betrag, ▸id]", `column "id" is selected twice`},
		{"rename: {betrag: amount}", "rename: {betrga: ▸amount}", `column "betrga" is renamed but not selected`},
		{"known_at: 2026-06-30", "known_at: ▸soon", `source.known_at is "soon"; a day such as`},
		{"on: [id, branch]", "on: [id, ▸7]", `source.join[0].on[1] is a whole number; a text is wanted`},
		{"kind: inner", "kind: ▸outer", `kind is "outer"; left or inner`},
		{"cardinality: one_to_one", "cardinality: ▸many_to_many", `many_to_one or one_to_one is wanted`},
		{"connection: core_banking", "connection: ▸postgres://x", `the name of one of the worker's connections`},
		{", order_by: [id]}", ", table: t, order_by: [id]}", "give table or query, one of them"},
		{", order_by: [id]}", "}", "order_by is missing; name the columns that order the rows"},
		{"  - trim: {columns: [home]}", "  - {trim: {columns: [home]}, ▸case: {columns: [home], to: lower}}", ""},
		{"trim: {columns: [home]}", "trim: {columns: [▸hoem]}", `column "hoem" is not in the spec`},
		{"trim: {columns: [home]}", "trim: {columns: [home, ▸home]}", `column "home" stands twice`},
		{"to: lower", "to: ▸title", `to is "title"; lower or upper`},
		{"codes: [\"-9\"], reason: no record", "codes: [\"-9\"]", "codes and reason are needed"},
		{"M/D/YYYY, M/D/YY", "▸M/D/Z, M/D/YY", `format "M/D/Z"`},
		{"pivot: 1950", "pivot: ▸50", "pivot is 50; the first year"},
		{`currency: "$"`, `currency: "$", thousands: "."`, "two different separators"},
		{"min: 0, max: 10", "min: 11, max: 10", "min at most max"},
		{"keep: last", "keep: ▸newest", `keep is "newest"; first or last`},
		{"filter: {name: since 1997, keep", "filter: {keep", "name and keep are needed"},
		{"name: plain", "name: ▸Plain", `name "Plain"; lower-case letters`},
		{"name: plain", "name: ▸price_covers_amount", "each name once"},
		{`, expression: "amount > 0"`, "", "expression is missing"},
		{"severity: warning", "severity: ▸info", `severity is "info"; error or warning`},
		{"  - {name: amount, type: number}", "  - {name: amount, type: number, known: ▸later}", `known is "later"; after_outcome is wanted`},
		{"max_share: 0.02", "max_share: ▸2", "schema.quarantine.max_share is 2; a share from 0 to 1"},
		{"max_auc: 0.95", "max_auc: ▸0.5", "leakage.max_auc is 0.5; a number above 0.5"},
		{"rule: auc", "rule: ▸acu", `rule is "acu"; did you mean "auc"?`},
		{`, reason: "the law asks for it"`, "", "reason is missing; say why it is no leak"},
		{"  - drop_unlabelled: {}", "  - drop_unlabelled: {}\n  - trim: ▸{columns: [day]}", "trim stands after drop_unlabelled"},
	} {
		t.Run(test.new, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, 1, strings.Count(sourced, test.old))
			text := strings.Replace(sourced, test.old, test.new, 1)
			place := ""
			if strings.Contains(text, "▸") {
				text, place = marked(t, text)
			}
			_, err := pipeline.Parse("x.yaml", []byte(text))
			require.Error(t, err)
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			if test.want != "" && place != "" {
				require.True(t, strings.HasPrefix(err.Error(), "x.yaml:"+place+": "), "want %s: %s", place, err)
			}
			require.ErrorContains(t, err, test.want)
		})
	}
}
