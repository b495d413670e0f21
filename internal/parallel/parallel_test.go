package parallel_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
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

// secret panics with a value of the data.
func secret() { panic("Jane Doe") }

// A panic of one is its fault and nobody else's. It says where it was; what is no runtime error may hold a value.
func TestAPanicIsAFault(t *testing.T) {
	t.Parallel()
	var none []int
	failed := parallel.Each(3, func(i int) error {
		switch i {
		case 0:
			return errors.New("odd")
		case 1:
			none[i] = 1
		}
		secret()
		return nil
	})
	require.EqualError(t, failed[0], "odd")
	require.EqualError(t, failed[1], "runtime error: index out of range [1] with length 0 at github.com/loanops/loanops/internal/parallel_test.TestAPanicIsAFault.func1")
	require.EqualError(t, failed[2], "a panic at github.com/loanops/loanops/internal/parallel_test.secret")
	require.Equal(t, fault.Internal, fault.CodeOf(failed[1]))
	require.Equal(t, fault.Internal, fault.CodeOf(failed[2]))
}
