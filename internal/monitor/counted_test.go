package monitor_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/monitor"
)

// Values that the reference does not have are looked for among all rows, see FindUnseen: of a segment none is kept, however many segments there are.
func TestOnlyOfAllRowsAreOtherValuesKept(t *testing.T) {
	t.Parallel()
	texts := func(name string, values ...string) dataset.Column {
		c := dataset.Column{Name: name, Kind: dataset.Text, Texts: values}
		for range values {
			c.Valid = append(c.Valid, true)
		}
		return c
	}
	bins, err := drift.NewBins([]drift.Feature{{Name: "purpose", Category: true}}, dataset.Table{Columns: []dataset.Column{texts("purpose", "car", "car", "house", "house")}})
	require.NoError(t, err)
	counter := monitor.NewCounter(bins)
	fresh := dataset.Table{Columns: []dataset.Column{texts("purpose", "car", "boat", "boat", "plane"), texts("state", "north", "north", "south", "south")}}
	for range 2 { // parts
		require.NoError(t, counter.Add(fresh, fresh.Column("state")))
	}
	counted := counter.Counted()
	var rows []int64
	for _, n := range counted.All.Others[0].Rows {
		rows = append(rows, n)
	}
	require.ElementsMatch(t, []int64{4, 2}, rows, "boats and planes")
	require.Len(t, counted.Segments, 2)
	for value, of := range counted.Segments {
		require.Empty(t, of.Others, value)
		require.EqualValues(t, 4, of.Rows, value)
	}
	inRests := int64(0)
	for _, n := range counted.Segments["south"].Features[0][2:] { // after those of cars and houses
		inRests += n
	}
	require.EqualValues(t, 4, inRests, "in bins they are all the same")
}
