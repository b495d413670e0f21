package servingtest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/serving/servingtest"
	"github.com/loanops/loanops/internal/store/storetest"
)

func TestRecordsAreThoseOfADatabase(t *testing.T) {
	storetest.Serving(t, func(_ *testing.T, versions map[string]int) storetest.OpenRecords {
		r := &servingtest.Records{Models: versions}
		return func(*testing.T) serving.Records { return r }
	})
}

// Nobody has a way to the rows but for the tracks, which are pointers: a test that altered one is told.
func TestWhatATestAlteredIsNoticed(t *testing.T) {
	r := &servingtest.Records{Models: map[string]int{"loans": 2}}
	author := serving.Author{Writer: "w", Actor: "ada", Reason: "because", Operation: "one"}
	taken, err := r.TakeGeneration(t.Context(), r.Newest("loans", serving.Production).Stage(serving.Track{Version: 1}).By(author))
	require.NoError(t, err)
	require.Equal(t, time.Unix(1, 0).UTC(), taken.At)
	taken.Champion.Version = 2
	_, reading := r.Serving(t.Context(), "loans", serving.Production)
	_, listing := r.ServingHistory(t.Context(), "loans", serving.Production)
	_, taking := r.TakeGeneration(t.Context(), taken.Renew("lock"))
	for _, err := range []error{reading, listing, taking} {
		require.Equal(t, fault.Internal, fault.CodeOf(err))
		require.ErrorContains(t, err, "generation 1 was altered")
	}
}
