package activities

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// lateSpec has applications without labels, and outcomes in parts.
const lateSpec = `name: late
source: {uri: applications/}
outcomes: {uri: outcomes/, entity: loan, known_at: day}
label: {column: y, positive: "1", negative: "0", matures_after_days: 10}
entity: id
time: applied
columns:
  - {name: amount, type: number}
`

// sent are the files of a source, by their paths.
type sent map[string]string

func (files sent) spec(t *testing.T, yaml, folder string) pipeline.Spec {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(folder, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	resolved, err := pipeline.Resolve(filepath.Join(folder, "late.yaml"), []byte(yaml))
	require.NoError(t, err)
	spec, err := pipeline.Parse("late.yaml", resolved)
	require.NoError(t, err)
	return spec
}

// extractAsOf extracts what was known on a day.
func (b *bench) extractAsOf(t *testing.T, spec pipeline.Spec, day string) (ExtractOutput, error) {
	t.Helper()
	loaded := b.loaded(t, spec)
	return b.stages.Extraction.Extract(t.Context(), ExtractInput{
		Schema: loaded.Schema.Ref, Version: 1, Source: loaded.Source, Outcomes: loaded.Outcomes, Limits: loaded.Limits, AsOf: day, KnownAt: day,
	})
}

// asOf extracts and validates what was known on a day.
func (b *bench) asOf(t *testing.T, spec pipeline.Spec, day string) (ExtractOutput, ValidateOutput, error) {
	t.Helper()
	out, err := b.extractAsOf(t, spec, day)
	if err != nil {
		return out, ValidateOutput{}, err
	}
	validated, err := b.stages.Checking.Validate(t.Context(), b.loaded(t, spec).Validation(out, day))
	return out, validated, err
}

// labels are those of a dataset by entity, missing ones as "-".
func (b *bench) labels(t *testing.T, out ExtractOutput) string {
	t.Helper()
	table, err := ReadTable(t.Context(), b.objects, out.Dataset)
	require.NoError(t, err)
	var words []string
	for i, id := range table.Column("id").Texts {
		label := "-"
		if y := table.Column("y"); y.Valid[i] {
			label = y.Texts[i]
		}
		words = append(words, id+label)
	}
	return strings.Join(words, " ")
}

var lateFiles = sent{
	"applications/1.csv": "id,applied,amount\na1,2026-01-01,1\na2,2026-01-01,2\n",
	"applications/2.csv": "id,applied,amount\na3,2026-01-02,3\na4,2026-01-02,4\n",
	// a1 is known twice on one day, and a2 is corrected on a later one, in a file that comes before the first. The note does not get into the dataset.
	"outcomes/1.csv": "loan,y,day,note\na2,1,2026-01-20,x\n",
	"outcomes/2.csv": "loan,y,day,note\na1,1,2026-01-11,x\na1,0,2026-01-11,x\na2,0,2026-01-12,x\n",
	"outcomes/3.csv": "loan,y,day,note\na3,1,2026-01-05,x\na3,,2026-02-01,x\nz9,1,2026-01-15,x\n",
}

// New parts that write their day otherwise are no rows that an earlier look has seen.
func TestRowsOfNoDayAreTold(t *testing.T) {
	b := newBench(t)
	spec := sent{
		"applications/1.csv": "id,applied,amount\na,2026-05-01,1\nb,2026-05-31,2\nf,2026-06-05,2\n",
		"applications/2.csv": "id,applied,amount\nc,01.06.2026,1\nd,02.06.2026,2\ne,,9\n",
		"outcomes/1.csv":     "loan,y,day\na,1,2026-05-20\n",
	}.spec(t, lateSpec, t.TempDir())
	loaded := b.loaded(t, spec)
	out, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{
		Schema: loaded.Schema.Ref, Version: 1, Source: loaded.Source, Outcomes: loaded.Outcomes, Limits: loaded.Limits, AsOf: "2026-06-30", KnownAt: "2026-06-30", After: "2026-05-31",
	})
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3}, []int64{out.Rows + out.Refused, out.Earlier, out.Undated}, out.Summary())
	require.Equal(t, "2026-06-05", out.Last)
	require.Contains(t, out.Summary(), "3 rows have no day")
}

// A look reads rows that are new, and others whose outcomes have matured. Who looks into what drifted wants the former, and finds both.
func TestALookNotesBothOfItsExtractions(t *testing.T) {
	b := newBench(t)
	spec := sent{
		"applications/1.csv": "id,applied,amount\na,2026-05-01,1\nb,2026-05-31,2\nf,2026-06-05,2\n",
		"outcomes/1.csv":     "loan,y,day\na,1,2026-05-20\n",
	}.spec(t, lateSpec, t.TempDir())
	loaded := b.loaded(t, spec)
	after := func(day string) ExtractInput {
		return ExtractInput{Schema: loaded.Schema.Ref, Version: 1, Source: loaded.Source, Outcomes: loaded.Outcomes, Limits: loaded.Limits, AsOf: "2026-06-30", KnownAt: "2026-06-30", After: day}
	}
	fresh := done[ExtractOutput](t, b)(b.stages.Extraction.Extract(t.Context(), after("2026-05-31")))
	outcomes := done[OutcomesOutput](t, b)(b.stages.Extraction.ExtractOutcomes(t.Context(), after("2026-04-30")))
	require.NotEqual(t, fresh.Dataset, outcomes.Dataset)
	require.Equal(t, map[string]artifact.Ref{
		"dataset": fresh.Dataset, "quarantine": fresh.Quarantine, "facts": fresh.Facts, "sources": fresh.Sources,
		"outcomes_dataset": outcomes.Dataset, "outcomes_quarantine": outcomes.Quarantine, "outcomes_facts": outcomes.Facts, "outcomes_sources": outcomes.Sources,
	}, b.registry.made)

	whole, err := json.Marshal(outcomes)
	require.NoError(t, err)
	part, err := json.Marshal(outcomes.ExtractOutput)
	require.NoError(t, err)
	require.JSONEq(t, string(part), string(whole), "runs that go on are answered as before")
}

// What was known of each application on a day, written by hand from lateFiles: late, corrected, sent twice, taken back, and of nobody.
func TestOutcomesAsTheyWereKnown(t *testing.T) {
	b := newBench(t)
	spec := lateFiles.spec(t, lateSpec, t.TempDir())
	digests := map[string]string{}
	for _, test := range []struct{ day, labels, note string }{
		{"2026-01-04", "a1- a2- a3- a4-", "7 rows, 7 not known yet, 0 replaced by later ones; 0 applications changed"},
		{"2026-01-05", "a1- a2- a31 a4-", "7 rows, 6 not known yet, 0 replaced by later ones; 0 applications changed"},
		{"2026-01-11", "a10 a2- a31 a4-", "7 rows, 4 not known yet, 1 replaced by later ones; 1 applications changed"},
		{"2026-01-12", "a10 a20 a31 a4-", "7 rows, 3 not known yet, 1 replaced by later ones; 1 applications changed"},
		{"2026-01-19", "a10 a20 a31 a4-", "7 rows, 2 not known yet, 1 replaced by later ones; 1 applications changed"},
		{"2026-01-20", "a10 a21 a31 a4-", "7 rows, 1 not known yet, 2 replaced by later ones; 2 applications changed"},
		{"2026-02-01", "a10 a21 a3- a4-", "7 rows, 0 not known yet, 3 replaced by later ones; 3 applications changed"},
	} {
		out, validated, err := b.asOf(t, spec, test.day)
		require.NoError(t, err, test.day)
		require.Equal(t, test.labels, b.labels(t, out), test.day)
		require.Equal(t, []string{"outcomes: " + test.note}, out.Notes, test.day)
		digests[out.Dataset.SHA256] = test.labels
		report, err := getJSON[dataset.Report](t.Context(), b.objects, validated.Report)
		require.NoError(t, err)
		var found []dataset.Finding
		for _, f := range report.Findings {
			if f.Rule == dataset.RuleUnknownEntity {
				found = append(found, f)
			}
			require.NotContains(t, f.Message, "note", "of outcomes three columns are taken")
		}
		if test.day < "2026-01-15" {
			require.Empty(t, found, test.day)
			continue
		}
		require.Equal(t, []dataset.Finding{{
			Column: "loan", Rule: "unknown_entity", Severity: dataset.Warning, Message: `outcomes, column "loan": 1 values are of no application in the source`,
			Count: 1, Share: 1.0 / 7, RowIDs: []string{"z9"},
		}}, found, test.day)
	}
	require.Len(t, digests, 6, "what is known is the dataset, and nothing else of the day")
}

// Applications of the day that goes on are left out; what is known of others on that day counts.
func TestOutcomesOfAPartialDayCount(t *testing.T) {
	b := newBench(t)
	folder := t.TempDir()
	files := sent{
		"applications/all.csv": "id,applied,amount\na1,2026-01-01,1\na2,2026-01-31,2\na3,2026-02-01,3\n",
		"outcomes/all.csv":     "loan,day,y\na1,2026-02-01,1\n",
	}
	loaded := b.loaded(t, files.spec(t, lateSpec, folder))
	in := loaded.Extraction("", nil, "", "", "2026-02-01")
	whole, err := b.stages.Extraction.Extract(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "a11 a2- a3-", b.labels(t, whole))
	in.Partial = "2026-02-01"
	out, err := b.stages.Extraction.Extract(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, "a11 a2-", b.labels(t, out))
	require.EqualValues(t, 1, out.Later)
	require.Equal(t, "2026-01-31", out.Last)
	in.Partial = "yesterday"
	_, err = b.stages.Extraction.Extract(t.Context(), in)
	require.ErrorContains(t, err, "partial")
}

// A source that has no other day than the one that goes on is looked at to the end: its training is refused, and does not fail.
func TestASourceOfAPartialDayAlone(t *testing.T) {
	b := newBench(t)
	files := sent{"applications/all.csv": "id,applied,amount\na1,2026-02-01,1\na2,2026-02-01,2\n", "outcomes/all.csv": "loan,day,y\na1,2026-02-01,1\n"}
	loaded := b.loaded(t, files.spec(t, lateSpec, t.TempDir()))
	in := loaded.Extraction("", nil, "", "", "2026-02-01")
	in.Partial = "2026-02-01"
	out, err := b.stages.Extraction.Extract(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, []int64{0, 0, 2}, []int64{out.Rows, out.Refused, out.Later})
	validated, err := b.stages.Checking.Validate(t.Context(), loaded.Validation(out, "2026-02-01"))
	require.NoError(t, err)
	require.Equal(t, []string{"the data have no rows"}, validated.Errors)
	require.Nil(t, validated.Change)
	_, err = b.stages.Checking.Profile(t.Context(), ProfileInput{Facts: out.Facts, Report: validated.Report})
	require.NoError(t, err)
}

// Rows that a person gives are joined to outcomes as the source's are, unless they bring the label themselves.
func TestRowsOfTheirOwnMayBringTheirLabels(t *testing.T) {
	b := newBench(t)
	folder := t.TempDir()
	spec := lateFiles.spec(t, lateSpec, folder)
	loaded := b.loaded(t, spec)
	for name, test := range map[string]struct{ text, labels string }{
		"without": {"id,applied,amount\na1,2026-01-01,1\na9,2026-01-01,2\n", "a10 a9-"},
		"with":    {"id,applied,amount,y\na1,2026-01-01,1,1\na9,2026-01-01,2,0\n", "a11 a90"},
	} {
		data := filepath.Join(folder, "applications", name+".csv")
		require.NoError(t, os.WriteFile(data, []byte(test.text), 0o600))
		out, err := b.stages.Extraction.Extract(t.Context(), loaded.Extraction(data, nil, "2026-02-01", "", "2026-02-01"))
		require.NoError(t, err, name)
		require.Equal(t, test.labels, b.labels(t, out), name)
		require.Equal(t, name == "without", len(out.Notes) > 0, "outcomes are told of where they were read")
		require.NoError(t, os.Remove(data))
	}
}

// An outcome that is known does not count before the applications of its day are mature: among those who are known early, too many defaulted.
func TestOutcomesCountWhenTheirVintageIsMature(t *testing.T) {
	b := newBench(t)
	spec := lateFiles.spec(t, lateSpec, t.TempDir())
	for day, labelled := range map[string]int64{"2026-01-10": 0, "2026-01-11": 1, "2026-01-12": 3} {
		_, validated, err := b.asOf(t, spec, day)
		require.NoError(t, err)
		report, err := getJSON[dataset.Report](t.Context(), b.objects, validated.Report)
		require.NoError(t, err)
		require.Equal(t, labelled, report.Labelled, "%s: a3 is known since 2026-01-05, and mature on 2026-01-12", day)
	}
}

// Rows of outcomes of which nobody knows whose they are, or since when, count for nobody; too many of them refuse.
func TestOutcomesThatCannotBePlaced(t *testing.T) {
	b := newBench(t)
	folder := t.TempDir()
	files := sent{
		"applications/1.csv": "id,applied,amount\na1,2026-01-01,1\n",
		"outcomes/1.csv":     "loan,y,day\na1,1,\n,1,2026-01-02\na1,1,Ann Smith\na1,0,2026-01-03\n",
	}
	for _, test := range []struct {
		share    string
		severity dataset.Severity
	}{{"0.7", dataset.Error}, {"0.75", dataset.Warning}} {
		spec := files.spec(t, lateSpec+"schema: {quarantine: {max_share: "+test.share+"}}\n", folder)
		out, validated, err := b.asOf(t, spec, "2026-02-01")
		require.NoError(t, err)
		require.Equal(t, "a10", b.labels(t, out))
		report, err := getJSON[dataset.Report](t.Context(), b.objects, validated.Report)
		require.NoError(t, err)
		var messages []string
		for _, f := range report.Findings {
			if strings.HasPrefix(f.Message, "outcomes") {
				require.Equal(t, test.severity, f.Severity, f.Message)
				messages = append(messages, f.Message)
			}
		}
		require.Equal(t, []string{
			`outcomes, column "loan": 1 values are missing`, `outcomes, column "day": 1 values are missing`,
			`outcomes, column "day": 1 values cannot be read as when they became known`,
		}, messages)
	}
}

// What does not fit is said with the key that is wrong.
func TestOutcomesThatDoNotFit(t *testing.T) {
	for _, test := range []struct{ old, new, want string }{
		{"entity: loan", "entity: lone", `has no column "lone" (outcomes.entity)`},
		{"known_at: day", "known_at: day, label: bad", `has no column "bad" (outcomes.label)`},
		{"known_at: day", "known_at: since", `has no column "since" (outcomes.known_at)`},
		{"entity: id", "entity: nr", `has no column "nr", by which outcomes find their applications`},
		{"column: y", "column: amount", `has a column "amount", and outcomes bring the label: leave it out (source.select)`},
		{"known_at: day", `known_at: day, where: "day ="`, "where is not one SQL condition"},
	} {
		yaml := strings.Replace(lateSpec, test.old, test.new, 1)
		if strings.Contains(test.new, "column: amount") {
			yaml = strings.Replace(yaml, "name: amount", "name: other", 1)
		}
		_, err := newBench(t).extractAsOf(t, lateFiles.spec(t, yaml, t.TempDir()), "2026-02-01")
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, test.want)
	}
}

// Outcomes in other kinds of files, conditions and formats give the same dataset, and where a file lies does not matter.
func TestOutcomesOfAnyKind(t *testing.T) {
	b := newBench(t)
	spec := lateFiles.spec(t, lateSpec, t.TempDir())
	want, _, err := b.asOf(t, spec, "2026-01-20")
	require.NoError(t, err)
	again, _, err := b.asOf(t, lateFiles.spec(t, lateSpec, t.TempDir()), "2026-01-20")
	require.NoError(t, err)
	require.True(t, again.Cached, "the same content elsewhere")
	require.Equal(t, want.Dataset, again.Dataset)
	for _, column := range []string{"label: note, known_at: day", "label: y, known_at: note"} {
		other, _, err := b.asOf(t, lateFiles.spec(t, strings.Replace(lateSpec, "known_at: day", column, 1), t.TempDir()), "2026-01-20")
		require.NoError(t, err)
		require.False(t, other.Cached, "the same content read otherwise")
		require.NotEqual(t, want.Dataset, other.Dataset)
	}

	lines := `{"loan":"a2","y":1,"day":"1/20/2026"}
{"loan":"a1","y":1,"day":"1/11/2026"}
{"loan":"a1","y":0,"day":"1/11/2026"}
{"loan":"a2","y":0,"day":"1/12/2026"}
{"loan":"a2","y":0,"day":"1/21/2026"}
{"loan":"a3","y":1,"day":"1/5/2026"}
{"loan":"a4","y":1,"day":"1/6/2026"}
`
	other := sent{"applications/1.csv": lateFiles["applications/1.csv"], "applications/2.csv": lateFiles["applications/2.csv"], "outcomes/1.jsonl": lines}
	yaml := strings.Replace(lateSpec, "known_at: day", `known_at: day, where: "loan <> 'a4'"`, 1) + "clean:\n  - date: {columns: [day], formats: [M/D/YYYY]}\n"
	got, _, err := b.asOf(t, other.spec(t, yaml, t.TempDir()), "2026-01-20")
	require.NoError(t, err)
	require.Equal(t, want.Dataset, got.Dataset)

	// Instants of one day are told apart, and a day ends with its last one.
	stamps := sent{
		"applications/1.csv": lateFiles["applications/1.csv"], "applications/2.csv": lateFiles["applications/2.csv"],
		"outcomes/1.csv": "loan,y,day\na1,0,2026-01-11T10:00:00Z\na1,1,2026-01-11T09:00:00Z\na2,1,2026-01-20T23:59:59Z\na2,0,2026-01-21T00:00:00Z\na3,1,2026-01-05T00:00:00Z\n",
	}
	got, _, err = b.asOf(t, stamps.spec(t, lateSpec+"types: {day: timestamp}\n", t.TempDir()), "2026-01-20")
	require.NoError(t, err)
	require.Equal(t, want.Dataset, got.Dataset)
}

// The dataset of any day is what a plain reading of the outcomes gives.
func TestOutcomesAreThoseOfTheDay(t *testing.T) {
	b := newBench(t)
	type outcome struct {
		of    int
		label string
		day   int
	}
	anyRows := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) outcome {
		return outcome{rapid.IntRange(0, 49).Draw(r, "of"), rapid.SampledFrom([]string{"0", "1", ""}).Draw(r, "label"), rapid.IntRange(1, 28).Draw(r, "day")}
	}), 1, 300)
	applications := "id,applied,amount\n"
	for id := 39; id >= 0; id-- {
		applications += fmt.Sprintf("a%d,2026-01-01,1\n", id)
	}
	for seed := range 15 {
		rows, parts := anyRows.Example(seed), 1+seed%4
		files := sent{"applications/1.csv": applications}
		for i, row := range rows {
			name := fmt.Sprintf("outcomes/%d.csv", i*parts/len(rows))
			if files[name] == "" {
				files[name] = "loan,y,day\n"
			}
			files[name] += fmt.Sprintf("a%d,%s,2026-01-%02d\n", row.of, row.label, row.day)
		}
		spec := files.spec(t, lateSpec, t.TempDir())
		for _, day := range []int{1 + seed, 28} {
			out, err := b.extractAsOf(t, spec, fmt.Sprintf("2026-01-%02d", day))
			require.NoError(t, err)
			var want []string
			for id := 39; id >= 0; id-- {
				label, since := "", 0
				for _, row := range rows {
					if row.of == id && row.day <= day && row.day >= since {
						label, since = row.label, row.day
					}
				}
				want = append(want, fmt.Sprintf("a%d%s", id, cmp.Or(label, "-")))
			}
			require.Equal(t, strings.Join(want, " "), b.labels(t, out), "seed %d, day %d", seed, day)
		}
	}
}

// At a desk outcomes are read as in a training; on the first day there are none yet.
func TestTheDeskReadsOutcomes(t *testing.T) {
	b := newBench(t)
	desk := Desk{Cache: StepCache{Objects: b.objects}, Warehouse: b.tables, Folder: t.TempDir(), Page: b.stages.Checking.Page}
	checked, err := desk.Check(t.Context(), lateFiles.spec(t, lateSpec, t.TempDir()), "", time.Date(2026, 1, 20, 9, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.EqualValues(t, 4, checked.Rows.Cleaned)
	require.Equal(t, []string{"outcomes: 7 rows, 1 not known yet, 2 replaced by later ones; 2 applications changed"}, checked.Notes)
	require.Equal(t, dataset.RuleUnknownEntity, checked.Findings[len(checked.Findings)-1].Rule)
	want, err := b.extractAsOf(t, lateFiles.spec(t, lateSpec, t.TempDir()), "2026-01-20")
	require.NoError(t, err)
	require.Equal(t, want.Dataset.SHA256, checked.Digest)
	tomorrow := lateFiles.spec(t, lateSpec, t.TempDir())
	tomorrow.Source.KnownAt = &pipeline.Date{Time: time.Date(2026, 1, 21, 0, 0, 0, 0, time.UTC)}
	_, err = desk.Check(t.Context(), tomorrow, "", time.Date(2026, 1, 20, 9, 0, 0, 0, time.UTC))
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "source.known_at is 2026-01-21, which is yet to come")

	none := sent{"applications/1.csv": lateFiles["applications/1.csv"], "outcomes/1.csv": "loan,y,day\n"}
	out, err := b.extractAsOf(t, none.spec(t, lateSpec, t.TempDir()), "2026-01-20")
	require.NoError(t, err)
	require.Equal(t, "a1- a2-", b.labels(t, out))
}
