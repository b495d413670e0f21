package contract

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
)

// The rule of ValidateMirror, said once more in other words: none, or the slot that clients do not meet.
func TestMirrorIsASlotWithoutWeight(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, mirror string
		weights      map[string]int
		says         string
	}{
		{"none", "", map[string]int{Blue: 100}, ""},
		{"weight 0", Green, map[string]int{Blue: 100, Green: 0}, ""},
		{"not named", Blue, map[string]int{Green: 100}, ""},
		{"has all", Blue, map[string]int{Blue: 100}, "blue gets 100 %"},
		{"has some", Green, map[string]int{Blue: 99, Green: 1}, "green gets 1 %"},
		{"unknown", "red", map[string]int{Blue: 100}, `no slot "red"`},
		{"other case", "Green", map[string]int{Blue: 100}, `no slot "Green"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := ValidateMirror(test.mirror, test.weights)
			if test.says == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			require.ErrorContains(t, err, test.says)
		})
	}
}

// Whatever the weights: at most one slot can be the mirror, and only when the other has everything.
func TestMirrorLeavesTheWeightsAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		blue := rapid.OneOf(rapid.SampledFrom([]int{0, 1, 99, 100}), rapid.IntRange(0, 100)).Draw(t, "blue")
		weights := map[string]int{Blue: blue, Green: 100 - blue}
		require.NoError(t, ValidateMirror("", weights))
		for _, slot := range Slots() {
			require.Equal(t, weights[OtherSlot(slot)] == 100, ValidateMirror(slot, weights) == nil, slot)
		}
	})
}
