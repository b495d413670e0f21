package profile

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
)

// drawn is a table of any numbers and texts, some with more texts than are counted.
func drawn(t *rapid.T) dataset.Table {
	rows := rapid.IntRange(0, 25).Draw(t, "rows")
	several := rapid.SampledFrom([]int{1, 1, 1, 40}).Draw(t, "several")
	c := dataset.Table{Columns: []dataset.Column{{Name: "n", Kind: dataset.Float}, {Name: "d", Kind: dataset.Date}, {Name: "t", Kind: dataset.Text}}}
	number := rapid.OneOf(rapid.Float64Range(-1000, 1000), rapid.Just(math.NaN()), rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1e15, -1e15, 5e-324}))
	for range rows {
		x, text := number.Draw(t, "x"), rapid.String().Draw(t, "text")
		for i := range several {
			c.Columns[0].Floats = append(c.Columns[0].Floats, x)
			c.Columns[1].Floats = append(c.Columns[1].Floats, float64(len(c.Columns[1].Floats)*97))
			c.Columns[2].Texts = append(c.Columns[2].Texts, text+strconv.Itoa(i))
			c.Columns[2].Valid = append(c.Columns[2].Valid, text != "")
		}
	}
	return c
}

// stretch is the accumulator of some of the rows, with labels of all classes and days of several years.
func stretch(t *rapid.T) *Accumulator {
	table := drawn(t)
	about := About{Role: func(string) Role { return Feature }, Time: "d", Label: make([]float64, table.Rows())}
	for i := range about.Label {
		about.Label[i] = rapid.SampledFrom([]float64{0, 1, math.NaN()}).Draw(t, "label")
	}
	return Of(table, about)
}

// What is restored is what was stored, in every field, and so are its bytes. A field that the codec does not know fails here.
func TestAStoredAccumulatorIsRestoredBitForBit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := stretch(t)
		if rapid.Bool().Draw(t, "merged") {
			require.NoError(t, a.Add(stretch(t)))
		}
		data, err := a.MarshalBinary()
		require.NoError(t, err)
		var restored Accumulator
		require.NoError(t, restored.UnmarshalBinary(data))
		require.Equal(t, written(a), written(&restored))
		again, err := restored.MarshalBinary()
		require.NoError(t, err)
		require.Equal(t, data, again)

		next := stretch(t)
		copied, err := next.MarshalBinary()
		require.NoError(t, err)
		var other Accumulator
		require.NoError(t, other.UnmarshalBinary(copied))
		require.NoError(t, a.Add(next))
		require.NoError(t, restored.Add(&other))
		require.Equal(t, text(t, a.Profile("x")), text(t, restored.Profile("x")), "both go on alike")
	})
}

// written is every field of an accumulator but for those that only save time, numbers as they are written: NaN is not itself, and -0 is 0.
func written(a *Accumulator) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %v %v %v %v\n", a.rows, a.calendar, a.sample.hashes, a.sample.limit, a.sample.columns)
	for i := range a.columns {
		c := a.columns[i]
		fmt.Fprintf(&b, "%v %v %v %v %v %v\n", c.name, c.kind, c.role, c.missing, c.missingIn, c.distinct.Estimate())
		for in, p := range c.numbers.pages {
			if p != nil {
				fmt.Fprintf(&b, "%d %v\n", in, *p)
			}
		}
		c.numbers.pages = [1 << pageBits]*page{}
		fmt.Fprintf(&b, "%v %v %v %v %v %v %t\n", c.numbers.n, c.numbers.min, c.numbers.max, c.numbers.mean, c.numbers.m2, c.numbers.sums, c.numbers.sums == nil)
		if c.texts != nil {
			fmt.Fprintf(&b, "%v %v %v %v %v\n", c.texts.index, c.texts.names, c.texts.tallies, c.texts.inPeriod, c.texts.periods)
		}
	}
	return b.String()
}

func text(t require.TestingT, p Profile) string {
	data, err := json.Marshal(p)
	require.NoError(t, err)
	return string(data)
}

func TestOtherBytesAreNoAccumulator(t *testing.T) {
	t.Parallel()
	var a Accumulator
	for _, data := range [][]byte{nil, []byte("no"), make([]byte, 100)} {
		require.Equal(t, fault.Invalid, fault.CodeOf(a.UnmarshalBinary(data)))
	}
}
