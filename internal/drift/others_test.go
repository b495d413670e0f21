package drift

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// Of more values than are told apart the same ones are left, with all of their rows, in whatever order they come; about half of those before.
func TestOthersAreBounded(t *testing.T) {
	t.Parallel()
	const values = mostOthers + mostOthers/8
	rng := rand.New(rand.NewPCG(1, 2))
	order := rng.Perm(values)
	var whole, back, first, second Others
	add := func(o *Others, value int) {
		o.add(hashOf(string(rune('a'+value%7))+string([]byte{byte(value), byte(value >> 8), byte(value >> 16)})), int64(value%3+1))
	}
	for i, value := range order {
		add(&whole, value)
		add(&back, order[values-1-i])
		if i%3 == 0 {
			add(&first, value)
		} else {
			add(&second, value)
		}
	}
	require.Equal(t, 1, whole.Bits)
	require.InEpsilon(t, values/2, len(whole.Rows), 0.01)
	require.Equal(t, whole, back)
	first.merge(second)
	require.Equal(t, whole, first)
	var other Others
	other.merge(whole)
	require.Equal(t, whole, other)
}
