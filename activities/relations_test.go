package activities

import (
	"bytes"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/internal/store/postgrestest"
)

// flat is the simulated population as one CSV file.
func (b *bench) flat(t *testing.T) string {
	t.Helper()
	var text bytes.Buffer
	require.NoError(t, dataset.WriteCSV(&text, simulate.Flat(*b.spec.Source.Simulate, time.Time{})))
	path := filepath.Join(t.TempDir(), "rows.csv")
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o600))
	return path
}

func (b *bench) extract(t *testing.T, from pipeline.Source) (ExtractOutput, error) {
	t.Helper()
	b.spec.Source = from
	loaded := b.loaded(t, b.spec)
	return b.stages.Extraction.Extract(t.Context(), ExtractInput{Schema: loaded.Schema.Ref, Source: loaded.Source, Outcomes: loaded.Outcomes, Limits: loaded.Limits, KnownAt: "2026-06-30"})
}

// The same rows in the same order are the same dataset, from a database as from a file, alone or joined.
func TestADatabaseGivesTheDatasetOfTheFile(t *testing.T) {
	server, err := postgrestest.Start()
	require.NoError(t, err)
	defer server.Stop()
	url := server.Database(t)
	b := newBench(t)
	b.stages.Extraction.rowsPerSlice = 256
	path := b.flat(t)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	db, err := sql.Open("pgx", url)
	require.NoError(t, err)
	defer db.Close()
	header, rows, _ := strings.Cut(string(data), "\n")
	columns := `"` + strings.ReplaceAll(header, ",", `","`) + `"`
	_, err = db.Exec("CREATE TABLE applications (place serial, " + strings.ReplaceAll(columns, ",", " text,") + " text)")
	require.NoError(t, err)
	for line := range strings.Lines(rows) {
		values := make([]string, 0, 24)
		for _, field := range strings.Split(strings.TrimSpace(line), ",") {
			if values = append(values, "'"+field+"'"); field == "" {
				values[len(values)-1] = "NULL"
			}
		}
		_, err = db.Exec("INSERT INTO applications (" + columns + ") VALUES (" + strings.Join(values, ",") + ")")
		require.NoError(t, err)
	}
	b.stages.Extraction.Connection = func(name string) (string, error) {
		require.Equal(t, "lending", name)
		return url, nil
	}
	var fromFile pipeline.Source
	fromFile.URI = path
	want, err := b.extract(t, fromFile)
	require.NoError(t, err)
	require.EqualValues(t, 3000, want.Rows)
	var fromDatabase pipeline.Source
	fromDatabase.Postgres = &pipeline.Postgres{Connection: "lending", Table: "applications", OrderBy: pipeline.Names{"place"}}
	fromDatabase.Select = strings.Split(header, ",")
	kept := len(b.registry.steps)
	for range 2 {
		got, err := b.extract(t, fromDatabase)
		require.NoError(t, err)
		require.Equal(t, want.Dataset, got.Dataset)
		require.False(t, got.Cached, "what a database holds is known when it has been read")
		require.Equal(t, "PostgreSQL lending", got.Source)
	}
	require.Len(t, b.registry.steps, kept, "nor is a slice of it kept")

	outcomes := fromDatabase
	outcomes.Select = []string{"application_id", "defaulted"}
	fromFile.Select = strings.Split(strings.Replace(header, ",defaulted", "", 1), ",")
	fromFile.Join = []pipeline.Join{{Relation: outcomes.Relation, On: pipeline.Names{"application_id"}, Cardinality: pipeline.OneToOne}}
	joined, err := b.extract(t, fromFile)
	require.NoError(t, err)
	require.Equal(t, want.Rows, joined.Rows)
	first, err := ReadTable(t.Context(), b.objects, want.Dataset)
	require.NoError(t, err)
	second, err := ReadTable(t.Context(), b.objects, joined.Dataset)
	require.NoError(t, err)
	require.Equal(t, first.Column("defaulted"), second.Column("defaulted"))
	require.Equal(t, first.Column(dataset.RowColumn), second.Column(dataset.RowColumn))

	outcomes.Select = []string{"application_id", "defaulted", "outcome_date"}
	b.spec.Outcomes = &pipeline.Outcomes{Relation: outcomes.Relation, OutcomeColumns: pipeline.OutcomeColumns{Entity: "application_id", Label: "defaulted", KnownAt: "outcome_date"}}
	fromFile.Join = nil
	joined, err = b.extract(t, fromFile)
	require.NoError(t, err)
	require.False(t, joined.Cached)
	second, err = ReadTable(t.Context(), b.objects, joined.Dataset)
	require.NoError(t, err)
	require.Equal(t, first.Column("defaulted"), second.Column("defaulted"), "outcomes from a database")
}

// A join is made whatever the first file holds, and also where other data replace it: here the join brings a column that no file before it has.
func TestAJoinIsAlwaysMade(t *testing.T) {
	b := newBench(t)
	path := b.flat(t)
	branches := filepath.Join(t.TempDir(), "branches.csv")
	require.NoError(t, os.WriteFile(branches, []byte("purpose,region\ncar,north\n"), 0o600))
	from := pipeline.Source{Join: []pipeline.Join{{Relation: pipeline.Relation{URI: branches}, On: pipeline.Names{"purpose"}}}}
	from.URI = path
	for _, data := range []string{"", path} {
		b.spec.Source = from
		loaded := b.loaded(t, b.spec)
		out, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{Schema: loaded.Schema.Ref, Source: loaded.Source, Limits: loaded.Limits, Data: data, KnownAt: "2026-06-30"})
		require.NoError(t, err)
		table, err := ReadTable(t.Context(), b.objects, out.Dataset)
		require.NoError(t, err)
		require.NotNil(t, table.Column("region"))
		require.True(t, slices.Contains(table.Column("region").Texts, "north"))
	}
}

// Who can start a workflow cannot read the worker's disk.
func TestOnlyAllowedFoldersAreRead(t *testing.T) {
	b := newBench(t)
	path := b.flat(t)
	link := filepath.Join(t.TempDir(), "link.csv")
	require.NoError(t, os.Symlink(path, link))
	b.stages.Extraction.Places = nil
	var from pipeline.Source
	for _, uri := range []string{path, "/etc/passwd", filepath.Join(filepath.Dir(path), "none.csv"), "/etc/*.csv"} {
		from.URI = uri
		_, err := b.extract(t, from)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), uri)
		require.ErrorContains(t, err, "LOANOPS_DATA_DIRS")
	}
	b.stages.Extraction.Places = []string{filepath.Dir(link)}
	from.URI = link
	_, err := b.extract(t, from)
	require.ErrorContains(t, err, "LOANOPS_DATA_DIRS", "a link leads out of the folder")

	// What the command has brought is read from the store.
	stored, err := b.objects.PutFile(t.Context(), path, "application/octet-stream", "csv")
	require.NoError(t, err)
	here := filepath.Join(t.TempDir(), stored.SHA256+".csv")
	require.NoError(t, os.WriteFile(here, b.objects.bytes[stored.SHA256], 0o600))
	from.URI = "/home/ann/rows.csv"
	b.spec.Source = from
	loaded := b.loaded(t, b.spec)
	out, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{
		Schema: loaded.Schema.Ref, Source: loaded.Source, Limits: loaded.Limits, KnownAt: "2026-06-30", Uploads: map[string][]string{from.URI: {here}},
	})
	require.NoError(t, err)
	require.EqualValues(t, 3000, out.Rows)
}

// Steps of tables leave rows out after the values are clean, and what breaks a rule is apart before.
func TestStepsOfTables(t *testing.T) {
	b := newBench(t)
	path := b.flat(t)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(data), "\n")
	lines = append(lines, lines[5], lines[9], strings.Replace(lines[7], "A", "B", 1))
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600))
	var from pipeline.Source
	from.URI = path
	b.spec.Clean = []pipeline.CleanStep{
		{DropDuplicates: &pipeline.DropDuplicates{}}, {DropUnlabelled: &pipeline.DropUnlabelled{}},
		{Filter: &pipeline.Filter{Name: "since 2025", Keep: "application_date >= DATE '2025-01-01'"}},
	}
	out, err := b.extract(t, from)
	require.NoError(t, err)
	table, err := ReadTable(t.Context(), b.objects, out.Dataset)
	require.NoError(t, err)
	require.EqualValues(t, table.Rows(), out.Rows)
	require.EqualValues(t, len(lines)-2, out.Rows+out.Dropped+out.Refused)
	days, labels, seen := table.Column("application_date"), table.Column("defaulted"), map[string]bool{}
	for i, id := range table.Column("application_id").Texts {
		require.GreaterOrEqual(t, days.Floats[i], dataset.Day(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)))
		require.True(t, labels.Valid[i])
		require.False(t, seen[id], "row %d", i)
		seen[id] = true
	}
	require.IsIncreasing(t, table.Column(dataset.RowColumn).Floats)
}

// A column that the spec does not list is told of and does not train: it may be a leak, or protected.
func TestANewColumnDoesNotTrainUnasked(t *testing.T) {
	b := newBench(t)
	path := b.flat(t)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	wider := filepath.Join(t.TempDir(), "wider.csv")
	var lines strings.Builder
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		lines.WriteString(line + map[bool]string{true: ",favourite_number", false: "," + strings.Repeat("7", 1+i%5)}[i == 0] + "\n")
	}
	require.NoError(t, os.WriteFile(wider, []byte(lines.String()), 0o600))
	var digests []string
	for _, file := range []string{path, wider} {
		b.spec.Source = pipeline.Source{Relation: pipeline.Relation{URI: file}}
		day, err := time.Parse(pipeline.DateLayout, "2026-06-30")
		require.NoError(t, err)
		b.spec.Source.KnownAt = &pipeline.Date{Time: day}
		tr := b.train(t)
		require.Empty(t, tr.validated.Errors)
		require.Len(t, tr.validated.Warnings, len(digests), "%v", tr.validated.Warnings)
		digests = append(digests, tr.trained.Bundle.SHA256)
	}
	require.Equal(t, digests[0], digests[1])
}
