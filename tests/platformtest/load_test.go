package platformtest

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A request that is not answered holds back no other, every one is told when it has ended, and none is under way after Stop.
func TestLoad(t *testing.T) {
	t.Parallel()
	answer, failed := make(chan struct{}), errors.New("502")
	var asked, under atomic.Int64
	told := make(chan Request, 1000)
	l := NewLoad(func() (Track, error) {
		under.Add(1)
		defer under.Add(-1)
		if asked.Add(1) == 1 {
			<-answer
			return Track{}, failed
		}
		return Track{}, nil
	}, func(r Request) { told <- r })
	for range 3 {
		r := <-told
		require.NoError(t, r.Err, "the first one still waits")
		require.False(t, r.Ended.Before(r.Began))
	}
	close(answer)
	l.Stop()
	l.Stop()
	require.Zero(t, under.Load())
	close(told)
	ended, first := int64(3), time.Time{}
	for r := range told {
		ended++
		if r.Err != nil {
			require.Equal(t, failed, r.Err)
			first = r.Began
		}
	}
	require.Equal(t, asked.Load(), ended)
	require.False(t, first.IsZero(), "the one that failed is told")
}
