package activities

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/schema"
)

const evolvingSpec = `name: evolving
source: {uri: rows.csv}
label: {column: y, positive: "1", negative: "0"}
entity: id
columns:
  - {name: n, type: number, min: 0, max: 1000, unit: EUR}
  - {name: c, type: category, domain: [a, b]}
schema: {evolve: {max_share: 0.05}, quarantine: {max_share: 0.05}}
`

// evolving is a bench with a spec, which change may alter, and a file of 400 rows, which spoil may alter; the first line is the header.
func evolving(t *testing.T, spoil func(lines []string)) (*bench, string) {
	t.Helper()
	b := newBench(t)
	b.spec = evolvingAs(t, evolvingSpec)
	lines := []string{"id,n,c,y"}
	for i := range 400 {
		lines = append(lines, fmt.Sprintf("A-%d,%d,%s,%d", i, 7*i%1000, string("ab"[i%2]), uint32(i)*2654435761>>31))
	}
	spoil(lines)
	path := filepath.Join(t.TempDir(), "rows.csv")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return b, path
}

func evolvingAs(t *testing.T, yaml string) pipeline.Spec {
	t.Helper()
	spec, err := pipeline.Parse("evolving.yaml", []byte(yaml))
	require.NoError(t, err)
	return spec
}

// validated extracts a file and holds it against the schema, as a training does once.
func (b *bench) validated(t *testing.T, loaded PipelineOutput, data string) (ExtractOutput, ValidateOutput) {
	t.Helper()
	extracted, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{
		Schema: loaded.Schema.Ref, Version: loaded.Schema.Version, Source: loaded.Source, Limits: loaded.Limits, Data: data, KnownAt: "2026-06-30",
	})
	require.NoError(t, err)
	out, err := b.stages.Checking.Validate(t.Context(), loaded.Validation(extracted, "2026-06-30"))
	require.NoError(t, err)
	return extracted, out
}

func (b *bench) recorded(t *testing.T, loaded PipelineOutput, change *SchemaChange) RecordSchemaOutput {
	t.Helper()
	require.NotNil(t, change)
	out, err := b.stages.Pipelines.RecordSchema(t.Context(), RecordSchemaInput{Pipeline: "evolving", State: loaded.Schema, Change: *change, RunID: "run-1"})
	require.NoError(t, err)
	return out
}

func set(lines []string, from, to, field int, value string) {
	for i := from; i < to; i++ {
		fields := strings.Split(lines[i], ",")
		fields[field] = value
		lines[i] = strings.Join(fields, ",")
	}
}

// A new category of a few rows and a wider range become the next version; the rows are read again under it and none is in quarantine.
func TestWhatDataBringBecomesTheNextSchema(t *testing.T) {
	b, path := evolving(t, func(lines []string) {
		set(lines, 1, 9, 2, "boat")
		set(lines, 20, 22, 1, "1200")
		lines[0] += ",extra"
		for i := range lines[1:] {
			lines[1+i] += ",x"
		}
	})
	loaded := b.loaded(t, b.spec)
	require.Equal(t, 1, loaded.Schema.Version)
	extracted, first := b.validated(t, loaded, path)
	require.EqualValues(t, 10, extracted.Refused)
	require.Empty(t, first.Errors)
	require.Equal(t, []string{`column "n": a wider range`, `column "c": 1 new category`, `column "extra": new, not used until the spec lists it`}, first.Change.Words)
	recorded := b.recorded(t, loaded, first.Change)
	require.Equal(t, 2, recorded.State.Version)
	loaded.Schema = recorded.State
	again, second := b.validated(t, loaded, path)
	require.Nil(t, second.Change)
	require.Zero(t, again.Refused)
	require.EqualValues(t, 400, again.Rows)
	spec, err := getSchema(t.Context(), b.objects, loaded.Schema.Ref)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "boat"}, spec.Columns[1].Domain)
	require.Equal(t, 1300.0, *spec.Columns[0].Max, "the bound is nobody's number")
	m, _, err := manifest(t.Context(), b.objects, again.Dataset)
	require.NoError(t, err)
	require.Equal(t, 2, m.Schema)

	require.Equal(t, recorded.State, b.loaded(t, b.spec).Schema, "the next run begins under it")
	rows, err := json.Marshal(b.registry.schemas["evolving"])
	require.NoError(t, err)
	require.NotContains(t, string(rows), "boat", "a registry row holds no value")

	// A person's change of another column keeps what data have taught.
	b.spec = evolvingAs(t, strings.Replace(evolvingSpec, "max: 1000,", "max: 2000,", 1))
	edited := b.loaded(t, b.spec)
	require.Equal(t, 3, edited.Schema.Version)
	spec, err = getSchema(t.Context(), b.objects, edited.Schema.Ref)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "boat"}, spec.Columns[1].Domain)
	require.Equal(t, 2000.0, *spec.Columns[0].Max)
	require.Equal(t, []string{"extra"}, edited.Schema.Unused)
}

// What the schema takes in breaks no rule: without any quarantine the run goes on.
func TestWhatIsTakenInBreaksNoRule(t *testing.T) {
	b, path := evolving(t, func(lines []string) { set(lines, 1, 9, 2, "boat") })
	b.spec = evolvingAs(t, strings.Replace(evolvingSpec, ", quarantine: {max_share: 0.05}", "", 1))
	_, out := b.validated(t, b.loaded(t, b.spec), path)
	require.Empty(t, out.Errors)
	require.NotNil(t, out.Change)
}

// What is new together grows together, without any quarantine; a step of tables changes nothing about it.
func TestWhatIsNewTogether(t *testing.T) {
	for name, steps := range map[string]string{"rows as they are": "", "duplicates dropped": "clean: [{drop_duplicates: {}}]\n"} {
		t.Run(name, func(t *testing.T) {
			b, path := evolving(t, func(lines []string) {
				set(lines, 1, 9, 2, "boat")
				set(lines, 5, 15, 1, "1100") // some of them boats
			})
			b.spec = evolvingAs(t, strings.Replace(evolvingSpec, ", quarantine: {max_share: 0.05}", "", 1)+steps)
			loaded := b.loaded(t, b.spec)
			_, out := b.validated(t, loaded, path)
			require.Empty(t, out.Errors)
			require.Equal(t, []string{`column "n": a wider range`, `column "c": 1 new category`}, out.Change.Words)
			loaded.Schema = b.recorded(t, loaded, out.Change).State
			extracted, out := b.validated(t, loaded, path)
			require.Nil(t, out.Change)
			require.EqualValues(t, 400, extracted.Rows)
		})
	}
}

// A version from which a person went back stays where it is until a person says otherwise.
func TestAPersonsWordStays(t *testing.T) {
	b, path := evolving(t, func(lines []string) { set(lines, 1, 9, 2, "boat") })
	loaded := b.loaded(t, b.spec)
	_, out := b.validated(t, loaded, path)
	b.recorded(t, loaded, out.Change)
	_, err := b.registry.AcceptSchema(t.Context(), "evolving", 1, registry.SchemaAcceptance{Actor: "ada", Reason: "a mistake of typing"})
	require.NoError(t, err)
	loaded = b.loaded(t, b.spec)
	require.Equal(t, 1, loaded.Schema.Version)
	recorded := b.recorded(t, loaded, out.Change)
	require.Contains(t, recorded.Refused, "a person went back from schema version 2")
	require.Equal(t, 1, b.loaded(t, b.spec).Schema.Version)
}

// Where a rule or a step needs a column as it was the spec has to change: nothing is proposed that could not be read.
func TestNothingIsProposedThatCannotBeRead(t *testing.T) {
	lacking := func(lines []string) {
		for i := range lines {
			fields := strings.Split(lines[i], ",")
			lines[i] = strings.Join([]string{fields[0], fields[1], fields[3]}, ",")
		}
	}
	texts := func(lines []string) { set(lines, 1, len(lines), 1, "high") }
	for name, test := range map[string]struct {
		more  string
		spoil func([]string)
	}{
		"a rule":              {"rules: [{name: known, expression: c <> 'x'}]\n", lacking},
		"a key of duplicates": {"clean: [{drop_duplicates: {key: [c]}}]\n", lacking},
		"a filter":            {"clean: [{filter: {name: some, keep: c <> 'x'}}]\n", lacking},
		"an amount":           {"clean: [{amount: {columns: [n], currency: $}}]\n", texts},
		"a clip":              {"clean: [{clip: {columns: [n], max: 900}}]\n", texts},
	} {
		t.Run(name, func(t *testing.T) {
			b, path := evolving(t, test.spoil)
			b.spec = evolvingAs(t, evolvingSpec+test.more)
			loaded := b.loaded(t, b.spec)
			extracted, err := b.stages.Extraction.Extract(t.Context(), ExtractInput{Schema: loaded.Schema.Ref, Version: 1, Source: loaded.Source, Limits: loaded.Limits, Data: path, KnownAt: "2026-06-30"})
			if err != nil { // a step of tables needs the column
				require.ErrorContains(t, err, "c")
				return
			}
			out, err := b.stages.Checking.Validate(t.Context(), loaded.Validation(extracted, "2026-06-30"))
			require.NoError(t, err)
			require.NotEmpty(t, out.Errors)
			require.Nil(t, out.Change)
		})
	}
}

// After a schema has grown the champion is compared on the rows that it knows, and the gate hears of it.
func TestTheChampionIsComparedAfterASchemaHasGrown(t *testing.T) {
	b := newBench(t)
	tr := b.train(t)
	table, err := ReadTable(t.Context(), b.objects, tr.split.Test)
	require.NoError(t, err)
	purpose := table.Column("purpose")
	for i := range 20 {
		purpose.Texts[i] = "boat"
	}
	in := EvaluateInput{Champion: &Rival{Version: 1, Bundle: tr.trained.Bundle, Label: b.spec.Label}}
	in.Test, err = putTable(t.Context(), b.objects, table)
	require.NoError(t, err)
	grown := b.spec
	grown.Columns = slices.Clone(b.spec.Columns)
	for i := range grown.Columns {
		if c := &grown.Columns[i]; c.Name == "purpose" {
			c.Domain = append(slices.Clone(c.Domain), "boat")
		}
	}
	in.Schema, err = putJSON(t.Context(), b.objects, schema.Of(grown))
	require.NoError(t, err)
	challenger, err := b.stages.Training.Train(t.Context(), TrainInput{Schema: in.Schema, Algorithm: b.spec.Algorithm, Train: tr.split.Train, Validation: tr.split.Validation})
	require.NoError(t, err)
	in.Bundle = challenger.Bundle
	out, err := b.stages.Evaluation.Evaluate(t.Context(), in)
	require.NoError(t, err)
	require.NotNil(t, out.Champion)
	require.EqualValues(t, table.Rows()-20, out.Champion.Rows)
	require.Contains(t, out.Champion.Note, fmt.Sprintf("%d of %d rows are good for both models", table.Rows()-20, table.Rows()))

	drop := 0.05
	out.Champion.Differences["auc"] = evaluate.NewDifference(-0.1, 1)
	gates, err := b.stages.Evaluation.CheckGates(t.Context(), GateInput{
		Gates: []pipeline.Gate{{Metric: "auc_drop", Max: &drop}}, Metrics: out.Metrics, Champion: out.Champion,
	})
	require.NoError(t, err)
	require.False(t, gates.Passed)
}

// Each stays what it was: rows that break rules.
func TestWhatDoesNotBecomeASchema(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(lines []string)
	}{
		{"too many rows", func(lines []string) { set(lines, 1, 25, 2, "boat") }},
		{"too few to be a category", func(lines []string) { set(lines, 1, 5, 2, "boat") }},
		{"more new categories than there are", func(lines []string) {
			for i := range 15 {
				set(lines, 1+i, 2+i, 2, []string{"x", "y", "z"}[i%3])
			}
		}},
		{"rows that break a rule of another kind as well", func(lines []string) {
			set(lines, 1, 9, 2, "boat")
			set(lines, 1, 9, 1, "many")
		}},
		{"a number that is another unit's", func(lines []string) { set(lines, 1, 9, 1, "120000") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, path := evolving(t, test.spoil)
			extracted, out := b.validated(t, b.loaded(t, b.spec), path)
			require.Nil(t, out.Change)
			require.NotZero(t, extracted.Refused)
		})
	}
	t.Run("without leave", func(t *testing.T) {
		b, path := evolving(t, func(lines []string) { set(lines, 1, 9, 2, "boat") })
		b.spec = evolvingAs(t, strings.Replace(evolvingSpec, "evolve: {max_share: 0.05}, ", "", 1))
		_, out := b.validated(t, b.loaded(t, b.spec), path)
		require.Nil(t, out.Change)
	})
}

// Each schema lets the next new category be seen: a desk ends where a training does.
func TestADeskDoesNotReadForEver(t *testing.T) {
	b := newBench(t)
	const groups, size = 7, 6 // of six rows each: the first has one new category, each next one three and the last of the group before
	header, columns := "id", ""
	for c := range 3*groups - 2 {
		header += fmt.Sprintf(",c%d", c)
		columns += fmt.Sprintf("  - {name: c%d, type: category, domain: [a]}\n", c)
	}
	lines := []string{header + ",y"}
	for i := range 1000 {
		fields, group := []string{fmt.Sprintf("A-%d", i)}, i/size
		for c := range 3*groups - 2 {
			fields = append(fields, map[bool]string{true: "b", false: "a"}[group < groups && c <= 3*group && c >= 3*group-3])
		}
		lines = append(lines, strings.Join(append(fields, fmt.Sprint(uint32(i)*2654435761>>31)), ","))
	}
	path := filepath.Join(t.TempDir(), "rows.csv")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	spec := evolvingAs(t, "name: evolving\nsource: {uri: rows.csv}\nlabel: {column: y, positive: \"1\", negative: \"0\"}\nentity: id\ncolumns:\n"+columns+"schema: {evolve: {max_share: 0.05}, quarantine: {max_share: 0.05}}\n")
	desk := Desk{Cache: StepCache{Objects: b.objects}, Warehouse: b.tables, Folder: t.TempDir(), Page: b.stages.Checking.Page}
	out, err := desk.Check(t.Context(), spec, path, time.Now())
	require.NoError(t, err)
	require.Equal(t, []string{TooManySchemas}, out.Refused)
}

// Names in a column of categories reach neither facts nor what crosses Temporal nor the registry.
func TestShiftedNamesAreNotRecorded(t *testing.T) {
	b, path := evolving(t, func(lines []string) {
		for i := 1; i < 19; i++ {
			set(lines, i, i+1, 2, fmt.Sprintf("Ann Smithson %d", i/5)) // some in five rows
		}
	})
	extracted, out := b.validated(t, b.loaded(t, b.spec), path)
	require.Empty(t, out.Errors)
	require.Nil(t, out.Change)
	facts, err := b.objects.Get(t.Context(), extracted.Facts)
	require.NoError(t, err)
	require.NotContains(t, string(facts), "Smithson")
}

// What could make old and new data mean different things waits for a person.
func TestBreakingChangesWaitForAPerson(t *testing.T) {
	b, path := evolving(t, func([]string) {})
	b.loaded(t, b.spec)
	for name, yaml := range map[string]string{
		"unit":    strings.Replace(evolvingSpec, "unit: EUR", "unit: USD", 1),
		"type":    strings.Replace(evolvingSpec, "type: number", "type: integer", 1),
		"meaning": strings.Replace(evolvingSpec, `negative: "0"}`, `negative: "0", meaning: approval}`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			changed := b.loaded(t, evolvingAs(t, yaml))
			require.Contains(t, changed.Refused, "loanops schemas accept evolving")
			require.Equal(t, 1, changed.Schema.Version)
		})
	}
	b.spec = evolvingAs(t, strings.Replace(evolvingSpec, "unit: EUR", "unit: USD", 1))
	refused := b.loaded(t, b.spec)
	require.NotEmpty(t, refused.Refused)
	versions := b.registry.schemas["evolving"]
	dollars := versions[slices.IndexFunc(versions, func(v registry.SchemaVersion) bool { return strings.Contains(strings.Join(v.Changes, ""), "USD") })]
	_, err := b.registry.AcceptSchema(t.Context(), "evolving", dollars.Version, registry.SchemaAcceptance{Actor: "ada", Reason: "dollars since May"})
	require.NoError(t, err)
	accepted := b.loaded(t, b.spec)
	require.Empty(t, accepted.Refused)
	require.Equal(t, dollars.Version, accepted.Schema.Version)
	_, out := b.validated(t, accepted, path)
	require.Empty(t, out.Errors)
}

// Data that lack a column, or hold another type in it, stop; accepted, they train without it, or as that type.
func TestDataOfAnotherShapeAreProposed(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(lines []string)
		words string
	}{
		{"a column is missing", func(lines []string) {
			for i := range lines {
				fields := strings.Split(lines[i], ",")
				lines[i] = strings.Join([]string{fields[0], fields[1], fields[3]}, ",")
			}
		}, `column "c": the data lack it`},
		{"a number is a text", func(lines []string) { set(lines, 1, len(lines), 1, "high") }, `column "n": number becomes category`},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, path := evolving(t, test.spoil)
			loaded := b.loaded(t, b.spec)
			_, out := b.validated(t, loaded, path)
			require.NotEmpty(t, out.Errors)
			require.True(t, out.Change.Breaking)
			require.Contains(t, out.Change.Words, test.words)
			proposed := b.recorded(t, loaded, out.Change)
			require.Contains(t, proposed.Refused, "schema version 2: ")
			require.Equal(t, 1, proposed.State.Version)
			_, err := b.registry.AcceptSchema(t.Context(), "evolving", 2, registry.SchemaAcceptance{Actor: "ada", Reason: "so it is now"})
			require.NoError(t, err)
			accepted := b.loaded(t, b.spec)
			require.Equal(t, 2, accepted.Schema.Version)
			_, out = b.validated(t, accepted, path)
			require.Empty(t, out.Errors)
			require.Nil(t, out.Change)
		})
	}
}

// Where another run was faster its version is the one that counts, and the data are read again under it.
func TestASchemaThatChangedMeanwhile(t *testing.T) {
	b, path := evolving(t, func(lines []string) { set(lines, 1, 9, 2, "boat") })
	loaded := b.loaded(t, b.spec)
	_, out := b.validated(t, loaded, path)
	other := schema.Of(b.spec)
	ref, err := putJSON(t.Context(), b.objects, other)
	require.NoError(t, err)
	faster := b.recorded(t, loaded, &SchemaChange{Schema: ref, Unused: []string{"extra"}, Words: []string{"column \"extra\": new"}})
	recorded := b.recorded(t, loaded, out.Change)
	require.Equal(t, faster.State, recorded.State)
}

// The rows that a look is at have no labels yet: that does not stand in the way of what else they bring.
func TestRowsWithoutLabelsAreHeldAgainstTheSchema(t *testing.T) {
	b, path := evolving(t, func(lines []string) {
		set(lines, 1, 401, 3, "")
		set(lines, 1, 9, 2, "boat")
	})
	loaded := b.loaded(t, b.spec)
	extracted, trained := b.validated(t, loaded, path)
	require.Contains(t, trained.Errors, "0 labelled rows with 0 positive; at least 10 of each class are needed")
	in := loaded.Validation(extracted, "2026-06-30")
	in.Young = true
	looked, err := b.stages.Checking.Validate(t.Context(), in)
	require.NoError(t, err)
	require.Empty(t, looked.Errors)
	require.NotNil(t, looked.Change)
	require.False(t, looked.Change.Breaking)
	report, err := getJSON[dataset.Report](t.Context(), b.objects, looked.Report)
	require.NoError(t, err)
	require.Len(t, report.Findings, 1)
	grows := report.Findings[0]
	require.Equal(t, []any{"c", dataset.RuleSchema, int64(8), 0.02}, []any{grows.Column, grows.Rule, grows.Count, grows.Share}, "it names the column, and 8 of 400 rows")
}

// Of 50 rows one out of range is more than a hundredth and says little of the rows to come: a look lets the schema grow by it, as it would of 500. A
// training takes no more than the spec says. P(X >= 4) of 50 rows is 0.0016, P(X >= 5) 0.00015 (Python's fractions).
func TestALookTakesInWhatFewRowsBring(t *testing.T) {
	for far, within := range map[int]bool{1: true, 4: true, 5: false} {
		b, path := evolving(t, func(lines []string) {
			set(lines, 1, far+1, 1, "1200")
			for i := 51; i < len(lines); i++ {
				lines[i] = ""
			}
		})
		b.spec = evolvingAs(t, strings.Replace(evolvingSpec, "schema: {evolve: {max_share: 0.05}, quarantine: {max_share: 0.05}}", "schema: {evolve: {max_share: 0.01}}", 1))
		loaded := b.loaded(t, b.spec)
		extracted, trained := b.validated(t, loaded, path)
		require.Equal(t, int64(50), extracted.Rows+extracted.Refused)
		require.NotEmpty(t, trained.Errors)
		in := loaded.Validation(extracted, "2026-06-30")
		in.Young = true
		looked, err := b.stages.Checking.Validate(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, within, len(looked.Errors) == 0, "%d: %v", far, looked.Errors)
		if within {
			require.Equal(t, []string{`column "n": a wider range`}, looked.Change.Words)
		}
	}
}

// Files of days that were not known yet have columns of their own: before its day a column is not there.
func TestAColumnWithoutValuesIsNotThere(t *testing.T) {
	for value, unused := range map[string][]string{"": nil, "3": {"later"}} {
		b, path := evolving(t, func(lines []string) {
			lines[0] += ",later"
			for i := range lines[1:] {
				lines[i+1] += "," + value
			}
		})
		_, out := b.validated(t, b.loaded(t, b.spec), path)
		if unused == nil {
			require.Nil(t, out.Change)
			require.Empty(t, out.Warnings)
			continue
		}
		require.Equal(t, unused, out.Change.Unused)
		require.Len(t, out.Warnings, 1)
	}
}
