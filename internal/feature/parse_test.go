package feature_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/features"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// bureau is a folder of one file that has something of everything.
const bureau = `entities:
  - {name: applicant, keys: [applicant_id], description: a person who applies, owner: risk-data, tags: [person]}
views:
  - name: bureau
    entity: applicant
    description: what the credit bureau reports
    source: {csv: {uri: bureau/*.csv}}
    events: true
    clean:
      - trim: {columns: [applicant_id, segment]}
    event_timestamp: reported_at
    created_timestamp: received_at
    types: {reported_at: date}
    ttl: 120d
    freshness: 24h
    rules: [{name: score_known, expression: bureau_score > 0}]
    quarantine: {max_share: 0.01}
    features:
      - {name: bureau_score, type: integer, min: 300, max: 850, unit: points, reason: credit bureau score too low, default: 600}
      - {name: segment, type: category, domain: [near_prime, prime], default: prime}
      - {name: worst_score_90d, aggregate: min, of: bureau_score, over: 90d, default: 600}
  - name: payments
    entity: applicant
    source: {simulate: {feed: payments, rows: 100, seed: 7, from: 2026-01-01, to: 2026-06-30}}
    id: payment_id
    event_timestamp: due_at
    created_timestamp: recorded_at
    columns: [{name: late, type: boolean}, {name: amount, type: decimal, min: 0}]
    features:
      - {name: late_90d, aggregate: sum, of: late, over: 90d, default: 0}
      - {name: paid_30d, aggregate: sum, of: amount, over: 30d, type: decimal}
      - {name: mean_paid_30d, aggregate: mean, of: amount, over: 30d}
      - {name: payments_365d, aggregate: count, over: 365d}
      - {name: last_amount, of: amount}
  - name: visits
    entity: applicant
    events: true
    features: [{name: channel, type: category}]
  - name: both
    entity: applicant
    sql: {dialect: duckdb, from: [bureau, payments], query: SELECT 1}
    features: [{name: strain, type: number}]
expressions:
  - {name: strain_per_income, expression: strain / annual_income, features: [both:strain], type: number, unit: ratio}
  - {name: payment_to_income, expression: loan_amount / term_months / annual_income * 12, type: number}
services:
  - {name: credit, features: [bureau, payments:late_90d, strain_per_income], owner: risk-data}
`

func TestEverythingThatAFolderCanDeclare(t *testing.T) {
	t.Parallel()
	d, document, err := feature.Parse("features.yaml", []byte(bureau))
	require.NoError(t, err)
	require.Len(t, d.Views, 4)
	v := d.Views[0]
	require.Equal(t, []string{"applicant_id"}, v.Keys, "a view has the keys of its entity")
	require.Equal(t, "bureau/*.csv", v.Source.CSV.URI)
	require.Equal(t, feature.Span(120*24*time.Hour), v.TTL)
	require.Equal(t, feature.Span(24*time.Hour), v.Freshness)
	require.Equal(t, map[string]pipeline.ColumnType{"reported_at": pipeline.Day, "received_at": pipeline.Timestamp}, v.Types)
	require.Equal(t, "error", v.Rules[0].Severity)
	require.InDelta(t, 600.0, v.Features[0].Default, 0)
	require.Equal(t, pipeline.Integer, v.TypeOf(&v.Features[2]))
	require.Equal(t, "2026-06-30", d.Views[1].Source.Simulate.To.Format(pipeline.DateLayout))
	require.Equal(t, "event_timestamp", d.Views[2].EventTimestamp)
	require.Equal(t, "created_timestamp", d.Views[3].CreatedTimestamp)
	line, column := document.Position("views[0].ttl")
	require.Equal(t, []int{14, 10}, []int{line, column})
}

// What a register keeps as JSON is what was read.
func TestDefinitionsSurviveJSON(t *testing.T) {
	t.Parallel()
	d, _, err := feature.Parse("features.yaml", []byte(bureau))
	require.NoError(t, err)
	data, err := json.Marshal(d)
	require.NoError(t, err)
	var again feature.Definitions
	require.NoError(t, json.Unmarshal(data, &again))
	for i := range d.Views {
		require.Equal(t, feature.Meaning(&d.Views[i]), feature.Meaning(&again.Views[i]))
	}
	require.Equal(t, d, again)
}

func TestAFolderIsReadAsOne(t *testing.T) {
	t.Parallel()
	entities, views, _ := strings.Cut(bureau, "views:")
	folder, err := feature.Read([]feature.File{{Name: "entities.yaml", Data: []byte(entities)}, {Name: "views.yaml", Data: []byte("views:" + views)}}, nil)
	require.NoError(t, err)
	whole, _, err := feature.Parse("features.yaml", []byte(bureau))
	require.NoError(t, err)
	require.Equal(t, whole, folder.Definitions)
	require.Equal(t, "views.yaml:39:61", folder.At("both", "sql.query"))

	_, err = feature.Read([]feature.File{
		{Name: "a.yaml", Data: []byte("entities: [{name: a, keys: [k]}]\nviews: [{name: v, entity: b, events: true, features: [{name: x, type: number}]}]")},
		{Name: "b.yaml", Data: []byte("entities: [{name: a, keys: [k]}]")},
	}, nil)
	require.EqualError(t, err, "a.yaml:2:27: there is no entity \"b\"; did you mean \"a\"?\nb.yaml:1:19: \"a\" is declared at a.yaml:1:19 already; views, expressions and services have one name space, entities another")
	_, err = feature.Read([]feature.File{{Name: "a.yaml", Data: []byte("entity: []")}, {Name: "b.yaml", Data: []byte("views: 7")}}, nil)
	require.EqualError(t, err, "a.yaml:1:1: unknown key \"entity\" in the feature definitions; known are entities, views, expressions, services\nb.yaml:1:8: views is a whole number; a list is wanted")
	_, err = feature.Read(nil, nil)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// with puts one line of a view in place of another; the wanted lines and columns were counted in bureau.
func with(old, now string) string { return strings.Replace(bureau, old, now, 1) }

func TestMistakesSayWhereAndWhatWouldBeRight(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{with("ttl: 120d", "ttl: 120"), `f.yaml:14:10: views[0].ttl is "120"; whole days such as 90d, or hours, minutes and seconds such as 36h or 15m are wanted, at most 3660d`},
		{with("ttl: 120d", "ttl: [1d]"), `f.yaml:14:10: views[0].ttl is a list; a text is wanted`},
		{with("ttl: 120d", "tl: 120d"), `f.yaml:14:5: unknown key "tl" in views[0]; did you mean "ttl"?`},
		{with("ttl: 120d", "keys: [applicant_id]"), `f.yaml:14:5: unknown key "keys" in views[0]`},
		{with("ttl: 120d", "\"-\": [applicant_id]"), `f.yaml:14:5: unknown key "-" in views[0]`},
		{with("keys: [applicant_id]", "keys: []"), `f.yaml:2:29: entity "applicant" has 0 keys; the 1 to 8 columns that identify it are wanted`},
		{with("keys: [applicant_id]", "keys: [applicant_id, applicant_id]"), `f.yaml:2:44: key "applicant_id" stands twice`},
		{with("keys: [applicant_id]", "keys: [applicant_id, Id]"), `f.yaml:2:44: name "Id" of a key; lower-case letters, digits and underscores are wanted, a letter first, at most 63`},
		{with("keys: [applicant_id]", "keys: [applicant_id, event_timestamp]"), `name "event_timestamp" of a key; event_timestamp, created_timestamp and names that begin with loanops_ are the store's own`},
		{with("keys: [applicant_id]", "keys: [day]"), `f.yaml:23:13: files of view "payments" would have a column "day" beside "day" of their own; take another name`},
		{with("name: amount,", "name: origin,"), `f.yaml:28:51: files of view "payments" would have a column "origin" beside "origin" of their own; take another name`},
		{with("name: channel,", "name: row_id,"), `of view "visits" would have a column "row_id" beside "row_id" of their own; take another name`},
		{with("name: late,", "name: loanops_late,"), `name "loanops_late" of a column; event_timestamp,`},
		{with("name: bureau\n", "name: Büro\n"), `f.yaml:4:11: name "Büro" of a view; lower-case`},
		{with("entity: applicant", "entity: aplicant"), `f.yaml:5:13: there is no entity "aplicant"; did you mean "applicant"?`},
		{with("    entity: applicant\n", ""), `f.yaml:4:5: view "bureau" needs entity,`},
		{with("    events: true\n    features", "    features"), `view "visits" has no rows; give source`},
		{with("sql: {dialect", "events: true\n    sql: {dialect"), `view "both" has sql beside source or events`},
		{with("csv: {uri: bureau/*.csv}", "select: [a]"), `f.yaml:7:13: views[0].source is without data; give uri`},
		{with("csv: {uri: bureau/*.csv}", "csv: {uri: a, delimiter: ab}"), `delimiter is "ab"; one ASCII character is wanted`},
		{with("feed: payments", "feed: paymets"), `f.yaml:24:31: feed is "paymets"; did you mean "payments"?`},
		{with("rows: 100", "rows: 0"), `views[1].source.simulate.rows is 0; 1 to 10000000 is wanted`},
		{with("to: 2026-06-30", "to: 2025-06-30"), `views[1].source.simulate.to must be after views[1].source.simulate.from`},
		{with("{simulate: {feed", "{where: x, simulate: {feed"), `views[1].source has where beside simulate`},
		{with("    event_timestamp: reported_at\n", ""), `view "bureau" needs event_timestamp, the column that says when a row was true`},
		{with("    created_timestamp: received_at\n", ""), `view "bureau" needs created_timestamp, the column that says when it was known; the same column where the feed does not say`},
		{with("reported_at\n", "Reported At\n"), `event_timestamp is "Reported At"; lower-case`},
		{with("types: {reported_at: date}", "types: {reported_at: number}"), `f.yaml:13:26: type is "number"; date or timestamp is wanted`},
		{with("types: {reported_at: date}", "types: {bureau_score: date}"), `types is for event_timestamp and created_timestamp; "bureau_score" has its type in columns or features`},
		{with("entity: applicant\n    events: true\n    features", "entity: applicant\n    events: true\n    event_timestamp: at\n    features"), `event_timestamp is "at"; rows that are posted, and those of SQL, have it in a column of that very name: leave it out`},
		{with("columns: [applicant_id, segment]", "columns: [applicant_id, sgment]"), `f.yaml:10:40: column "sgment" is not in the view; name it in columns or features`},
		{with("columns: [applicant_id, segment]", "columns: [worst_score_90d]"), `column "worst_score_90d" is not in the view`},
		{with("- trim: {columns: [applicant_id, segment]}", "- drop_duplicates: {}"), `f.yaml:10:9: drop_duplicates looks at rows beside each other`},
		{with("    sql: {dialect", "    clean: [{trim: {columns: [strain]}}]\n    sql: {dialect"), `view "both" has sql, whose rows are made of clean ones`},
		{with("expression: bureau_score > 0", "expression: \"\""), `f.yaml:16:13: expression is missing`},
		{with("expression: bureau_score > 0", "expression: bureau_score > 0, severity: warning"), `f.yaml:16:73: rule score_known has a severity; leave it out: a view takes no row that breaks a rule`},
		{with("expression: bureau_score > 0", "expression: bureau_score > 0, severity: error"), `rule score_known has a severity; leave it out`},
		{with("expression: bureau_score > 0", "expression: bureau_score >"), `rule score_known is no condition over the view's columns`},
		{with("max_share: 0.01", "max_share: 2"), `views[0].quarantine.max_share is 2; a share from 0 to 1 is wanted`},
		{with("id: payment_id", "id: late"), `"late" is the id of the view already; it cannot be a column as well`},
		{with("name: late_90d", "name: late"), `"late" is a column of the view already; it cannot be a feature as well`},
		{with("name: late_90d", "name: applicant_id"), `"applicant_id" is a key of the view already`},
		{with("features: [{name: channel, type: category}]", "features: []"), `view "visits" has no features, and no view in SQL reads its rows`},
		{with("{name: channel, type: category}", "{name: channel}"), `feature "channel" needs a type: number, integer, boolean, decimal or category`},
		{with("{name: channel, type: category}", "{name: channel, type: date}"), `type is "date"; a feature is number, integer, boolean, decimal or category`},
		{with("{name: channel, type: category}", "{name: channel, type: category, over: 3d}"), `over is the window of an aggregate`},
		{with("{name: channel, type: category}", "{name: channel, of: chanel}"), `of is "chanel"; declare that column in columns`},
		{with("{name: channel, type: category}", "{name: channel, of: channel}"), `of is "channel"; declare that column in columns`},
		{with("aggregate: sum, of: late", "aggregate: sum, of: lat"), `f.yaml:30:46: of is "lat", which is no column of view "payments"; declare it in columns, or: did you mean "late"?`},
		{with("aggregate: sum, of: late", "aggregate: sum"), `feature "late_90d" needs of, the column of which it is the sum; only count is of rows`},
		{with("aggregate: sum, of: late", "aggregate: sums, of: late"), `aggregate is "sums"; did you mean "sum"?`},
		{with("of: late, over: 90d", "of: late"), `feature "late_90d" needs over`},
		{with("of: late, over: 90d", "of: late, over: 36h"), `over is 36h; whole days are wanted, 1d to 1100d`},
		{with("of: late, over: 90d", "of: late, over: 1101d"), `over is 1101d; whole days are wanted, 1d to 1100d`},
		{with("aggregate: min, of: bureau_score", "aggregate: min, of: segment"), `"segment" is a category; min is of numbers: count, last and distinct take any`},
		{with("type: decimal}\n      - {name: mean", "type: number}\n      - {name: mean"), `type is "number"; what feature "paid_30d" is made of makes it a decimal: leave it out`},
		{with("{name: last_amount, of: amount}", "{name: last_amount, of: amount, min: 0}"), `feature "last_amount" is made of another column; min, max and domain stand with that`},
		{with("min: 300", "min: 900"), `f.yaml:19:50: min 900 is above max 850`},
		{with("default: 600}\n      - {name: segment", "default: 900}\n      - {name: segment"), `default is 900, which is out of the range of feature "bureau_score"`},
		{with("default: 600}\n      - {name: segment", "default: 600.5}\n      - {name: segment"), `default is 600.5, which an integer cannot be`},
		{with("default: 600}\n      - {name: segment", "default: low}\n      - {name: segment"), `default is "low"; feature "bureau_score" is an integer, and null is a missing value`},
		{with("default: 600}\n      - {name: segment", "default: true}\n      - {name: segment"), `default is true; feature "bureau_score" is an integer`},
		{with("default: 600}\n      - {name: segment", "default: {a: 1}}\n      - {name: segment"), `default is neither a number, a text nor true or false`},
		{with("default: prime", "default: prme"), `default is "prme", which is not in the domain of feature "segment"; did you mean "prime"?`},
		{with("over: 90d, default: 600", "over: 90d, default: 299"), `default is 299, which is out of the range of feature "worst_score_90d"`},
		{with("aggregate: count, over: 365d", "aggregate: count, over: 365d, default: -1"), `default is -1, which is out of the range of feature "payments_365d"`},
		{with("reason: credit bureau score too low", `reason: "a\nb"`), `the reason of "bureau_score" has a control character`},
		{with("{name: last_amount, of: amount}", `{name: last_amount, of: amount, reason: "a\nb"}`), `the reason of "last_amount" has a control character`},
		{with("unit: points", "unit: "+strings.Repeat("x", 41)), `unit has 41 bytes; at most 40 are wanted`},
		{with("{name: late, type: boolean}", "{name: late, type: boolean, reason: x}"), `known and reason belong to what a model reads`},
		{with("owner: risk-data, tags: [person]", "tags: [person, person]"), `tag "person"; a word is wanted, each once`},
		{with("dialect: duckdb", "dialect: mysql"), `f.yaml:41:20: dialect is "mysql"; duckdb is wanted`},
		{with("query: SELECT 1", "query: ' '"), `query is missing; one SELECT`},
		{with("from: [bureau, payments]", "from: []"), `from names 0 views; the 1 to 20 whose rows the query reads are wanted`},
		{with("from: [bureau, payments]", "from: [buraeu, payments]"), `f.yaml:41:35: there is no view "buraeu"; did you mean "bureau"?`},
		{with("from: [bureau, payments]", "from: [bureau, bureau]"), `from names view "bureau" twice`},
		{with("from: [bureau, payments]", "from: [bureau:segment]"), `from names the feature "bureau:segment"; a view is wanted`},
		{with("from: [bureau, payments]", "from: [bureau@2]"), `view "bureau" has no version 2; there is bureau@1`},
		{with("from: [bureau, payments]", "from: [both]"), `f.yaml:41:34: views are made of each other: both -> both; leave one of them out`},
		{with("expression: strain / annual_income", "expression: strain / / annual_income"), `f.yaml:44:43: in the expression, at 1:10: unexpected token Operator("/")`},
		{with("features: [both:strain], type: number", "features: [both:strain, bureau:segment], type: number"), `the expression does not read "segment"; leave it out`},
		{with("features: [both:strain], type: number", "features: [both:strian], type: number"), `view both@1 has no feature "strian"; did you mean "strain"?`},
		{with("features: [both:strain], type: number", "features: [both], type: number"), `"both" is no feature of a view; view:feature is wanted`},
		{with("features: [both:strain], type: number", "features: [both:strain, both:strain], type: number"), `a feature "strain" stands in the list already`},
		{with("strain / annual_income, features: [both:strain]", "segment / annual_income, features: [bureau:segment]"), `in the expression, at 1:1: the left side of / is a text, and a number is wanted`},
		{with("strain / annual_income, features: [both:strain], type: number", "strain / annual_income, features: [both:strain], type: date"), `type is "date"; a feature is number`},
		{with("strain / annual_income", "strain / strain_per_income"), `the expression reads "strain_per_income", which is its own name`},
		{with("features: [bureau, payments:late_90d, strain_per_income]", "features: []"), `service "credit" names 0 features`},
		{with("[bureau, payments:late_90d,", "[bureau, payments:late_30d,"), `f.yaml:47:39: view payments@1 has no feature "late_30d"; did you mean "late_90d"?`},
		{with("[bureau, payments:late_90d,", "[bureau, bureau,"), `"bureau" stands twice`},
		{with("[bureau, payments:late_90d,", "[bureau, credit,"), `"credit" is a service; a service names features, views and expressions`},
		{with("[bureau, payments:late_90d,", "[bureau, 'late 90d',"), `"late 90d" is no reference; view:feature, view, service or expression are`},
		{with("[bureau, payments:late_90d,", "[bureau, lates,"), `there is no view or expression "lates"; known are both, bureau, payments, visits, payment_to_income, strain_per_income`},
		{with("name: credit", "name: bureau"), `"bureau" is declared at f.yaml:4:11 already`},
		{with("views:", "views:\n  - {name: other, entity: applicant, events: true, features: [{name: strain, type: number}]}") + "  - {name: two, features: [other, both]}\n",
			`other@1:strain and both@1:strain have one name, and nobody could tell them apart`},
	} {
		_, _, err := feature.Parse("f.yaml", []byte(c.text))
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", c.want, err)
		require.ErrorContains(t, err, c.want)
	}
}

func TestWhatIsNoMistake(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		with("{name: amount, type: decimal, min: 0}", "{name: amount, type: decimal, min: 0, max: 10}") + "# the sum of amounts is not an amount",
		strings.NewReplacer("type: decimal, min: 0", "type: decimal, max: 10", "over: 30d, type: decimal", "over: 30d, type: decimal, default: 50").Replace(bureau),
		strings.NewReplacer("source: {csv: {uri: bureau/*.csv}}\n    events: true", "source: {csv: {uri: bureau/*.csv}}", "received_at\n", "reported_at\n").Replace(bureau), // a feed that does not say when it was known
		with("default: prime", "default: null"),
	} {
		_, _, err := feature.Parse("f.yaml", []byte(text))
		require.NoError(t, err)
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("entity: applicant\n    source", "entity: aplicant\n    source", "default: prime", "default: prme", "[bureau, payments:late", "[bureau, payment:late").Replace(bureau)
	_, _, err := feature.Parse("f.yaml", []byte(with("type: integer,", "type: intger,")))
	require.EqualError(t, err, `f.yaml:19:36: type is "intger"; number, integer, boolean, decimal or category is wanted`, "and nothing of what is made of it")
	_, _, err = feature.Parse("f.yaml", []byte(text))
	require.EqualError(t, err, `f.yaml:20:79: default is "prme", which is not in the domain of feature "segment"; did you mean "prime"?
f.yaml:23:13: there is no entity "aplicant"; did you mean "applicant"?
f.yaml:47:39: there is no view or expression "payment"; did you mean "payments"?`)
}

func TestCyclesOfViewsAreNamed(t *testing.T) {
	t.Parallel()
	sql := func(name string, from ...string) string {
		return fmt.Sprintf("  - {name: %s, entity: e, features: [{name: f_%s, type: number}], sql: {dialect: duckdb, from: [%s], query: SELECT 1}}\n", name, name, strings.Join(from, ", "))
	}
	head := "entities: [{name: e, keys: [k]}]\nviews:\n"
	_, _, err := feature.Parse("f.yaml", []byte(head+sql("a", "b")+sql("b", "c")+sql("c", "a", "d")+sql("d", "b")))
	require.EqualError(t, err, "f.yaml:3:94: views are made of each other: a -> b -> c -> a; leave one of them out\nf.yaml:4:94: views are made of each other: b -> c -> d -> b; leave one of them out")
	_, _, err = feature.Parse("f.yaml", []byte(head+sql("a", "b", "c")+sql("b", "d")+sql("c", "d")+"  - {name: d, entity: e, events: true}\n"))
	require.NoError(t, err, "two ways to one view are no cycle, and rows that a view in SQL reads need no features")
}

func TestHowMuchAFolderHolds(t *testing.T) {
	t.Parallel()
	var views, features strings.Builder
	for i := range 201 {
		fmt.Fprintf(&views, "  - {name: v%d, entity: e, events: true, features: [{name: x, type: number}]}\n", i)
	}
	for i := range 501 {
		fmt.Fprintf(&features, "      - {name: x%d, type: number}\n", i)
	}
	head := "entities: [{name: e, keys: [k]}]\nviews:\n"
	_, _, err := feature.Parse("f.yaml", []byte(head+views.String()))
	require.EqualError(t, err, "f.yaml:203:12: a folder has at most 200 definitions of this kind")
	_, _, err = feature.Parse("f.yaml", []byte(head+"  - name: v\n    entity: e\n    events: true\n    features:\n"+features.String()))
	require.ErrorContains(t, err, `f.yaml:3:5: view "v" has 0 columns and 501 features; at most 500 of each are wanted`)
	_, err = feature.Read(make([]feature.File, 201), nil)
	require.EqualError(t, err, "201 files; a folder has at most 200")
	_, _, err = feature.Parse("f.yaml", []byte("\xff"))
	require.EqualError(t, err, "f.yaml:1:1: it is not UTF-8; write it in UTF-8")
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"90d": "90d", "24h": "1d", "36h": "36h", "15m": "15m", "1h30m": "1h30m", "90s": "1m30s", "3660d": "3660d", "1s": "1s", "60m": "1h"} {
		var s feature.Span
		require.NoError(t, s.UnmarshalText([]byte(text)))
		require.Equal(t, want, s.String())
	}
	for _, text := range []string{"", "0d", "-1d", "1.5d", "3661d", "99999d", "0s", "-1h", "1ms", "90", "1w", "d", "1h1d"} {
		var s feature.Span
		require.ErrorContains(t, s.UnmarshalText([]byte(text)), "whole days such as 90d", text)
	}
}

// Whatever a file holds, it is refused with a place or can be kept: what is read means the same when it is read from the register.
func FuzzParse(f *testing.F) {
	f.Add([]byte(bureau))
	f.Add([]byte("entities: [{name: e, keys: [k]}]\nviews: [{name: v, entity: e, events: true, features: [{name: x, type: number, default: 1e3}]}]"))
	f.Add([]byte("views: [{name: a, sql: {from: [a]}}]"))
	f.Add([]byte("services: [{name: s, features: [s@1:x]}]\nexpressions: [{name: e, expression: '1 <', type: number}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, _, err := feature.Parse("f.yaml", data)
		if err != nil {
			if fault.CodeOf(err) != fault.Invalid || !strings.HasPrefix(err.Error(), "f.yaml:") {
				t.Fatalf("no place: %s", err)
			}
			return
		}
		plan, err := (&feature.Catalogue{}).Plan(d, false)
		if err != nil {
			t.Fatal(err)
		}
		rows := plan.Rows("fuzz")
		for i := range rows {
			rows[i].Nth = int64(i + 1)
		}
		c, err := feature.NewCatalogue(rows)
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.Plan(d, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range again.Changes {
			if change.Do != feature.Unchanged {
				t.Fatalf("applied twice: %+v", change)
			}
		}
	})
}

// The examples of docs/features.md are right: one that stands for itself, and one of a view about whom the shipped ones speak of.
func TestTheExamplesOfTheDocumentationAreRight(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/features.md")
	require.NoError(t, err)
	entities, err := features.FS.ReadFile("entities.yaml")
	require.NoError(t, err)
	examples := strings.Split(string(page), "```yaml\n")[1:]
	require.GreaterOrEqual(t, len(examples), 2)
	for _, after := range examples {
		example, _, found := strings.Cut(after, "```")
		require.True(t, found)
		files := []feature.File{{Name: "features.yaml", Data: []byte(example)}}
		switch {
		case strings.HasPrefix(example, "project:"): // a Feast client's settings
			continue
		case strings.HasPrefix(example, "views:"):
			files = append(files, feature.File{Name: "entities.yaml", Data: entities})
		}
		_, err = feature.Read(files, nil)
		require.NoError(t, err, example)
	}
}
