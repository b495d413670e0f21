package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/pipelines"
)

var knownAt = time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)

const loans = `name: loans
source: {uri: loans.csv}
label: {column: status, positive: CHGOFF, negative: P I F}
entity: id
time: approved
ignore: [note]
types: {gross: decimal}
protected: [gross]
clean:
  - date: {columns: [approved], formats: [M/D/YYYY, M/D/YY]}
  - amount: {columns: [gross], currency: "$"}
  - missing: {columns: [score], codes: ["-9"], reason: no record}
  - trim: {columns: [home]}
  - case: {columns: [home], to: lower}
columns:
  - {name: score, type: number, min: 0, max: 1000, missing_max: 0.9}
  - {name: home, type: category, domain: [own, rent]}
`

func parsed(t testing.TB, text string) pipeline.Spec {
	t.Helper()
	spec, err := pipeline.Parse("loans.yaml", []byte(text))
	require.NoError(t, err)
	return spec
}

// kept are the parts of a run, by digest.
type kept struct {
	folder string
	mu     sync.Mutex
}

func (k *kept) keep(_ context.Context, path string) (dataset.Part, error) {
	digest, size, err := file.Digest(path)
	if err != nil {
		return dataset.Part{}, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return dataset.Part{SHA256: digest, Bytes: size}, os.Rename(path, filepath.Join(k.folder, digest))
}

func (k *kept) read(t testing.TB, m dataset.Manifest) *dataset.Table {
	t.Helper()
	paths := make([]string, len(m.Parts))
	for i, part := range m.Parts {
		paths[i] = filepath.Join(k.folder, part.SHA256)
	}
	table, err := dataset.Read(t.Context(), m, paths, nil)
	require.NoError(t, err)
	return &table
}

// run ingests files with so many rows in a slice.
func run(t testing.TB, spec pipeline.Spec, rows, workers int, asOf time.Time, paths ...string) (ingest.Output, *kept, error) {
	t.Helper()
	return runBetween(t, spec, rows, workers, time.Time{}, asOf, paths...)
}

func runBetween(t testing.TB, spec pipeline.Spec, rows, workers int, after, asOf time.Time, paths ...string) (ingest.Output, *kept, error) {
	t.Helper()
	files := make([]source.File, len(paths))
	for i, path := range paths {
		files[i] = source.File{Name: filepath.Base(path), Path: path}
	}
	relation, err := source.Open(t.Context(), spec.Source.Relation, files, source.Options{RowsPerSlice: rows, MaxRows: spec.Limits.MaxRows, MaxBytes: spec.Limits.MaxBytes})
	if err != nil {
		return ingest.Output{}, nil, err
	}
	defer relation.Close()
	k := &kept{folder: t.TempDir()}
	out, err := ingest.Run(t.Context(), ingest.Input{
		Spec: spec, Rows: relation, After: after, AsOf: asOf, KnownAt: knownAt, Keep: k.keep, Folder: t.TempDir(), Workers: workers, Progress: func(int64) {},
	})
	return out, k, err
}

func written(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const fewLoans = `id,approved,gross,score,home,status,note
a1,2/28/1997,"$1,234.50",700, Own ,P I F,x
a2,12/1/05,$5,-9,RENT,CHGOFF,
a3,6/30/2026,(12.00),,own,,y
`

// Every type and step, by hand.
func TestRowsAreCleanedAndTyped(t *testing.T) {
	t.Parallel()
	out, k, err := run(t, parsed(t, loans), 0, 0, time.Time{}, written(t, "loans.csv", fewLoans))
	require.NoError(t, err)
	var csv bytes.Buffer
	require.NoError(t, dataset.WriteCSV(&csv, *k.read(t, out.Dataset)))
	require.Equal(t, `loanops_row,id,approved,gross,score,home,status,note
1,a1,1997-02-28,1234.5,700,own,P I F,x
2,a2,2005-12-01,5,,rent,CHGOFF,
3,a3,2026-06-30,-12,,own,,y
`, csv.String())
	require.EqualValues(t, 2, out.Checked.Labelled)
	require.Zero(t, out.Checked.Failing)
	require.Empty(t, out.Quarantine.Parts)
	require.Equal(t, []string{"gross", "score", "home", "status"}, names(out))
	require.Equal(t, []profile.Role{profile.Protected, profile.Feature, profile.Feature, profile.Label}, roles(out))
	require.Equal(t, []int{2, 1}, []int{out.Profile.Labelled, out.Profile.Positive})
	require.Equal(t, "1997-02", out.Profile.Periods[0].Name)
}

func names(out ingest.Output) (names []string) {
	for _, c := range out.Profile.Columns {
		names = append(names, c.Name)
	}
	return names
}

func roles(out ingest.Output) (roles []profile.Role) {
	for _, c := range out.Profile.Columns {
		roles = append(roles, c.Role)
	}
	return roles
}

// What breaks a rule goes into quarantine as it was read, with the rules; the rest stays, in order, with its ordinals.
func TestRowsThatBreakARuleAreApart(t *testing.T) {
	t.Parallel()
	out, k, err := run(t, parsed(t, loans), 0, 0, time.Time{}, written(t, "loans.csv", fewLoans+`b1,2/30/2020,$1,700,own,P I F,no such day
b2,1/1/2020,much,1001,castle,P I F,three rules
b3,1/1/2126,$1,1,own,P I F,a century late
b4,1/1/2020,$1,1,own,perhaps,no label
Ann Smith,1/1/2020,$1,x,own,P I F,a name where the number of the loan should be
c1,1/1/2020,$1,1,own,P I F,
`))
	require.NoError(t, err)
	good := k.read(t, out.Dataset)
	require.Equal(t, []float64{1, 2, 3, 9}, good.Column(dataset.RowColumn).Floats)
	require.EqualValues(t, 9, out.Checked.Rows)
	require.EqualValues(t, 5, out.Checked.Failing)
	bad := k.read(t, out.Quarantine)
	require.Equal(t, []string{"approved: type", "gross: type, score: range, home: domain", "approved: future_date", "status: label", "score: type"},
		bad.Column("loanops_rules").Texts)
	require.Equal(t, []float64{4, 5, 6, 7, 8}, bad.Column(dataset.RowColumn).Floats)
	require.Equal(t, "much", bad.Column("gross").Texts[1], "as it was read")
	require.Equal(t, "2/30/2020", bad.Column("approved").Texts[0])

	report, err := json.Marshal(dataset.NewValidator(parsed(t, loans), knownAt).Judge(out.Checked, out.Dataset.Columns))
	require.NoError(t, err)
	for _, value := range []string{"Ann", "Smith", "much", "castle", "perhaps", "2126"} {
		require.NotContains(t, string(report), value, "no value reaches a report")
	}
}

// Rows that were not known yet are left out, and are no anomaly.
func TestLaterRowsAreLeftOut(t *testing.T) {
	t.Parallel()
	out, k, err := run(t, parsed(t, loans), 0, 0, time.Date(2005, 12, 1, 0, 0, 0, 0, time.UTC), written(t, "loans.csv", fewLoans))
	require.NoError(t, err)
	require.EqualValues(t, 1, out.Later)
	require.Equal(t, []string{"a1", "a2"}, k.read(t, out.Dataset).Column("id").Texts)
}

// Of a day that goes on a part of the rows is there: all are left out. Later days are no days that go on, but anomalies.
func TestRowsOfAPartialDayAreLeftOut(t *testing.T) {
	t.Parallel()
	k, spec := &kept{folder: t.TempDir()}, parsed(t, loans)
	relation, err := source.Open(t.Context(), spec.Source.Relation, []source.File{{Name: "loans.csv", Path: written(t, "loans.csv", fewLoans)}}, source.Options{})
	require.NoError(t, err)
	defer relation.Close()
	out, err := ingest.Run(t.Context(), ingest.Input{
		Spec: spec, Rows: relation, Partial: time.Date(2005, 12, 1, 0, 0, 0, 0, time.UTC), KnownAt: knownAt, Keep: k.keep, Folder: t.TempDir(), Progress: func(int64) {},
	})
	require.NoError(t, err)
	require.EqualValues(t, 1, out.Later)
	require.Equal(t, []string{"a1", "a3"}, k.read(t, out.Dataset).Column("id").Texts)
}

// A look at what is new leaves out what an earlier one has seen, that day among it. Rows of no day are told apart: nobody has seen them.
func TestEarlierRowsAreLeftOut(t *testing.T) {
	t.Parallel()
	day := func(month time.Month, day int) time.Time { return time.Date(2005, month, day, 0, 0, 0, 0, time.UTC) }
	last := time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC)
	undated := fewLoans + "a4,,1,1,own,,z\n"
	for _, test := range []struct {
		after, asOf time.Time
		want        []string
		earlier     int64
		last        time.Time
	}{
		{day(11, 30), time.Time{}, []string{"a2", "a3"}, 1, last},
		{day(12, 1), time.Time{}, []string{"a3"}, 2, last},
		{day(11, 30), day(12, 1), []string{"a2"}, 1, day(12, 1)},
		{last, time.Time{}, nil, 3, time.Time{}},
	} {
		out, k, err := runBetween(t, parsed(t, loans), 0, 0, test.after, test.asOf, written(t, "loans.csv", undated))
		require.NoError(t, err)
		require.Equal(t, test.earlier, out.Earlier)
		require.EqualValues(t, 1, out.Undated)
		require.Equal(t, test.last, out.Last)
		if test.want != nil {
			require.Equal(t, test.want, k.read(t, out.Dataset).Column("id").Texts)
		}
	}
	all, _, err := runBetween(t, parsed(t, loans), 0, 0, time.Time{}, time.Time{}, written(t, "loans.csv", undated))
	require.NoError(t, err)
	require.EqualValues(t, 1, all.Undated)
	require.EqualValues(t, 4, all.Checked.Rows, "whoever reads all rows finds it")
}

// population writes simulated applications, some of them bad, as CSV and as Parquet.
func population(t testing.TB) (spec pipeline.Spec, csv, parquet string) {
	t.Helper()
	data, err := pipelines.FS.ReadFile("loan-eligibility.yaml")
	require.NoError(t, err)
	spec, err = pipeline.Parse("loan-eligibility.yaml", data)
	require.NoError(t, err)
	cfg := *spec.Source.Simulate
	cfg.Rows = 3000
	spec.Source.Simulate, spec.Source.URI = nil, "rows.csv"
	table := simulate.Flat(cfg, time.Time{})
	for i := range 30 {
		table.Column("purpose").Texts[97*i] = "yacht"
	}
	day := func(year int) float64 { return dataset.Day(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)) }
	table.Column("application_date").Floats[1], table.Column("application_date").Floats[2] = day(1), day(9999) // no dates, and not merely late ones
	table.Column("utilisation").Floats[3] = math.Copysign(0, -1)
	var text, binary bytes.Buffer
	require.NoError(t, dataset.WriteCSV(&text, table))
	require.NoError(t, dataset.WriteParquet(&binary, table))
	return spec, written(t, "rows.csv", text.String()), written(t, "rows.parquet", binary.String())
}

// The dataset is the same bytes however many work on it, and from whichever format the rows come.
func TestTheDatasetDependsOnTheRowsAlone(t *testing.T) {
	t.Parallel()
	spec, csv, parquet := population(t)
	var want ingest.Output
	for _, workers := range []int{1, 2, 7} {
		for _, path := range []string{csv, parquet} {
			spec.Source.URI = path
			out, _, err := run(t, spec, 256, workers, time.Time{}, path)
			require.NoError(t, err)
			if want.Dataset.Rows == 0 {
				want = out
				require.EqualValues(t, 32, out.Checked.Failing)
				require.EqualValues(t, out.Checked.Labelled, out.Profile.Labelled, "young rows do not count")
				require.Less(t, out.Profile.Labelled, out.Profile.Rows)
				require.Len(t, out.Dataset.Parts, (table(out)+255)/256)
			}
			require.Equal(t, want.Dataset, out.Dataset, "%d workers, %s", workers, filepath.Base(path))
			require.Equal(t, want.Checked, out.Checked)
			require.Equal(t, want.Profile, out.Profile)
			require.Equal(t, want.Quarantine, out.Quarantine)
		}
	}
}

func table(out ingest.Output) int { return int(out.Checked.Rows) }

// Parts of one shape are a union; cutting a file moves no row.
func TestPartsAreAUnion(t *testing.T) {
	t.Parallel()
	spec, csv, _ := population(t)
	whole, _, err := run(t, spec, 256, 2, time.Time{}, csv)
	require.NoError(t, err)
	data, err := os.ReadFile(csv)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(data), "\n")
	first, second := written(t, "1.csv", strings.Join(lines[:1000], "")), written(t, "2.csv", lines[0]+strings.Join(lines[1000:], ""))
	parts, _, err := run(t, spec, 256, 2, time.Time{}, first, second)
	require.NoError(t, err)
	require.Equal(t, whole.Dataset, parts.Dataset)
}

// Staged rows keep their order, their ordinals and their values.
func TestStage(t *testing.T) {
	t.Parallel()
	spec, csv, _ := population(t)
	open := func(path string, r pipeline.Relation) source.Relation {
		relation, err := source.Open(t.Context(), r, []source.File{{Name: path, Path: path}}, source.Options{RowsPerSlice: 256})
		require.NoError(t, err)
		t.Cleanup(func() { _ = relation.Close() })
		return relation
	}
	paths, err := ingest.Stage(t.Context(), open(csv, spec.Source.Relation), t.TempDir(), true)
	require.NoError(t, err)
	require.Len(t, paths, 12)
	row := 0.0
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		staged, err := dataset.ReadParquet(data)
		require.NoError(t, err)
		for _, ordinal := range staged.Column(dataset.RowColumn).Floats {
			row++
			require.InDelta(t, row, ordinal, 0)
		}
	}
	require.InDelta(t, 3000, row, 0)

	none := written(t, "none.csv", "a,b\n")
	paths, err = ingest.Stage(t.Context(), open(none, pipeline.Relation{URI: none}), t.TempDir(), false)
	require.NoError(t, err)
	data, err := os.ReadFile(paths[0])
	require.NoError(t, err)
	empty, err := dataset.ReadParquet(data)
	require.NoError(t, err)
	require.Equal(t, []dataset.Field{{Name: "a", Kind: dataset.Text}, {Name: "b", Kind: dataset.Text}}, empty.Fields())
}

// Nothing is left behind by what fails: neither goroutines that wait nor files.
func TestAFaultEndsTheRun(t *testing.T) {
	t.Parallel()
	spec, csv, _ := population(t)
	data, err := os.ReadFile(csv)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(data), "\n")
	lines[2000] = "too,few\n"
	_, _, err = run(t, spec, 256, 2, time.Time{}, written(t, "ragged.csv", strings.Join(lines, "")))
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "ragged.csv:2001")

	spec.Limits.MaxRows = 1000
	_, _, err = run(t, spec, 256, 2, time.Time{}, csv)
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "1000")

	spec.Limits.MaxRows = 0
	relation, err := source.Open(t.Context(), spec.Source.Relation, []source.File{{Name: csv, Path: csv}}, source.Options{RowsPerSlice: 256})
	require.NoError(t, err)
	defer relation.Close()
	folder := t.TempDir()
	_, err = ingest.Run(t.Context(), ingest.Input{
		Spec: spec, Rows: relation, KnownAt: knownAt, Folder: folder, Workers: 3, Progress: func(int64) {},
		Keep: func(context.Context, string) (dataset.Part, error) {
			return dataset.Part{}, fault.New(fault.Unavailable, "away")
		},
	})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	left, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, left)
}

// A header alone is a dataset of no rows, for validation to tell.
func TestNoRows(t *testing.T) {
	t.Parallel()
	out, _, err := run(t, parsed(t, loans), 0, 0, time.Time{}, written(t, "loans.csv", "id,approved,gross,score,home,status,note\n"))
	require.NoError(t, err)
	require.Zero(t, out.Dataset.Rows)
	require.Len(t, out.Dataset.Columns, 8)
	_, err = out.Dataset.Encode()
	require.NoError(t, err)
}

// BenchmarkRun takes 131,072 rows of 12 numbers, 4 integers and 4 categories from CSV to validated, described parts.
func BenchmarkRun(b *testing.B) {
	spec := pipeline.Spec{Name: "bench", Label: pipeline.Label{Column: "c3", Positive: "1", Negative: "0"}}
	var header []string
	for i := range 20 {
		c := pipeline.Column{Name: fmt.Sprintf("f%d", i), Type: pipeline.Number}
		switch {
		case i >= 16:
			c = pipeline.Column{Name: fmt.Sprintf("c%d", i-16), Type: pipeline.Category}
		case i >= 12:
			c = pipeline.Column{Name: fmt.Sprintf("i%d", i-12), Type: pipeline.Integer}
		}
		header = append(header, c.Name)
		if c.Name != "c3" {
			spec.Columns = append(spec.Columns, c)
		}
	}
	var text bytes.Buffer
	fmt.Fprintln(&text, strings.Join(header, ","))
	for row := range 131_072 {
		for i := range 20 {
			switch {
			case i >= 16:
				fmt.Fprintf(&text, "%d", row%(i-14))
			case i >= 12:
				fmt.Fprintf(&text, "%d", row*i%100_000)
			default:
				fmt.Fprintf(&text, "%.4f", math.Mod(float64(row)*math.Phi*float64(i+1), 10_000))
			}
			if i < 19 {
				text.WriteByte(',')
			}
		}
		text.WriteByte('\n')
	}
	path := written(b, "rows.csv", text.String())
	spec.Source.URI = path
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		out, _, err := run(b, spec, 0, 0, time.Time{}, path)
		require.NoError(b, err)
		require.EqualValues(b, 131_072, out.Dataset.Rows)
	}
}
