package warehouse_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/schema"
	"github.com/loanops/loanops/internal/source"
)

// joinedSpec joins, leaves rows out for what others hold.
const joinedSpec = `name: joined
source:
  uri: loans.csv
  known_at: 2026-06-30
  where: "amount <> '13'"
  join:
    - {uri: branches.csv, on: branch, kind: inner}
outcomes: {uri: outcomes.csv, known_at: day}
label: {column: y, positive: "1", negative: "0"}
entity: id
clean:
  - drop_duplicates: {key: [id], keep: last}
  - filter: {name: large, keep: amount > 20}
  - drop_duplicates: {}
columns:
  - {name: amount, type: number, max: 999}
  - {name: region, type: category, missing_max: 1}
`

// The dataset of a source with a join and steps of tables is the same bytes with one thread of DuckDB or several, and with one worker on slices or
// more: rows are in files of two slices, which several threads read and sort side by side.
func TestTheDatasetDoesNotDependOnThreads(t *testing.T) {
	folder := t.TempDir()
	write := func(name string, rows int, row func(*bufio.Writer, int)) {
		file, err := os.Create(filepath.Join(folder, name))
		require.NoError(t, err)
		out := bufio.NewWriter(file)
		for i := range rows {
			row(out, i)
		}
		require.NoError(t, out.Flush())
		require.NoError(t, file.Close())
	}
	write("loans.csv", 180_001, func(w *bufio.Writer, i int) {
		if i == 0 {
			w.WriteString("id,branch,amount\n")
			return
		}
		fmt.Fprintf(w, "A-%d,B-%d,%d\n", i*7919%150_000, i*31%4000, i*17%1001)
	})
	write("outcomes.csv", 150_001, func(w *bufio.Writer, i int) { // several of one application, some of them of one day
		if i == 0 {
			w.WriteString("id,y,day\n")
			return
		}
		fmt.Fprintf(w, "A-%d,%d,2026-06-%02d\n", i*6007%120_000, i%2, 1+i*13%9)
	})
	write("branches.csv", 3001, func(w *bufio.Writer, i int) {
		if i == 0 {
			w.WriteString("branch,region\n")
			return
		}
		fmt.Fprintf(w, "B-%d,R-%d\n", 3001-i, i%7)
	})
	spec, err := pipeline.Parse("joined.yaml", []byte(joinedSpec))
	require.NoError(t, err)
	spec.Source.URI, spec.Source.Join[0].URI, spec.Outcomes.URI = filepath.Join(folder, "loans.csv"), filepath.Join(folder, "branches.csv"), filepath.Join(folder, "outcomes.csv")
	w := open(t)
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	says, err := json.Marshal(schema.Of(spec))
	require.NoError(t, err)
	var want activities.ExtractOutput
	for _, on := range []struct{ workers, threads int }{{1, 1}, {1, 2}, {2, 1}, {5, 5}} {
		runtime.GOMAXPROCS(on.workers)
		objects := artifact.Folder(t.TempDir())
		extraction := activities.Extraction{Cache: activities.StepCache{Objects: objects}, Warehouse: w.On(on.threads), Folder: t.TempDir(), Places: source.Places{folder}}
		ref, err := objects.Put(t.Context(), says, "application/json", "json")
		require.NoError(t, err)
		got, err := extraction.Extract(t.Context(), activities.ExtractInput{Schema: ref, Source: spec.Source, Outcomes: spec.Outcomes, Limits: spec.Limits, KnownAt: "2026-06-30"})
		require.NoError(t, err)
		if want.Rows == 0 {
			want = got
			require.Greater(t, got.Rows, int64(50_000))
			require.Greater(t, got.Dropped, int64(10_000))
			require.Positive(t, got.Refused)
		}
		require.Equal(t, want.Dataset.SHA256, got.Dataset.SHA256, "%d workers, %d threads", on.workers, on.threads)
		require.Equal(t, want.Quarantine.SHA256, got.Quarantine.SHA256)
		require.Equal(t, want.Facts.SHA256, got.Facts.SHA256)
	}
}
