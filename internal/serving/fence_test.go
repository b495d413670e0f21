package serving_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

func TestFence(t *testing.T) {
	admit, teach := (*serving.Fence).Admit, (*serving.Fence).Teach
	const accepted fault.Code = ""
	for _, test := range []struct {
		name       string
		do         func(*serving.Fence, int64) error
		knows      int64
		generation int64
		want       fault.Code
		then       int64
	}{
		{"who knows nothing admits nothing", admit, 0, 1, fault.Unavailable, 0},
		{"who knows nothing admits nothing, however new", admit, 0, 1 << 60, fault.Unavailable, 0},
		{"who knows nothing is taught", teach, 0, 5, accepted, 5},
		{"the newest is admitted", admit, 5, 5, accepted, 5},
		{"a newer one is admitted and remembered", admit, 5, 7, accepted, 7},
		{"an older one is not admitted", admit, 5, 4, fault.Conflict, 5},
		{"the newest is taught again", teach, 5, 5, accepted, 5},
		{"a newer one is taught", teach, 5, 7, accepted, 7},
		{"an older one is not taught", teach, 5, 4, fault.Conflict, 5},
		{"no generation is not admitted", admit, 5, 0, fault.Invalid, 5},
		{"no generation is not admitted by who knows nothing", admit, 0, 0, fault.Invalid, 0},
		{"a negative one is not admitted", admit, 5, -6, fault.Invalid, 5},
		{"no generation is not taught", teach, 0, 0, fault.Invalid, 0},
		{"a negative one is not taught", teach, 0, -1, fault.Invalid, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			fence := serving.Fence{Newest: test.knows}
			err := test.do(&fence, test.generation)
			if test.want == accepted {
				require.NoError(t, err)
			} else {
				require.Equal(t, test.want, fault.CodeOf(err))
			}
			require.Equal(t, test.then, fence.Newest)
		})
	}
}

// The fence against what it must be: who was told a generation never again accepts an older one, and nobody gets past a fence that
// was told nothing.
func TestFenceNeverGoesDown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var fence serving.Fence
		accepted := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			generation := rapid.Int64Range(-1, 12).Draw(t, "generation")
			teaching := rapid.Bool().Draw(t, "teaching")
			call := fence.Admit
			if teaching {
				call = fence.Teach
			}
			err := call(generation)
			may := generation >= 1 && generation >= accepted && (teaching || accepted > 0)
			require.Equal(t, may, err == nil, "generation %d after %d: %v", generation, accepted, err)
			if err == nil {
				accepted = generation
			}
			require.Equal(t, accepted, fence.Newest)
		}
	})
}
