package source_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/internal/store/postgrestest"
)

var server *postgrestest.Server

func TestMain(m *testing.M) {
	var err error
	if server, err = postgrestest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// database is a new database after the statements, by its URL.
func database(t *testing.T, statements ...string) string {
	t.Helper()
	url := server.Database(t)
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	defer db.Close()
	for _, statement := range statements {
		_, err := db.Exec(statement)
		require.NoError(t, err)
	}
	return url
}

func openPostgres(t *testing.T, url string, r pipeline.Relation, o source.Options) source.Relation {
	t.Helper()
	r.Postgres.Connection = "warehouse"
	relation, err := source.OpenPostgres(t.Context(), r, url, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, relation.Close()) })
	return relation
}

func TestATableIsReadAsTheSameRowsFromCSV(t *testing.T) {
	t.Parallel()
	url := database(t, `CREATE SCHEMA "Loans"`,
		`CREATE TABLE "Loans"."applica""tions" (id bigint, amount numeric(10,2), rate float8, name text, at timestamptz, day date, paid boolean, "Odd name" text)`,
		`INSERT INTO "Loans"."applica""tions" SELECT i, i * 10.5, 1.0 / (i + 2), CASE WHEN i % 7 = 0 THEN NULL WHEN i % 5 = 0 THEN '' ELSE 'a "b", c' || E'\n' || i END,
			'2026-06-30 12:00:00+02'::timestamptz + i * interval '1 hour', '2026-01-01'::date + i, i % 2 = 0, 'NA' FROM generate_series(0, 99) AS i`)
	var content strings.Builder
	content.WriteString("id,amount,rate,name,at,day,paid,Odd name\n")
	start := time.Date(2026, 6, 30, 10, 0, 0, 0, time.UTC)
	for i := range 100 {
		name := fmt.Sprintf("\"a \"\"b\"\", c\n%d\"", i)
		if i%7 == 0 || i%5 == 0 {
			name = ""
		}
		rate := fmt.Sprint(1.0 / float64(i+2))
		fmt.Fprintf(&content, "%d,%.2f,%s,%s,%s,%s,%t,NA\n", i, float64(i)*10.5, rate, name,
			start.Add(time.Duration(i)*time.Hour).Format("2006-01-02 15:04:05+00"), time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), i%2 == 0)
	}
	shape := pipeline.Relation{Missing: []string{"NA"}, Select: []string{"at", "id", "paid", "name", "rate", "amount", "day", "Odd name"}, Rename: map[string]string{"id": "loan"}}
	fromFile, fromTable := shape, shape
	fromFile.CSV = &pipeline.CSV{}
	fromTable.Postgres = &pipeline.Postgres{Table: `Loans.applica"tions`, OrderBy: pipeline.Names{"id"}}
	o := source.Options{RowsPerSlice: 16}
	want := all(t, open(t, fromFile, o, written(t, "applications.csv", content.String())), 16)
	relation := openPostgres(t, url, fromTable, o)
	require.Equal(t, []string{"at", "loan", "paid", "name", "rate", "amount", "day", "Odd name"}, relation.Columns())
	require.Equal(t, want, all(t, relation, 16))
}

func TestQueriesAndSingleColumns(t *testing.T) {
	t.Parallel()
	url := database(t)
	for query, want := range map[string][][]string{
		"SELECT i AS id FROM generate_series(1, 3) AS i;":                         {{"1"}, {"2"}, {"3"}},
		"SELECT NULLIF(i, 2) AS id FROM generate_series(1, 3) AS i -- of its own": {{"1"}, {"3"}, {null}},
		"SELECT i > 1 AS id FROM generate_series(1, 2) AS i":                      {{"false"}, {"true"}},
		"WITH x AS (SELECT 1 AS id) SELECT * FROM x WHERE false":                  nil,
	} {
		relation := openPostgres(t, url, pipeline.Relation{Postgres: &pipeline.Postgres{Query: query, OrderBy: pipeline.Names{"id"}}}, source.Options{RowsPerSlice: 2})
		require.Equal(t, want, all(t, relation, 2), query)
	}
}

func TestPostgresFaults(t *testing.T) {
	t.Parallel()
	url := database(t, "CREATE TABLE people (id int, name text)", "INSERT INTO people VALUES (1, 'Secretperson'), (2, 'Secretperson')", "CREATE SEQUENCE counter")
	for query, want := range map[string]struct {
		code    fault.Code
		message string
	}{
		"SELECT id,\n  nme FROM people":                                {fault.Invalid, `connection warehouse: query, line 2, column 3: column "nme" does not exist`},
		"SELECT 1 AS id; DROP TABLE people":                            {fault.Invalid, `query, line 1, column 15: syntax error at or near ";"`},
		"SELECT 1 AS id) AS source ORDER BY id; DROP TABLE people; --": {fault.Invalid, "syntax error"},
		"SELECT 1 AS id) TO '/tmp/x'; --":                              {fault.Invalid, "must have an alias"},
		"DELETE FROM people RETURNING id":                              {fault.Invalid, "syntax error"},
		"WITH x AS (DELETE FROM people RETURNING id) SELECT * FROM x":  {fault.Invalid, "data-modifying"},
		"SELECT nextval('counter') AS id":                              {fault.Invalid, "the query writes"},
		"SELECT id, name::int AS n FROM people":                        {fault.Invalid, "cannot evaluate the query on the rows (SQLSTATE 22P02)"},
		"SELECT id, id FROM people":                                    {fault.Invalid, `"id" is ambiguous`},
		"SELECT id, name, name FROM people":                            {fault.Invalid, `columns 2 and 3 are both called "name"`},
		"SELECT name FROM people":                                      {fault.Invalid, "source.id does not exist"},
		"SELECT 1 AS id, pg_read_file('/etc/none')":                    {fault.Unavailable, "SQLSTATE 58P01"},
	} {
		r := pipeline.Relation{Postgres: &pipeline.Postgres{Connection: "warehouse", Query: query, OrderBy: pipeline.Names{"id"}}}
		relation, err := source.OpenPostgres(t.Context(), r, url, source.Options{})
		if err == nil {
			_, err = relation.Next(t.Context())
			require.NoError(t, relation.Close())
		}
		require.ErrorContains(t, err, want.message, query)
		require.Equal(t, want.code, fault.CodeOf(err), query)
		require.NotContains(t, err.Error(), "Secretperson")
		require.NotContains(t, err.Error(), "127.0.0.1")
	}
}

// Without an order of all rows there is no dataset of them. Equal is what the database says is equal.
func TestRowsThatOrderByDoesNotTellApart(t *testing.T) {
	t.Parallel()
	url := database(t, "CREATE TABLE loans (branch text, number numeric, x text)",
		"INSERT INTO loans SELECT 'b' || i % 10, i / 10, repeat('x', 50) FROM generate_series(0, 4999) AS i",
		"CREATE TABLE unknown (n int)", "INSERT INTO unknown VALUES (NULL)",
		"CREATE TABLE nearly (n numeric, f float8, missing int)", "INSERT INTO nearly VALUES (1.0, 0, 1), (1.00, '-0', NULL), (2, 1, NULL)")
	for _, test := range []struct {
		table   string
		orderBy pipeline.Names
		want    string // of the message; empty where the rows are told apart
	}{
		{"loans", pipeline.Names{"number", "branch"}, ""},
		{"loans", pipeline.Names{"branch", "number"}, ""},
		{"loans", pipeline.Names{"branch"}, "connection warehouse: rows 1 and 2 have the same values in order_by (branch)"},
		{"nearly", pipeline.Names{"n"}, "rows 1 and 2 have the same values in order_by (n)"},
		{"nearly", pipeline.Names{"f"}, "rows 1 and 2 have the same values in order_by (f)"},
		{"nearly", pipeline.Names{"missing"}, "rows 2 and 3 have the same values in order_by (missing)"},
		{"nearly", pipeline.Names{"n", "f"}, "rows 1 and 2 have the same values in order_by (n, f)"},
		{"nearly", pipeline.Names{"missing", "f"}, ""},
		{"unknown", pipeline.Names{"n"}, ""},
	} {
		r := pipeline.Relation{Postgres: &pipeline.Postgres{Table: test.table, OrderBy: test.orderBy}}
		relation := openPostgres(t, url, r, source.Options{RowsPerSlice: 1024})
		var err error
		rows := int64(0)
		for err == nil {
			var slice source.Slice
			if slice, err = relation.Next(t.Context()); err == nil {
				batch, broken := slice.Decode(t.Context())
				require.NoError(t, broken)
				require.NotContains(t, relation.Columns(), "loanops_tie")
				rows += batch.NumRows()
			}
		}
		if test.want == "" {
			require.ErrorIs(t, err, io.EOF)
			require.Equal(t, map[string]int64{"loans": 5000, "nearly": 3, "unknown": 1}[test.table], rows)
			continue
		}
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, test.want)
	}
}

func TestAnUnreachableDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	r := pipeline.Relation{Postgres: &pipeline.Postgres{Connection: "warehouse", Table: "people", OrderBy: pipeline.Names{"id"}}}
	_, err := source.OpenPostgres(t.Context(), r, "postgres://someone:secret@127.0.0.1:1/loans?sslmode=disable", source.Options{})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorContains(t, err, "connection warehouse: the database does not answer")
	for _, url := range []string{"postgres://someone:secret@127.0.0.1:port/loans", "secret", "postgres://someone:secret@:::"} {
		_, err := source.OpenPostgres(t.Context(), r, url, source.Options{})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "secret")
		require.NotContains(t, err.Error(), "someone")
	}
}

func TestTheEndOfTheContextReachesAWaitForTheDatabase(t *testing.T) {
	t.Parallel()
	url := database(t)
	slow := pipeline.Relation{Postgres: &pipeline.Postgres{Query: "SELECT i AS id, pg_sleep(60)::text AS s FROM generate_series(1, 3) AS i", OrderBy: pipeline.Names{"id"}}}
	relation := openPostgres(t, url, slow, source.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	started := time.Now()
	_, err := relation.Next(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(started), 5*time.Second)
}

// A server that takes connections and says nothing is noticed by the caller's context before the timeout is.
func TestASilentServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r := pipeline.Relation{Postgres: &pipeline.Postgres{Connection: "warehouse", Table: "people", OrderBy: pipeline.Names{"id"}}}
	_, err = source.OpenPostgres(ctx, r, "postgres://a:b@"+listener.Addr().String()+"/c?sslmode=disable", source.Options{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestClosingInTheMidstOfATable(t *testing.T) {
	t.Parallel()
	url := database(t)
	for range 3 {
		r := pipeline.Relation{Postgres: &pipeline.Postgres{Query: "SELECT i AS id, repeat('x', 100) AS x FROM generate_series(1, 1000000) AS i", OrderBy: pipeline.Names{"id"}}}
		relation := openPostgres(t, url, r, source.Options{RowsPerSlice: 1024})
		_, err := relation.Next(t.Context())
		require.NoError(t, err)
		started := time.Now()
		require.NoError(t, relation.Close())
		require.Less(t, time.Since(started), 5*time.Second)
	}
}
