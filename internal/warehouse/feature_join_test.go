package warehouse_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// label is a row that features are joined to; a key may be missing, and the moment.
type label struct {
	keys   []any
	moment any
}

func drawLabels(t *rapid.T, histories []history) []label {
	labels := make([]label, rapid.IntRange(1, 200).Draw(t, "labels"))
	for i := range labels {
		var keys []any
		for _, key := range drawKeys(t, 2) {
			keys = append(keys, key)
		}
		moment := instants().Draw(t, "moment")
		switch rapid.IntRange(0, 9).Draw(t, "which") {
		case 0:
			labels[i] = label{keys, nil}
			continue
		case 1:
			keys[rapid.IntRange(0, 1).Draw(t, "missing")] = nil
		case 2:
			moment = -1000 * day
		case 3, 4, 5: // when something changes, and the instant before
			if rows := histories[rapid.IntRange(0, len(histories)-1).Draw(t, "view")].rows; len(rows) > 0 {
				r := rapid.SampledFrom(rows).Draw(t, "row")
				moment = rapid.SampledFrom([]int64{r.event, r.created, r.known(), r.known() - 1, r.known() + 1}).Draw(t, "at")
			}
		}
		labels[i] = label{keys, float64(moment)}
	}
	return labels
}

// base writes labels, of which the row numbers have gaps, to two files in no order.
func base(t require.TestingT, folder string, labels []label) source.Staged {
	table := dataset.Table{Columns: []dataset.Column{
		column(dataset.RowColumn, pipeline.Integer), column("who", pipeline.Text), column("where", pipeline.Text), column("asked", pipeline.Timestamp),
	}}
	staged := source.Staged{Name: "labels"}
	for i, l := range labels {
		for k, value := range []any{float64(3 * (i + 1)), l.keys[0], l.keys[1], l.moment} {
			add(&table.Columns[k], value)
		}
	}
	var first, second []int
	for i := range labels {
		if k := len(labels) - 1 - i; k%3 == 0 {
			first = append(first, k)
		}
		if i%3 != 0 {
			second = append(second, i)
		}
	}
	for i, rows := range [][]int{first, second} {
		path := filepath.Join(folder, fmt.Sprintf("labels%d.parquet", i))
		writeTable(t, path, table.Select(rows))
		staged.Paths = append(staged.Paths, path)
	}
	return staged
}

func (h history) join(made []feature.DayFiles) feature.Join {
	j := feature.Join{Computable: feature.Computable{View: h.view}, Days: made, On: []string{"who", "where"}[:len(h.view.Keys)], Event: h.view.Name + "_event"}
	for _, f := range h.view.Features {
		j.Features = append(j.Features, feature.JoinedFeature{Name: f.Name, As: f.Name})
	}
	return j
}

// held is row i of a column as a reference has it.
func held(c *dataset.Column, i int) any {
	switch {
	case c.Missing(i):
		return nil
	case c.Kind == dataset.Text:
		return c.Texts[i]
	}
	return c.Floats[i]
}

// bits tells values apart that == does not: -0 is another one than 0.
func bits(value any) any {
	if x, is := value.(float64); is {
		return fmt.Sprintf("%x (%v)", math.Float64bits(x), x)
	}
	return value
}

// The join says row by row and bit by bit what nested loops say, of several views at once, and nothing that was not known at the moment is in a row.
func TestFeaturesAreThoseOfTheMoment(t *testing.T) {
	t.Parallel()
	w := open(t)
	rapid.Check(t, func(r *rapid.T) {
		folder := folder(t)
		defer os.RemoveAll(folder)
		var histories []history
		var joins []feature.Join
		for i := range rapid.IntRange(1, 3).Draw(r, "views") {
			h := drawHistory(r, fmt.Sprintf("v%d", i))
			in := filepath.Join(folder, h.view.Name)
			require.NoError(r, os.Mkdir(in, 0o700))
			made, err := w.Partition(t.Context(), h.view, h.files(r, in, h.rows, 2), drawPeriods(r), in)
			require.NoError(r, err)
			histories, joins = append(histories, h), append(joins, h.join(made))
		}
		labels := drawLabels(r, histories)
		to := filepath.Join(folder, "out.parquet")
		w := w.Crowded(rapid.SampledFrom([]int{0, 1, 5}).Draw(r, "crowded")) // each key's rows are searched, or looked at, or both
		require.NoError(r, w.JoinFeatures(t.Context(), base(r, folder, labels), "asked", joins, to))
		table := readTable(r, to)
		require.Equal(r, len(labels), table.Rows())
		for k, h := range histories {
			rows := h.once()
			for i, l := range labels {
				want := answer{values: make([]any, len(h.view.Features))}
				var keys []string
				for _, key := range l.keys[:len(h.view.Keys)] {
					if text, is := key.(string); is {
						keys = append(keys, text)
					}
				}
				if l.moment != nil && len(keys) == len(h.view.Keys) {
					want = ask(h.view, rows, keys, int64(l.moment.(float64)))
					require.LessOrEqual(r, want.created, int64(l.moment.(float64)), "what the reference says was known")
				}
				require.Equal(r, float64(3*(i+1)), table.Column(dataset.RowColumn).Floats[i])
				require.Equal(r, l.moment, held(table.Column("asked"), i))
				for m, f := range h.view.Features {
					c := table.Column(f.Name)
					require.Equal(r, bits(unsigned(want.values[m])), bits(held(c, i)), "view %d, row %d, feature %d: %s of %s over %d at %v\n%+v", k, i, m, f.Aggregate, f.Column(), f.Days(), l.moment, rows)
				}
				event := held(table.Column(h.view.Name+"_event"), i)
				if want.event == nil {
					require.Nil(r, event)
				} else {
					require.Equal(r, float64(*want.event), event)
				}
			}
		}
	})
}

// unsigned is a value as a view keeps it: a zero has no sign.
func unsigned(value any) any {
	if value == 0.0 {
		return 0.0
	}
	return value
}
