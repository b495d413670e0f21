package serving_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/serving"
)

// Wanted by hand, of a life in which generation n is taken at second n.
func TestAt(t *testing.T) {
	r := serving.Record{Pipeline: "loans", Environment: serving.Production}
	var history []serving.Record
	take := func(next serving.Record, err error) {
		require.NoError(t, err)
		r = next.By(serving.Author{Writer: "w", Actor: "ada", Reason: string(next.Change), Operation: "op"}).Seal(time.Unix(next.Generation, 0).UTC())
		history = append(history, r)
	}
	take(r.Prepare(*track(1), ""))
	take(r.Promote())
	take(r.Canary(*track(2), 5, ""))
	take(r.Promote())
	take(r.Restore(), nil)
	take(r.RollBack(*track(1)))
	for _, test := range []struct {
		at          time.Time
		then, since int64
	}{
		{time.Unix(0, 0), 0, 0},
		{time.Unix(1, 0), 1, 0}, // prepared, nothing serves
		{time.Unix(2, 0), 2, 2},
		{time.Unix(3, 999), 3, 2}, // a canary beside it
		{time.Unix(4, 0), 4, 4},
		{time.Unix(5, 0), 5, 4}, // restored
		{time.Unix(6, 0), 6, 6},
		{time.Unix(1000, 0), 6, 6},
	} {
		then, since := serving.At(history, test.at)
		require.Equal(t, test.then, then.Generation, test.at)
		require.Equal(t, test.since, since.Generation, test.at)
	}
}
