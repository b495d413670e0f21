package parallel_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/parallel"
)

// All are done whatever fails, and faults stand where their things do.
func TestEach(t *testing.T) {
	t.Parallel()
	var done atomic.Int32
	odd := errors.New("odd")
	failed := parallel.Each(5, func(i int) error {
		done.Add(1)
		if i%2 == 1 {
			return odd
		}
		return nil
	})
	require.Equal(t, []error{nil, odd, nil, odd, nil}, failed)
	require.EqualValues(t, 5, done.Load())
	require.Empty(t, parallel.Each(0, nil))
}
