package contract

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// environmentOf is an environment whose slots hold the versions (0: nothing) with blue's and green's weights.
func environmentOf(blue, green, blueWeight, greenWeight int) Actual {
	actual := Actual{Tracks: map[string]Track{}}
	if blue > 0 {
		actual.Tracks[Blue] = Track{Slot: Blue, Spec: TrackSpec{ModelVersion: blue}, State: TrackReady}
	}
	if green > 0 {
		actual.Tracks[Green] = Track{Slot: Green, Spec: TrackSpec{ModelVersion: green}, State: TrackReady}
	}
	if blueWeight+greenWeight > 0 {
		actual.Route = &Route{Weights: map[string]int{Blue: blueWeight, Green: greenWeight}}
	}
	return actual
}

func TestNextSlot(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                 string
		actual               Actual
		champion             int
		wantChampion, wantIn string
	}{
		{"nothing runs", Actual{}, 0, "", Blue},
		{"bootstrap interrupted before its alias", environmentOf(1, 0, 0, 0), 0, "", Blue},
		{"no champion, yet traffic on blue", environmentOf(1, 0, 100, 0), 0, "", Green},
		{"champion in blue", environmentOf(1, 0, 100, 0), 1, Blue, Green},
		{"champion in green, previous in blue", environmentOf(1, 2, 0, 100), 2, Green, Blue},
		{"during a canary", environmentOf(3, 2, 10, 90), 2, Green, Blue},
		{"canary before the aliases move", environmentOf(3, 2, 100, 0), 2, Green, Blue},
		{"after a rollback to blue", environmentOf(1, 2, 100, 0), 1, Blue, Green},
		{"champion's track is gone, none serves", Actual{}, 1, Blue, Green},
		{"champion's track is gone, its traffic is green's", environmentOf(0, 0, 0, 100), 1, Green, Blue},
		{"champion's track is gone, another version serves from green", environmentOf(0, 2, 0, 100), 1, Green, Blue},
		{"champion in both slots", environmentOf(4, 4, 10, 90), 4, Green, Blue},
		{"champion without a route", environmentOf(0, 5, 0, 0), 5, Green, Blue},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			champion, challenger := NextSlot(test.actual, test.champion)
			require.Equal(t, test.wantChampion, champion)
			require.Equal(t, test.wantIn, challenger)
		})
	}
}

// Whatever runs: the two slots differ, and a champion that runs is found where it is.
func TestNextSlotNeverTakesTheChampionsSlot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		version := rapid.IntRange(0, 3)
		weight := rapid.IntRange(0, 100).Draw(t, "weight")
		blue, green := version.Draw(t, "blue"), version.Draw(t, "green")
		actual := environmentOf(blue, green, weight, 100-weight)
		if rapid.Bool().Draw(t, "no route") {
			actual.Route = nil
		}
		champion := version.Draw(t, "champion")
		got, challenger := NextSlot(actual, champion)
		require.NotEqual(t, got, challenger)
		require.Contains(t, []string{Blue, Green}, challenger)
		if champion == 0 {
			require.Empty(t, got)
			return
		}
		if blue == champion || green == champion {
			require.Equal(t, champion, actual.Tracks[got].Spec.ModelVersion)
			require.Equal(t, got, actual.SlotOf(champion))
		} else {
			require.Empty(t, actual.SlotOf(champion))
			require.LessOrEqual(t, actual.Weight(challenger), actual.Weight(got), "a challenger inherits no traffic")
		}
	})
}

func TestSameWeights(t *testing.T) {
	t.Parallel()
	require.True(t, SameWeights(map[string]int{Blue: 100}, map[string]int{Blue: 100, Green: 0}))
	require.True(t, SameWeights(map[string]int{Blue: 100, Green: 0}, map[string]int{Blue: 100}))
	require.True(t, SameWeights(nil, map[string]int{}))
	require.False(t, SameWeights(map[string]int{Blue: 100}, map[string]int{Green: 100}))
	require.False(t, SameWeights(map[string]int{Blue: 90, Green: 10}, map[string]int{Blue: 90}))
	require.False(t, SameWeights(nil, map[string]int{Blue: 100}))
}
