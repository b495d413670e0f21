package warehouse_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

func bureau() *feature.View {
	return &feature.View{Keys: []string{"applicant_id"},
		Name: "bureau", EventTimestamp: "reported_at", CreatedTimestamp: "received_at",
		Features: []feature.Feature{{Name: "score", Type: pipeline.Integer}, {Name: "ratio", Type: pipeline.Number}},
	}
}

func payments() *feature.View {
	return &feature.View{Keys: []string{"applicant_id"},
		Name: "payments", ID: "payment_id", EventTimestamp: "due_at", CreatedTimestamp: "recorded_at",
		Columns: []pipeline.Column{{Name: "amount", Type: pipeline.Decimal}, {Name: "user", Type: pipeline.Text}},
	}
}

func inSQL(query string) *feature.View {
	return &feature.View{Keys: []string{"applicant_id"},
		Name: "both", EventTimestamp: "event_timestamp", CreatedTimestamp: "created_timestamp",
		SQL:      &feature.SQL{Dialect: "duckdb", From: []string{"bureau", "payments"}, Query: query},
		Features: []feature.Feature{{Name: "worst", Type: pipeline.Integer}},
	}
}

// tables are both views with a few rows in two days.
func tables(t *testing.T) []feature.Table {
	w, folder := open(t), t.TempDir()
	of := func(v *feature.View, rows ...said) feature.Table {
		h := history{v, rows}
		made, err := w.Partition(t.Context(), v, h.files(t, folder, rows, 1), periods(rows), t.TempDir())
		require.NoError(t, err)
		return feature.Table{Computable: feature.Computable{View: v}, Days: made}
	}
	ann, bob := []string{"ann lee"}, []string{"bob"}
	return []feature.Table{
		of(bureau(), said{keys: ann, event: 1, created: 5, values: []any{600.0, 0.5}}, said{keys: ann, event: day + 1, created: day + 5, values: []any{610.0, nil}},
			said{keys: bob, event: 2, created: 2, values: []any{700.0, 0.25}}),
		of(payments(), said{keys: ann, event: 3, created: 4, id: "p1", values: []any{10.5, "x"}}, said{keys: ann, event: 3, created: 4, id: "p2", values: []any{12.25, nil}}),
	}
}

func views(tables []feature.Table) (views []*feature.View) {
	for _, table := range tables {
		views = append(views, table.View)
	}
	return views
}

// A query reads rows of other views and gives those of its own.
func TestQueryView(t *testing.T) {
	t.Parallel()
	from := tables(t)
	v := inSQL(`-- the worst of each day
WITH days AS (SELECT *, date_trunc('day', event_timestamp) AS day FROM Bureau)
SELECT applicant_id, max(event_timestamp) AS event_timestamp, max(created_timestamp) AS created_timestamp,
       min(score) - (SELECT count(*) FROM payments p WHERE p.applicant_id = days.applicant_id AND p."user" IS NULL) AS worst
FROM days GROUP BY applicant_id, day ORDER BY 1, 2; `)
	require.NoError(t, open(t).CheckQuery(t.Context(), v, views(from)))
	to := filepath.Join(t.TempDir(), "out.parquet")
	require.NoError(t, open(t).QueryView(t.Context(), v, from, to))
	table := readTable(t, to)
	require.Equal(t, []dataset.Field{{Name: "applicant_id", Kind: dataset.Text}, {Name: "event_timestamp", Kind: dataset.Timestamp}, {Name: "created_timestamp", Kind: dataset.Timestamp},
		{Name: "worst", Kind: dataset.Integer}}, table.Fields())
	require.Equal(t, []string{"ann lee", "ann lee", "bob"}, table.Column("applicant_id").Texts)
	require.Equal(t, []float64{1, float64(day + 1), 2}, table.Column("event_timestamp").Floats)
	require.Equal(t, []float64{5, float64(day + 5), 2}, table.Column("created_timestamp").Floats)
	require.Equal(t, []float64{599, 609, 700}, table.Column("worst").Floats, "of 600, 610 and 700, less the payment of ann's that says nothing of a user")

	// What it writes is what a partition reads.
	made, err := open(t).Partition(t.Context(), v, feature.RowFiles{Files: []string{to}}, []feature.Period{{First: 0, Last: 0}, {First: 1, Last: 9}}, t.TempDir())
	require.NoError(t, err)
	require.Len(t, made, 2)
}

const gives = "SELECT applicant_id, event_timestamp, created_timestamp, score AS worst FROM bureau"

// What a query may not be is said with its place, before a row is read.
func TestQueriesThatAreRefused(t *testing.T) {
	t.Parallel()
	from := tables(t)
	secret := filepath.Join(t.TempDir(), "secret.csv")
	require.NoError(t, os.WriteFile(secret, []byte("a\n1\n"), 0o600))
	w := open(t)
	for _, test := range []struct{ query, want string }{
		{"SELECT score,\n  FROM WHERE x", `view "both": its query: line 2, column 8: syntax error at or near "WHERE"`},
		{"SELECT 'ü' AS a,\n'ü' 'b", `line 2, column 5: unterminated quoted string`},
		{"SELECT score FROM bureau GROUP", "line 1, column 31: syntax error at end of input"},
		{gives + "; SELECT 1", "one SELECT is wanted, and nothing else"},
		{"", "one SELECT is wanted, and nothing else"},
		{"DELETE FROM bureau", "one SELECT is wanted, and nothing else"},
		{"COPY bureau TO '" + secret + "'", "one SELECT is wanted, and nothing else"},
		{"DESCRIBE bureau", "one SELECT is wanted, and nothing else"},
		{"SUMMARIZE bureau", "one SELECT is wanted, and nothing else"},
		{gives + ") --", `syntax error at or near ")"`},
		{"SELECT * FROM '" + secret + "'", "and may read the views that from names: bureau, payments"},
		{"SELECT *\nFROM read_csv('" + secret + "')", "line 2, column 6: reads read_csv(), and may read the views that from names: bureau, payments"},
		{gives + " WHERE score IN (SELECT size FROM read_text('" + secret + "'))", "reads read_text()"},
		{"SELECT 'ü', * FROM loans", `line 1, column 20: reads "loans"`},
		{"SELECT * FROM main.bureau", `reads "bureau"`},
		{"SELECT * FROM information_schema.tables", `reads "tables"`},
		{"SELECT * FROM duckdb_settings()", "reads duckdb_settings()"},
		{"WITH duckdb_tables AS (SELECT 1) SELECT * FROM duckdb_tables", "WITH names"},
		{`SELECT * FROM (WITH "a.csv" AS (SELECT 1) SELECT * FROM "a.csv")`, "WITH names"},
		{"WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x FROM t) SELECT * FROM t", "WITH RECURSIVE may have no end"},
		{"SELECT * FROM query('SELECT 1')", "reads query()"},
		{"SELECT * FROM bureau USING SAMPLE 5", "a sample is of other rows each time"},
		{"SELECT * FROM bureau TABLESAMPLE 5%", "a sample is of other rows each time"},
		{"SELECT ?", "has a parameter"},
		{gives + "\nWHERE event_timestamp < now()", "line 2, column 25: now() gives another value when it is asked again"},
		{gives + " WHERE event_timestamp < current_date", "current_date is another value when it is asked again"},
		{gives + " WHERE event_timestamp < CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP is another value when it is asked again"},
		{"SELECT age(event_timestamp) FROM bureau", "age() gives another value"},
		{"SELECT event_timestamp.age() FROM bureau", "age() gives another value"},
		{gives + " ORDER BY random()", "random() gives another value"},
		{gives + " WHERE current_setting('memory_limit') <> ''", "current_setting() gives another value"},
		{"SELECT sum(random()) OVER () FROM bureau", "random() gives another value"},
		{"SELECT list_transform([1], lambda x: x + random()) FROM bureau", "random() gives another value"},
		{"SELECT user FROM bureau", "user is another value"},
		{gives + " UNION ALL SELECT uuid(), NULL, NULL, 1", "uuid() gives another value"},
		{"SELECT applicant_id,\n nothing FROM bureau", `its query: line 2, column 2: Binder Error: Referenced column "nothing" not found`},
		{"SELECT nothing(score) FROM bureau", "Scalar Function with name nothing does not exist"},
		{"SELECT applicant_id, event_timestamp, score AS worst FROM bureau", `its query: gives no column "created_timestamp"`},
		{"SELECT applicant_id, event_timestamp, created_timestamp, ratio AS worst FROM bureau", `gives column "worst" as DOUBLE; BIGINT is wanted`},
		{"SELECT applicant_id, CAST(event_timestamp AS VARCHAR) AS event_timestamp, created_timestamp, score AS worst FROM bureau", `gives column "event_timestamp" as VARCHAR; TIMESTAMP is wanted`},
	} {
		err := w.CheckQuery(t.Context(), inSQL(test.query), views(from))
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", test.query, err)
		require.ErrorContains(t, err, test.want)
		to := filepath.Join(t.TempDir(), "out.parquet")
		err = w.QueryView(t.Context(), inSQL(test.query), from, to)
		require.ErrorContains(t, err, test.want)
		require.NoFileExists(t, to)
	}
	data, err := os.ReadFile(secret)
	require.NoError(t, err)
	require.Equal(t, "a\n1\n", string(data))
	for _, query := range []string{
		gives, gives + " -- with a comment", "FROM (" + gives + ")", "(" + gives + ") UNION ALL (" + gives + ")", gives + " JOIN range(3) ON true WHERE EXISTS (SELECT unnest([score]))",
		"SELECT b.*, score AS worst FROM bureau b JOIN payments p USING (applicant_id) WHERE p.user <> 'x' OR p.row_id = ''",
	} {
		require.NoError(t, w.CheckQuery(t.Context(), inSQL(query), views(from)), query)
	}
}

// Rows of one key, instant and time of being known are counted, and what a row holds is not told.
func TestQueriesWhoseRowsAreWrong(t *testing.T) {
	t.Parallel()
	from := tables(t)
	to := filepath.Join(t.TempDir(), "out.parquet")
	err := open(t).QueryView(t.Context(), inSQL(gives+" UNION ALL "+gives), from, to)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.EqualError(t, err, `view "both": 3 rows of its query repeat applicant_id, event_timestamp, created_timestamp; a row of each is wanted, as GROUP BY gives it`)
	err = open(t).QueryView(t.Context(), inSQL("SELECT applicant_id, event_timestamp, created_timestamp, CAST(applicant_id AS BIGINT) AS worst FROM bureau"), from, to)
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	require.NotContains(t, err.Error(), "lee")
	err = open(t).QueryView(t.Context(), inSQL("SELECT applicant_id, event_timestamp, created_timestamp, "+`error(applicant_id) AS worst FROM bureau`), from, to)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "lee")
	require.NoFileExists(t, to)
}

// Sums of numbers are the same bits each time, however many rows there are.
func TestAQueryGivesTheSameEachTime(t *testing.T) {
	t.Parallel()
	var rows []said
	for i := range 300_000 { // of several row groups
		rows = append(rows, said{keys: []string{"a"}, event: int64(i) * 1000, created: int64(i), values: []any{float64(i), math.Sqrt(float64(i))}})
	}
	v, folder := bureau(), t.TempDir()
	made, err := open(t).Partition(t.Context(), v, history{v, rows}.files(t, folder, rows, 5), periods(rows), t.TempDir())
	require.NoError(t, err)
	query := inSQL("SELECT applicant_id, max(event_timestamp) AS event_timestamp, max(created_timestamp) AS created_timestamp, sum(ratio) AS worst FROM bureau GROUP BY ALL")
	query.Features[0].Type = pipeline.Number
	var want []byte
	for _, threads := range []int{1, 4, 2} {
		to := filepath.Join(t.TempDir(), "out.parquet")
		require.NoError(t, open(t).On(threads).QueryView(t.Context(), query, []feature.Table{{Computable: feature.Computable{View: v}, Days: made}}, to))
		got, err := os.ReadFile(to)
		require.NoError(t, err)
		if want == nil {
			want = got
		}
		require.Equal(t, want, got)
	}
}

// Where a query is wrong is told by what DuckDB shows of it, however long its lines are. Places are counted by hand.
func TestPlacesOfQueriesThatAreWrong(t *testing.T) {
	t.Parallel()
	from := views(tables(t))
	long := strings.Repeat("score + ", 60)
	for name, test := range map[string]struct {
		query        string
		line, column int
	}{
		"parsed":               {"SELECT a\nFROM bureau WHERE", 2, 18},
		"permitted":            {"SELECT *\n  FROM 'x.csv'", 2, 8},
		"bound":                {"SELECT applicant_id,\n  nothing FROM bureau", 2, 3},
		"behind other letters": {"SELECT 'üü', nothing FROM bureau", 1, 14},
		"in a long line":       {"SELECT\n" + long + "nothing + " + long + "1 FROM bureau", 2, 8*60 + 1},
		"at a long line's end": {"SELECT " + long + "nothing FROM bureau", 1, 7 + 8*60 + 1},
		"a function":           {"SELECT\n\n nothing(score) FROM bureau", 3, 2},
		"columns that it lack": {"SELECT applicant_id FROM bureau", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wrong *feature.QueryError
			err := open(t).CheckQuery(t.Context(), inSQL(test.query), from)
			require.ErrorAs(t, err, &wrong)
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			require.Equal(t, []int{test.line, test.column}, []int{wrong.Line, wrong.Column}, "%s", err)
			require.NotContains(t, wrong.Text, "LINE")
		})
	}
}
