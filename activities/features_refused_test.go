package activities

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/retention"
)

// breaking writes a file whose rows break a bound into the accounts' feed.
func (a *accounts) breaking(t *testing.T) (path string) {
	t.Helper()
	a.write(t, "bad.csv", []entry{{key: account(1), id: "bad", at: a.now - hour, told: a.now - hour, values: map[string]any{"score": 5000}}})
	return filepath.Join(a.folder, "bad.csv")
}

// What was posted goes on to count where a feed is refused, in both stores; what files say is as old as the feed that was taken.
func TestARefusedFeedHoldsNoEventsBack(t *testing.T) {
	a := newAccounts(t)
	a.file(t, 800, 8)
	a.post(t, 300, 8)
	a.written(t)
	taken := a.now
	was := a.compute(t, "balances").outs[0]

	a.now += 48 * hour
	bad := a.breaking(t)
	a.post(t, 300, 2)
	a.now += 2 * hour
	refused := a.compute(t, "balances").outs[0]
	require.Contains(t, refused.Refused, "bad.csv: 1 of 1 rows break rules (score: range)")
	require.Equal(t, taken, refused.Until)
	require.Greater(t, refused.Rows, was.Rows, "rows of the log came")
	_, err := a.materialize(t)
	require.NoError(t, err)
	require.Equal(t, taken, a.progress(t).Until, "the watermark stays")
	skew, found := a.compared(t, hour)
	require.Empty(t, found)
	require.InDelta(t, 51*3600, skew.Age, 0, "48, 2 and the hour until the look: it is found where a freshness is promised")

	require.NoError(t, os.Remove(bad))
	a.written(t)
	a.same(t)
}

// Where the first that is written of a view is of a feed that is refused by now, it is as old as what a training took.
func TestWhatATrainingTookIsWrittenAsOldAsItIs(t *testing.T) {
	a := newAccounts(t)
	a.file(t, 300, 8)
	a.compute(t, "balances")
	taken := a.now
	a.now += 48 * hour
	a.breaking(t)
	out, err := a.materialize(t)
	require.NoError(t, err)
	require.Positive(t, out.Entities)
	require.Equal(t, taken, out.Until)
}

// Rows that contradict others, a file without a column and sums that are too large are wrong in a feed, and stop nobody who has read it before.
func TestAWrongFeedStopsNobody(t *testing.T) {
	for name, test := range map[string]struct {
		row, header, want string
	}{
		"a row contradicts another": {row: "a,1,2026-03-01T09:00:00Z,2026-03-01T10:00:00Z,31,north", want: `view "visits": 1 rows repeat applicant_id, at, visit, told, and differ`},
		"a column is missing":       {row: "a,1,2026-03-01T09:00:00Z,2026-03-01T10:00:00Z,31", header: "applicant_id,visit,at,told,minutes", want: `view "visits": 2.csv: its rows have no column "branch"`},
	} {
		t.Run(name, func(t *testing.T) {
			b, folder := newFeatureBench(t), t.TempDir()
			b.apply(t, visits(folder))
			dropped(t, folder, "1.csv", firstDay...)
			taken := b.compute(t, "stays").outs
			if test.header == "" {
				dropped(t, folder, "2.csv", test.row)
			} else {
				require.NoError(t, os.WriteFile(filepath.Join(folder, "2.csv"), []byte(test.header+"\n"+test.row+"\n"), 0o600))
			}
			made := b.compute(t, "stays").outs
			require.Contains(t, made[0].Refused, test.want)
			require.Contains(t, made[0].Refused, "nothing of the feed is taken, what was computed before stays")
			require.NotContains(t, made[0].Refused, "30.5")
			require.Equal(t, []any{taken[0].Manifest, taken[1].Manifest, ""}, []any{made[0].Manifest, made[1].Manifest, made[1].Refused})
			_, err := func() (computed, error) { // nothing was taken before
				other := newFeatureBench(t)
				other.apply(t, visits(folder))
				return other.tryCompute(t.Context(), "visits")
			}()
			require.Equal(t, fault.Invalid, fault.CodeOf(err))

			require.NoError(t, os.Remove(filepath.Join(folder, "2.csv")))
			require.Empty(t, b.compute(t, "stays").outs[0].Refused)
		})
	}
}

// A query that cannot be run on the rows that came is a feed that is not taken.
func TestAQueryThatFailsStopsNobody(t *testing.T) {
	b, folder := newFeatureBench(t), t.TempDir()
	definitions := visits(folder)
	definitions.Data = bytes.Replace(definitions.Data, []byte("minutes / 60 AS hours"), []byte("CAST(CAST(visit AS BIGINT) AS DOUBLE) AS hours"), 1)
	definitions.Data = bytes.Replace(definitions.Data, []byte("FROM visits WHERE"), []byte("FROM (SELECT *, row_id AS visit FROM visits) WHERE"), 1)
	b.apply(t, definitions)
	dropped(t, folder, "1.csv", firstDay...)
	taken := b.compute(t, "stays").outs
	dropped(t, folder, "2.csv", "d,x,2026-04-02T09:00:00Z,2026-04-02T10:00:00Z,5,north")
	made := b.compute(t, "stays").outs
	require.Empty(t, made[0].Refused)
	require.NotEqual(t, taken[0].Manifest, made[0].Manifest)
	require.Contains(t, made[1].Refused, "a condition cannot be told of some rows")
	require.Equal(t, taken[1].Manifest, made[1].Manifest)
}

// Files are held one by one: good rows of years excuse no file that is wrong as a whole.
func TestEachFileIsHeldForItself(t *testing.T) {
	b, folder := newFeatureBench(t), t.TempDir()
	b.apply(t, visits(folder))
	var good []string
	for range 20 {
		good = append(good, firstDay...)
	}
	dropped(t, folder, "1.csv", good...)
	taken := b.compute(t, "visits").outs[0]
	dropped(t, folder, "2.csv", "d,7,2026-04-02T09:00:00Z,2026-04-02T10:00:00Z,-1,north")
	refused := b.compute(t, "visits").outs[0]
	require.Contains(t, refused.Refused, "2.csv: 1 of 1 rows break rules (minutes: range), and at most a share of 0.25 may")
	require.Equal(t, taken.Manifest, refused.Manifest)
}

// held to the same rules as those of files are the rows that a query makes.
func queried(folder, quarantine string) feature.File {
	return feature.File{Name: "queried.yaml", Data: []byte(strings.NewReplacer("FOLDER", folder, "SHARE", quarantine).Replace(`
entities:
  - {name: applicant, keys: [applicant_id]}
views:
  - name: visits
    entity: applicant
    source: {csv: {uri: FOLDER/*.csv}}
    id: visit
    event_timestamp: at
    created_timestamp: told
    columns: [{name: minutes, type: decimal, missing_max: 1}, {name: branch, type: category, missing_max: 1}]
  - name: stays
    entity: applicant
    sql:
      dialect: duckdb
      from: [visits]
      query: >
        SELECT applicant_id, event_timestamp, created_timestamp, minutes * 100 AS secs, CAST(minutes AS DOUBLE) / 3 AS third, branch, minutes AS exact FROM visits
    rules: [{name: brief, expression: "exact < 50"}]
    quarantine: {max_share: SHARE}
    features:
      - {name: secs, type: decimal, min: 0, max: 100000, reason: how many}
      - {name: third, type: number, reason: a third}
      - {name: branch, type: category, domain: [north, south], reason: where}
      - {name: exact, type: decimal, reason: as it was}
`))}
}

func TestWhatAQueryMakesKeepsRulesAndBounds(t *testing.T) {
	rows := []string{
		"a,1,2026-03-01T09:00:00.000007Z,2026-03-01T10:00:00.123456Z,30.5,north",
		"b,2,2026-03-01T12:00:00+02:00,2026-03-01T12:00:01Z,-12,south", // secs: range
		"c,3,2026-03-02T12:00:00Z,2026-03-02T12:00:01Z,12,west",        // branch: domain
		"d,4,2026-03-02T12:00:00Z,2026-03-02T12:00:01Z,50.0001,south",  // brief
		"e,5,2026-03-02T12:00:00Z,2026-03-02T12:00:01Z,,",
	}
	b, folder := newFeatureBench(t), t.TempDir()
	dropped(t, folder, "1.csv", rows...)
	b.apply(t, queried(folder, "0.6"))
	out := b.compute(t, "stays").outs[1]
	require.Equal(t, []any{"", int64(3), int64(2)}, []any{out.Refused, out.Quarantined, out.Rows})
	days, err := dayFiles(t.Context(), b.objects, b.held(t, out.Manifest))
	require.NoError(t, err)
	data, err := os.ReadFile(days[0].Rows)
	require.NoError(t, err)
	table, err := dataset.ReadParquet(data)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "e"}, table.Column("applicant_id").Texts)
	floats := func(name string) []float64 { return table.Column(name).Floats }
	require.Equal(t, []float64{1772355600000007, 1772452800000000}, floats("event_timestamp"), "2026-03-01T09:00:00.000007Z and 2026-03-02T12:00:00Z, to the microsecond")
	require.InDelta(t, 1772359200123456, floats("created_timestamp")[0], 0)
	require.Equal(t, math.Float64bits(30.5/3), math.Float64bits(floats("third")[0]), "to the last bit")
	require.InDelta(t, 30.5, floats("exact")[0], 0)
	require.InDelta(t, 3050, floats("secs")[0], 0)
	require.True(t, table.Column("secs").Missing(1) && table.Column("branch").Missing(1))

	strict := newFeatureBench(t)
	strict.apply(t, queried(folder, "0.59"))
	_, err = strict.tryCompute(t.Context(), "stays")
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, "stays@1: 3 of 5 rows break rules (secs: range, branch: domain, brief), and at most a share of 0.59 may")
}

// A query that makes no rows, or of which a division has no finite result, breaks nothing.
func TestWhatAQueryMakesOfNothing(t *testing.T) {
	b, folder := newFeatureBench(t), t.TempDir()
	definitions := queried(folder, "0")
	definitions.Data = bytes.Replace(definitions.Data, []byte("CAST(minutes AS DOUBLE) / 3"), []byte("CAST(1 AS DOUBLE) / (minutes - minutes)"), 1)
	definitions.Data = bytes.Replace(definitions.Data, []byte("AS exact FROM visits"), []byte("AS exact FROM visits WHERE minutes < 20"), 1)
	b.apply(t, definitions)
	dropped(t, folder, "1.csv", "a,1,2026-03-01T09:00:00Z,2026-03-01T10:00:00Z,30.5,north")
	none := b.compute(t, "stays").outs[1]
	require.Equal(t, []any{int64(0), int64(0), ""}, []any{none.Rows, none.Quarantined, none.Refused})
	dropped(t, folder, "2.csv", "b,2,2026-03-01T09:00:00Z,2026-03-01T10:00:00Z,10,north")
	one := b.compute(t, "stays").outs[1]
	require.Equal(t, []any{int64(1), int64(0), ""}, []any{one.Rows, one.Quarantined, one.Refused})
}

// Rows that were posted before there were rules and bounds are held to these by the version that has them, in both stores alike.
func TestEventsOfBeforeAreHeldToLaterRules(t *testing.T) {
	a := newAccounts(t)
	a.file(t, 500, 8)
	a.post(t, 600, 8)
	a.written(t)
	var logged int64
	rows, err := a.store.Events(t.Context(), "balances", 0, 10_000)
	require.NoError(t, err)
	wrong := func(values json.RawMessage) bool {
		var of struct {
			Score   *float64
			Rate    *float64
			Channel *string
		}
		require.NoError(t, json.Unmarshal(values, &of))
		return of.Score != nil && *of.Score < -1 || of.Rate != nil && *of.Rate > 0.25 || of.Channel != nil && *of.Channel == "post"
	}
	for _, row := range rows {
		if wrong(row.Values) {
			logged++
		}
	}
	require.Positive(t, logged)

	later := balances(a.folder, "6d")
	for old, replacement := range map[string]string{
		"    ttl: 6d\n":                        "    ttl: 6d\n    rules: [{name: low, expression: \"rate <= 0.25\"}]\n    quarantine: {max_share: 0.9}\n",
		"min: -1000, max: 1000, reason: plain": "min: -1, max: 1000, reason: plain",
		`, "it's", post]`:                      `, "it's"]`,
	} {
		before := later.Data
		later.Data = bytes.Replace(later.Data, []byte(old), []byte(replacement), 1)
		require.NotEqual(t, string(before), string(later.Data), old)
	}
	require.NoError(t, os.RemoveAll(a.folder))
	require.NoError(t, os.Mkdir(a.folder, 0o700))
	a.write(t, "good.csv", []entry{{key: account(1), id: "good", at: a.now - hour, told: a.now - hour, values: map[string]any{"score": 1}}, {key: account(3), id: "null", at: a.now - hour, told: a.now - hour}, {key: account(5), id: "old", at: a.now - 7*wholeDay, told: a.now - hour}})
	a.apply(t, later)
	made := a.compute(t, "balances").outs[0]
	require.Equal(t, []any{"balances@2", logged}, []any{made.View, made.Quarantined})
	second := a.written(t)
	require.Equal(t, "balances@2", second.View)
	a.same(t)

	a.now += 2 * hour
	a.post(t, 100, 2) // a server that knows the version before: each version makes of it what it can
	a.written(t)
	a.same(t)
}

// The objects of the rows that were taken are named by the offline store, which prune keeps all of.
func TestWhatWasTakenIsNamed(t *testing.T) {
	b, folder := newFeatureBench(t), t.TempDir()
	b.apply(t, visits(folder))
	dropped(t, folder, "1.csv", firstDay...)
	dropped(t, folder, "2.csv", secondDay...)
	out := b.compute(t, "visits").outs[0]
	all, err := b.store.Manifests(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	named := retention.Digests(all[0])
	require.Contains(t, named, out.Manifest.SHA256)
	var last held
	require.NoError(t, json.Unmarshal(all[0], &last))
	require.Len(t, last.Files, 2)
	for _, file := range last.Files {
		require.Contains(t, named, file.SHA256)
	}
}
