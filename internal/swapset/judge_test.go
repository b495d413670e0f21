package swapset_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/swapset"
)

// Wanted by hand: the estimate is (in - out)/rows; half of the interval is 1.96 · sqrt(in + out + 1 - (in-out)²/(rows+2)) / (rows+2), for
// example 0.163 on 10 rows without a flip, 0.103 on 17 and 0.098 on 18.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rows, in, out int
		limit         float64
		want          swapset.Outlook
		says          string
	}{
		{0, 0, 0, 0.1, swapset.Undecided, "there are no rows to predict the change of the approval rate on"},
		{0, 0, 0, 1, swapset.Undecided, "no rows"},
		{1, 0, 0, 0.1, swapset.Undecided, "from 100.0 % to 100.0 % (+0.0 points, 95 % interval -65.3 to +65.3) on 1 row, 0 swapped in and 0 out: too few"},
		{1, 1, 0, 0.1, swapset.Exceeds, "from 0.0 % to 100.0 % (+100.0 points"},
		{1, 0, 1, 0.1, swapset.Exceeds, "(-100.0 points"},
		{2, 1, 1, 0.1, swapset.Undecided, "on 2 rows, 1 swapped in and 1 out: too few to tell a change of 10 points from none"},
		{10, 0, 0, 0.1, swapset.Undecided, "too few"},
		{10, 1, 0, 0.1, swapset.Undecided, "too few"},
		{10, 2, 0, 0.1, swapset.Exceeds, "at most 10 points are allowed"},
		{17, 0, 0, 0.1, swapset.Undecided, "too few"},
		{18, 0, 0, 0.1, swapset.Within, "10 points are allowed"},
		{1000, 100, 0, 0.1, swapset.Within, "on 1000 rows, 100 swapped in and 0 out; 10 points are allowed"},
		{1000, 101, 0, 0.1, swapset.Exceeds, "(+10.1 points"},
		{1000, 0, 101, 0.1, swapset.Exceeds, "(-10.1 points"},
		{1000, 300, 300, 0.1, swapset.Within, "300 swapped in and 300 out"}, // what is judged is the rate, not the flips
		{1000, 30, 30, 0.01, swapset.Undecided, "too few to tell a change of 1 points"},
		{1000, 0, 0, 0, swapset.Undecided, "too few"},
		{1000, 0, 0, math.NaN(), swapset.Exceeds, ""},
	} {
		outlook, why := flips(t, test.rows, test.in, test.out).Judge(test.limit)
		require.Equal(t, test.want, outlook, "%+v: %s", test, why)
		require.Contains(t, why, test.says)
	}
}

// Where a side would have decided on other values no limit is met, and one that is not met stays so.
func TestJudgeOfRowsOfOtherCleaning(t *testing.T) {
	t.Parallel()
	for limit, want := range map[float64]swapset.Outlook{0.2: swapset.Undecided, 0.05: swapset.Exceeds} {
		shift := flips(t, 1000, 100, 0)
		shift.Recleaned = []string{"income", "purpose"}
		outlook, why := shift.Judge(limit)
		require.Equal(t, want, outlook)
		require.Contains(t, why, "; that is of rows in which income, purpose were cleaned otherwise than one of the two cleans them")
	}
}

// A wider limit never turns a pass into anything else, and a pass is never without rows.
func TestJudgeIsMonotoneInTheLimit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows, champion, challenger := sample(t)
		s, err := swapset.Compare(rows, champion, challenger)
		require.NoError(t, err)
		narrow := rapid.Float64Range(0, 1).Draw(t, "narrow")
		wide := rapid.Float64Range(narrow, 1).Draw(t, "wide")
		if outlook, _ := s.Judge(narrow); outlook == swapset.Within {
			require.Positive(t, s.Rows)
			outlook, _ = s.Judge(wide)
			require.Equal(t, swapset.Within, outlook)
		}
	})
}
