package drift_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/drift"
	"github.com/loanops/loanops/internal/fault"
)

var kind = []drift.Feature{{Name: "kind", Category: true}}

// kinds are rows of a category; -1 is missing.
func kinds(values ...int) dataset.Table {
	c := dataset.Column{Name: "kind", Kind: dataset.Text, Texts: make([]string, len(values)), Valid: make([]bool, len(values))}
	for i, value := range values {
		c.Texts[i], c.Valid[i] = fmt.Sprint(secret, value), value >= 0
	}
	return dataset.Table{Columns: []dataset.Column{c}}
}

func unseen(t require.TestingT, reference, window dataset.Table) drift.Unseen {
	b, err := drift.NewBins(kind, reference)
	require.NoError(t, err)
	found, err := drift.FindUnseen(b, counted(t, b, reference), counted(t, b, window))
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

// numbered are n rows of values from 0 on, so many rows each.
func numbered(n, each int) (values []int) {
	for i := range n {
		values = append(values, i/each)
	}
	return values
}

// Wanted by hand. Of 60 values of two rows each, half of the rows are in the window: both of a value's with a probability of (60·59)/(120·119), and of 29 values
// they are. With that many coins the bound is exp(-60 D), D being the divergence of 29/60 from it (Chernoff 1952, doi 10.1214/aoms/1177729330).
func TestUnseenByHand(t *testing.T) {
	t.Parallel()
	pairs := numbered(120, 2)
	u := unseen(t, kinds(append(pairs[:59:59], pairs[60])...), kinds(append(pairs[61:], pairs[59], -1, -1)...))
	require.Equal(t, []int64{60, 60, 58, 29}, []int64{u.Reference, u.Window, u.Unseen, u.Values})
	require.InDelta(t, 58.0/60, u.Share, 1e-12)
	require.InDelta(t, 59.0/119, u.Expected, 1e-12)
	a, q := 29.0/60, 60*59/(120*119.0)
	require.InEpsilon(t, math.Exp(-60*(a*math.Log(a/q)+(1-a)*math.Log((1-a)/(1-q)))), u.P, 1e-9)
	// Where every row has a value of its own all are unseen, and that is what is expected.
	ones := numbered(120, 1)
	u = unseen(t, kinds(ones[:60]...), kinds(ones[60:]...))
	require.Equal(t, []int64{60, 60}, []int64{u.Unseen, u.Values})
	require.InDelta(t, 1, u.Expected, 1e-12)
	require.InDelta(t, 1, u.P, 0)
	require.False(t, u.Beyond)
}

// Seldom values bring unseen ones, and these are no finding; a new value in a fifth of the rows is, whatever the others are.
func TestANewValueAmongRareOnesIsFound(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	of := func(n int) (values []int) {
		for range n {
			values = append(values, int(5000*math.Pow(rng.Float64(), 3)))
		}
		return values
	}
	reference, window := of(5000), of(1000)
	same := unseen(t, kinds(reference...), kinds(window...))
	require.Greater(t, same.Share, 0.05, "rare ones")
	require.InDelta(t, same.Expected, same.Share, 0.03)
	require.Greater(t, same.P, 0.01)
	require.False(t, same.Beyond)
	for i := range 200 {
		window[5*i] = 100_000
	}
	moved := unseen(t, kinds(reference...), kinds(window...))
	require.Less(t, moved.P, 1e-12)
	require.True(t, moved.Beyond)
	require.InDelta(t, 0.2+0.8*same.Share, moved.Share, 0.02)
	require.InDelta(t, same.Expected, moved.Expected, 0.02, "200 rows of one value are no rare values")
	few := unseen(t, kinds(numbered(5000, 1000)...), kinds(append(numbered(995, 200), 7, 7, 7, 7, 7)...))
	require.InEpsilon(t, 1000*999*998*997*996/(6000*5999*5998*5997*5996.0), few.P, 1e-6, "one value: the bound is the probability")
	require.False(t, few.Beyond, "and do not matter")
}

// The bound is never below the probability: by drawing, over all ways to share few rows.
func TestUnseenIsABound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.IntRange(0, rapid.SampledFrom([]int{3, 30, 300}).Draw(t, "kinds")), 100, 160).Draw(t, "values")
		m := rapid.IntRange(50, len(values)-50).Draw(t, "window")
		u := unseen(t, kinds(values[m:]...), kinds(values[:m]...))
		require.True(t, u.P > 0 && u.P <= 1 && u.Lower <= u.Share && u.Expected <= 1, "%+v", u)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		const draws = 200
		as, mean := 0, 0.0
		for range draws {
			rng.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
			seen := map[int]bool{}
			for _, value := range values[m:] {
				seen[value] = true
			}
			rows := int64(0)
			for _, value := range values[:m] {
				if !seen[value] {
					rows++
				}
			}
			if mean += float64(rows) / float64(m) / draws; rows >= u.Unseen {
				as++
			}
		}
		require.InDelta(t, mean, u.Expected, 0.05)
		share := float64(as) / draws
		require.LessOrEqual(t, share-4.5*math.Sqrt(u.P*(1-u.P)/draws)-1.0/draws, u.P, "%+v", u)
	})
}

// Of more values than levels have bins counts are of values all the same; parts add up like the whole; JSON brings them back.
func TestUnseenBeyondTheLevels(t *testing.T) {
	t.Parallel()
	reference, window := kinds(numbered(6000, 3)...), kinds(append(numbered(5700, 3), numbered(300, 1)...)...)
	for i := range 300 {
		window.Columns[0].Texts[5700+i] = fmt.Sprint(secret, 10_000+i%100)
	}
	u := unseen(t, reference, window)
	require.Equal(t, []int64{300, 100}, []int64{u.Unseen, u.Values})
	b, err := drift.NewBins(kind, reference)
	require.NoError(t, err)
	whole := counted(t, b, window)
	require.Equal(t, whole, counted(t, b, part(window, 3000, 6000), part(window, 0, 3000)))
	text, err := json.Marshal(whole)
	require.NoError(t, err)
	require.NotContains(t, string(text), secret)
	var kept drift.Counts
	require.NoError(t, json.Unmarshal(text, &kept))
	require.Equal(t, whole, kept)
	_, err = drift.FindUnseen(b, whole, drift.Counts{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	short := unseen(t, reference, kinds(numbered(49, 1)...))
	require.Equal(t, "not enough data: 49 rows with a value of the window, 50 are needed", short.Short.String())
	require.InDelta(t, 1, short.P, 0)
}
