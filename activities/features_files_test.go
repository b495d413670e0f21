package activities

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
)

// visits are definitions of a view over the files of a folder, and of one in SQL over it.
func visits(folder string) feature.File {
	return feature.File{Name: "visits.yaml", Data: fmt.Appendf(nil, `
entities:
  - {name: applicant, keys: [applicant_id]}
views:
  - name: visits
    entity: applicant
    source: {csv: {uri: %s/*.csv}}
    id: visit
    event_timestamp: at
    created_timestamp: told
    columns: [{name: minutes, type: decimal, min: 0}]
    rules: [{name: short, expression: "minutes < 500"}]
    quarantine: {max_share: 0.25}
    features:
      - {name: branch, type: category, domain: [north, south], reason: where}
      - {name: minutes_3d, aggregate: sum, of: minutes, over: 3d, reason: how long, default: 0}
  - name: stays
    entity: applicant
    sql:
      dialect: duckdb
      from: [visits]
      query: SELECT applicant_id, event_timestamp, created_timestamp, minutes / 60 AS hours FROM visits WHERE branch = 'north'
    features:
      - {name: hours, type: number, reason: how many}
`, folder)}
}

// dropped writes a file of visits into the folder.
func dropped(t *testing.T, folder, name string, rows ...string) {
	t.Helper()
	text := "applicant_id,visit,at,told,minutes,branch\n" + strings.Join(rows, "\n") + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
}

var (
	firstDay  = []string{"a,1,2026-03-01T09:00:00Z,2026-03-01T10:00:00Z,30.5,north", "b,2,2026-03-01T12:00:00Z,2026-03-01T12:00:01Z,12,south"}
	secondDay = []string{"a,3,2026-04-02T09:00:00Z,2026-04-02T10:00:00Z,45,south"}
	thirdDay  = []string{
		"b,4,2026-05-03T08:00:00Z,2026-05-03T08:30:00Z,20,north",
		"b,2,2026-03-01T12:00:00Z,2026-05-03T09:00:00Z,13,south", // corrects one of the first day
		"c,5,2026-03-01T23:00:00Z,2026-05-03T09:00:00Z,7,north",  // came late
	}
)

// What comes later touches the months that it is about; what it comes to is what a computation from scratch comes to.
func TestFurtherFilesTouchTheirMonths(t *testing.T) {
	b, folder := newFeatureBench(t), t.TempDir()
	b.apply(t, visits(folder))
	dropped(t, folder, "2026-03-01.csv", firstDay...)
	dropped(t, folder, "2026-04-02.csv", secondDay...)
	before := b.compute(t, "stays").outs
	require.Equal(t, []any{2, 2, int64(3)}, []any{before[0].Days, before[0].Computed, before[0].Rows})
	require.Equal(t, []any{1, int64(1)}, []any{before[1].Days, before[1].Rows})

	dropped(t, folder, "2026-05-03.csv", thirdDay...)
	after := b.compute(t, "stays").outs
	require.Equal(t, []any{3, 2, int64(6)}, []any{after[0].Days, after[0].Computed, after[0].Rows}, "the second month is as it was")
	was, is := b.held(t, before[0].Manifest), b.held(t, after[0].Manifest)
	require.Equal(t, was.Partitions[1], is.Partitions[1])
	require.NotEqual(t, was.Partitions[0].Objects, is.Partitions[0].Objects)
	require.Equal(t, int64(3), after[1].Rows)

	delete(b.objects.bytes, is.Partitions[0].Objects.Tiles.SHA256)
	mended := b.compute(t, "stays").outs[0]
	require.Equal(t, []any{false, 1, after[0].Manifest}, []any{mended.Cached, mended.Computed, mended.Manifest}, "what is lost is made again")
	require.Contains(t, b.objects.bytes, is.Partitions[0].Objects.Tiles.SHA256)

	changed := visits(folder)
	changed.Data = bytes.Replace(changed.Data, []byte("over: 3d"), []byte("over: 4d"), 1)
	b.apply(t, changed)
	second := b.compute(t, "visits").outs[0]
	require.Equal(t, []any{"visits@2", false, 3}, []any{second.View, second.Cached, second.Computed}, "another version is computed of its own")
	require.NotEqual(t, mended.Manifest, second.Manifest)
	first := b.compute(t, "visits@1").outs[0]
	require.Equal(t, []any{"visits@1", true, mended.Manifest}, []any{first.View, first.Cached, first.Manifest})

	scratch := newFeatureBench(t)
	scratch.apply(t, visits(folder))
	fromScratch := scratch.compute(t, "stays").outs
	for i, out := range fromScratch {
		require.Equal(t, out.Days, out.Computed)
		require.Equal(t, after[i].Manifest.SHA256, out.Manifest.SHA256, "the same objects, byte for byte")
	}

	// What is read again is what was there before: the newest of what was computed is it from then on.
	require.NoError(t, os.Remove(filepath.Join(folder, "2026-05-03.csv")))
	back := b.compute(t, "stays@1").outs
	require.True(t, back[0].Cached)
	require.Equal(t, before[0].Manifest, back[0].Manifest)
	last, err := b.views.last(t.Context(), feature.Computable{View: is.View, Version: 1})
	require.NoError(t, err)
	require.Equal(t, before[0].Manifest, last.Manifest)
}

// A feed that breaks its rules too often is not taken: what was computed before stays, and without it there is nothing.
func TestABadFeedIsNotTaken(t *testing.T) {
	b, folder := newFeatureBench(t), t.TempDir()
	b.apply(t, visits(folder))
	bad := []string{"d,6,2026-04-02T09:00:00Z,2026-04-02T10:00:00Z,501,north", "d,7,2026-04-02T09:00:00Z,2026-04-02T10:00:00Z,-1,north"}
	dropped(t, folder, "2026-03-01.csv", append(bad, firstDay...)...)
	_, err := b.tryCompute(t.Context(), "visits")
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, "2 of 4 rows break rules (minutes: range, short), and at most a share of 0.25 may")

	dropped(t, folder, "2026-03-01.csv", append(bad[:1], append(firstDay, secondDay...)...)...)
	taken := b.compute(t, "visits").outs[0]
	require.Equal(t, []any{int64(3), int64(1), ""}, []any{taken.Rows, taken.Quarantined, taken.Refused})

	dropped(t, folder, "2026-04-02.csv", bad...)
	refused := b.compute(t, "visits").outs[0]
	require.Equal(t, "2026-04-02.csv: 2 of 2 rows break rules (minutes: range, short), and at most a share of 0.25 may: nothing of the feed is taken, what was computed before stays", refused.Refused)
	require.Equal(t, []any{taken.Manifest, taken.Rows, taken.Days, int64(1)}, []any{refused.Manifest, refused.Rows, refused.Days, refused.Quarantined})

	lost := b.held(t, taken.Manifest).Partitions[1].Objects.Rows.SHA256
	delete(b.objects.bytes, lost)
	mended := b.compute(t, "visits").outs[0]
	require.Equal(t, []any{taken.Manifest, refused.Refused}, []any{mended.Manifest, mended.Refused}, "it is made again of the rows that were taken")
	require.Contains(t, b.objects.bytes, lost)

	require.NoError(t, os.Remove(filepath.Join(folder, "2026-03-01.csv"))) // else they would be read again
	for _, gone := range append(b.partsOf(t, "visits"), lost) {
		delete(b.objects.bytes, gone)
	}
	_, err = b.tryCompute(t.Context(), "visits")
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, "nothing of the feed is taken: objects of what was computed before are gone")
}

// partsOf are the objects of the rows that were taken last of a view's feed.
func (b *featureBench) partsOf(t *testing.T, view string) (digests []string) {
	t.Helper()
	data, err := b.store.Manifest(t.Context(), view, 1)
	require.NoError(t, err)
	var last held
	require.NoError(t, json.Unmarshal(data, &last))
	for _, ref := range last.Files {
		m, _, err := parts(t.Context(), b.objects, ref)
		require.NoError(t, err)
		for _, p := range m.Parts {
			digests = append(digests, p.SHA256)
		}
	}
	require.NotEmpty(t, digests)
	return digests
}
