package leak

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// counted is a level with so many positive and negative rows, dealt to the folds in turn.
func counted(positives, negatives int) tally {
	var t tally
	for i := range positives + negatives {
		t.add(uint8(i%folds), i < positives)
	}
	return t
}

// Wanted by hand: pairs won and half of those tied, of m n.
func TestAreaByHand(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		levels []tally
		want   float64
	}{
		"separated":         {[]tally{counted(0, 3), counted(2, 0)}, 1},
		"the other way":     {[]tally{counted(2, 0), counted(0, 3)}, 0},
		"all tied":          {[]tally{counted(4, 9)}, 0.5},
		"two wins, one tie": {[]tally{counted(0, 2), counted(1, 1)}, 2.5 / 3},
		"no positive":       {[]tally{counted(0, 5)}, 0.5},
		"no row":            {nil, 0.5},
	} {
		require.InDelta(t, test.want, ascending(test.levels).auc, 1e-15, name)
		require.InDelta(t, math.Max(test.want, 1-test.want), either(test.levels).auc, 1e-15, name)
	}
}

// Wanted values: the formula of Hanley and McNeil in Python; 0.9 plus 1.96 standard errors.
func TestBeyondNeedsConfidence(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		positives, negatives int
		limit                float64
	}{
		{50, 100, 0.9601644166},
		{100, 50, 0.9601644166},
		{30, 570, 0.9743159395},
	} {
		require.False(t, area{test.limit - 1e-8, test.positives, test.negatives}.beyond(0.9), "%+v", test)
		require.True(t, area{test.limit + 1e-8, test.positives, test.negatives}.beyond(0.9), "%+v", test)
	}
	for _, few := range [][2]int{{0, 0}, {0, 9}, {1, 1}, {2, 600}, {20, 20}} {
		require.False(t, area{1, few[0], few[1]}.beyond(0.9), "%v rows of each class prove nothing", few)
	}
}

// What is learned of a value's own label is not counted: values that come once know nothing, and noise stays about a half.
func TestCrossFittedKnowsNothingOfNoise(t *testing.T) {
	t.Parallel()
	var once, often []tally
	for i := range 1000 {
		once = append(once, tally{})
		once[i].add(uint8(mix(uint64(i))%folds), mix(uint64(i)+1e6)%5 == 0)
	}
	for i := range 200 {
		often = append(often, tally{})
		for k := range 10 {
			often[i].add(uint8(mix(uint64(10*i+k))%folds), mix(uint64(10*i+k)+1e6)%5 == 0)
		}
	}
	require.InDelta(t, 0.5, crossFitted(once).auc, 1e-12)
	require.InDelta(t, 0.5, crossFitted(often).auc, 0.05)
	require.InDelta(t, 0.5, crossFitted(nil).auc, 1e-12)
	require.InDelta(t, 1, crossFitted([]tally{counted(0, 40), counted(30, 0), counted(0, 50)}).auc, 1e-12, "a middle range")
}

// Wanted: 56 of 70 against 48 of 80, 0.0524 to 0.3339, from table II (a) of Newcombe 1998, method 10.
func TestDifferenceIsNewcombes(t *testing.T) {
	t.Parallel()
	estimate, lower := difference(56, 70, 48, 80)
	require.InDelta(t, 0.2, estimate, 1e-12)
	require.InDelta(t, 0.0524, lower, 5e-5)
	same, lowest := difference(48, 80, 56, 70)
	require.Equal(t, []float64{estimate, lower}, []float64{same, lowest})
	for _, few := range [][4]int{{1, 1, 0, 1}, {2, 2, 0, 600}} {
		_, lower := difference(few[0], few[1], few[2], few[3])
		require.Less(t, lower, 0.35, "%v", few)
	}
}

// Wanted values: sums of binomial terms in Python.
func TestSurprise(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 6.2425526, surprise(98, 100, 0.9), 1e-6)
	require.InDelta(t, 5.1293294, surprise(100, 100, 0.95), 1e-6)
	require.InDelta(t, 15.1366417, surprise(1799, 1800, 0.99), 1e-6)
	require.Zero(t, surprise(5, 5, 1))
	require.Positive(t, surprise(99_999, 100_000, 0.5), "beyond what a float can hold")
}

// Wanted by hand.
func TestTimesOdds(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 10./11, timesOdds(0.5, 10), 1e-15)
	require.InDelta(t, 40./41, timesOdds(0.8, 10), 1e-15)
	require.Zero(t, timesOdds(0, 10))
	require.Equal(t, 1., timesOdds(1, 10))
}

// The limits of what is honest, at the row. Wanted by hand: with half of the rows positive q is 25/26, and n ln(26/25) passes ln 2 + ln 100 = 5.30 from
// 136 rows on; with a fifth positive, of good rows, q is 100/101 and n ln(101/100) passes it from 533 on; of bad ones q is 0.9, and 66 rows are looked at.
func TestPureAtItsLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		positives, negatives int // of the value
		rows                 int
		base                 float64
		want                 bool
	}{
		{135, 0, 2000, 0.5, false},
		{136, 0, 2000, 0.5, true},
		{0, 136, 2000, 0.5, true},
		{532, 0, 5000, 0.8, false},
		{533, 0, 5000, 0.8, true},
		{0, 533, 5000, 0.2, true},
		{65, 0, 5000, 0.2, false},
		{66, 0, 5000, 0.2, true},
		{990, 10, 5000, 0.5, false}, // two in a hundred of the other label's, and strong
		{1995, 5, 5000, 0.5, true},  // an error of typing
		{0, 100, 10_000, 0.01, false},
		{500, 0, 1_000_000, 0.5, false}, // changes no model
	} {
		value := counted(test.positives, test.negatives)
		positives := int(test.base * float64(test.rows))
		rest := counted(positives-test.positives, test.rows-positives-test.negatives)
		_, leaks := pure([]tally{value, rest}, false, value.with(rest))
		require.Equal(t, test.want, leaks, "%+v", test)
	}
}

// Between others a number is what its neighbours are, of which half are positive: q is 10/11, and 100 ln 1.1 = 9.5 is above ln 4 + ln 100 = 6.0. At the end it
// may be a code: q is 25/26, and 100 ln(26/25) = 3.9 is not.
func TestANumberBetweenOthersIsAsTheyAre(t *testing.T) {
	t.Parallel()
	value, neighbour, rest := counted(100, 0), counted(100, 100), counted(800, 900)
	all := value.with(neighbour).with(neighbour).with(rest)
	_, between := pure([]tally{rest, neighbour, value, neighbour}, true, all)
	require.True(t, between)
	_, atTheEnd := pure([]tally{value, neighbour, neighbour, rest}, true, all)
	require.False(t, atTheEnd)
	// Of a rare label no side without rows makes a half: q is 0.9, and 100 ln(10/9) = 10.5.
	_, rare := pure([]tally{value, counted(0, 500), counted(60, 2000)}, true, value.with(counted(60, 2500)))
	require.True(t, rare)
	// A strong feature's next values are nearly pure as well, and explain it.
	_, explained := pure([]tally{rest, counted(99, 1), value, counted(99, 1)}, true, value.with(rest).with(counted(198, 2)))
	require.False(t, explained)
}

func TestBinsHoldAHundredth(t *testing.T) {
	t.Parallel()
	l := levels{ordered: true}
	for i := range 20_000 {
		n := 1
		if i == 7 {
			n = 900
		}
		l.values = append(l.values, counted(0, n))
		l.present = l.present.with(counted(0, n))
	}
	bins := l.bins()
	total := 0
	for i, bin := range bins[:len(bins)-1] {
		rows, _ := bin.total()
		total += rows
		require.True(t, i == 0 || rows >= 208 || i == len(bins)-2, "bin %d holds %d rows", i, rows)
	}
	require.Equal(t, 20_899, total)
	alone, _ := bins[1].total()
	require.Equal(t, 900, alone, "a frequent value is a bin of its own")
	require.Zero(t, bins[len(bins)-1], "nothing is missing")
}
