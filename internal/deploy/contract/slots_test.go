package contract

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/serving"
)

// version is a track that serves n under the policy of these tests; nil for 0.
func version(n int) *serving.Track {
	if n == 0 {
		return nil
	}
	return &serving.Track{Version: n, Policy: "p"}
}

// environmentOf is an environment whose slots hold the tracks (nil: nothing) with blue's and green's weights.
func environmentOf(blue, green *serving.Track, blueWeight, greenWeight int) Actual {
	actual := Actual{Tracks: map[string]Track{}}
	for slot, track := range map[string]*serving.Track{Blue: blue, Green: green} {
		if track != nil {
			actual.Tracks[slot] = Track{Slot: slot, Spec: TrackSpec{ModelVersion: track.Version, PolicyDigest: track.Policy}, State: TrackReady}
		}
	}
	if blueWeight+greenWeight > 0 {
		actual.Route = &Route{Weights: map[string]int{Blue: blueWeight, Green: greenWeight}}
	}
	return actual
}

func TestNextSlot(t *testing.T) {
	t.Parallel()
	none, one, two, three, four, five := version(0), version(1), version(2), version(3), version(4), version(5)
	stricter := &serving.Track{Version: 1, Policy: "stricter"}
	for _, test := range []struct {
		name                 string
		actual               Actual
		champion             *serving.Track
		wantChampion, wantIn string
	}{
		{"nothing runs", Actual{}, none, "", Blue},
		{"bootstrap interrupted before its record", environmentOf(one, none, 0, 0), none, "", Blue},
		{"no champion, yet traffic on blue", environmentOf(one, none, 100, 0), none, "", Green},
		{"champion in blue", environmentOf(one, none, 100, 0), one, Blue, Green},
		{"champion in green, previous in blue", environmentOf(one, two, 0, 100), two, Green, Blue},
		{"during a canary", environmentOf(three, two, 10, 90), two, Green, Blue},
		{"canary before the record names it champion", environmentOf(three, two, 100, 0), two, Green, Blue},
		{"after a rollback to blue", environmentOf(one, two, 100, 0), one, Blue, Green},
		{"champion's track is gone, none serves", Actual{}, one, Blue, Green},
		{"champion's track is gone, its traffic is green's", environmentOf(none, none, 0, 100), one, Green, Blue},
		{"champion's track is gone, another version serves from green", environmentOf(none, two, 0, 100), one, Green, Blue},
		{"champion in both slots", environmentOf(four, four, 10, 90), four, Green, Blue},
		{"champion without a route", environmentOf(none, five, 0, 0), five, Green, Blue},
		{"one version under two policies: the champion's counts", environmentOf(one, stricter, 95, 5), stricter, Green, Blue},
		{"the champion's version runs under another policy only", environmentOf(none, stricter, 0, 0), one, Blue, Green},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			champion, challenger := NextSlot(test.actual, test.champion)
			require.Equal(t, test.wantChampion, champion)
			require.Equal(t, test.wantIn, challenger)
		})
	}
}

func TestTwoPoliciesOfOneVersionAreTwoTracks(t *testing.T) {
	t.Parallel()
	strict, lenient := serving.Track{Version: 1, Policy: "strict"}, serving.Track{Version: 1, Policy: "lenient"}
	actual := environmentOf(&strict, &lenient, 90, 10)
	require.Equal(t, Blue, actual.SlotOf(strict))
	require.Equal(t, Green, actual.SlotOf(lenient))
	require.Empty(t, actual.SlotOf(serving.Track{Version: 1, Policy: "other"}))
}

// Whatever runs: the two slots differ, and a champion that runs is found where it is.
func TestNextSlotNeverTakesTheChampionsSlot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		track := rapid.Custom(func(t *rapid.T) *serving.Track {
			if rapid.Bool().Draw(t, "none") {
				return nil
			}
			return &serving.Track{Version: rapid.IntRange(1, 2).Draw(t, "version"), Policy: rapid.SampledFrom([]string{"p", "q"}).Draw(t, "policy")}
		})
		weight := rapid.IntRange(0, 100).Draw(t, "weight")
		blue, green := track.Draw(t, "blue"), track.Draw(t, "green")
		actual := environmentOf(blue, green, weight, 100-weight)
		if rapid.Bool().Draw(t, "no route") {
			actual.Route = nil
		}
		champion := track.Draw(t, "champion")
		got, challenger := NextSlot(actual, champion)
		require.NotEqual(t, got, challenger)
		require.Contains(t, []string{Blue, Green}, challenger)
		if champion == nil {
			require.Empty(t, got)
			return
		}
		if serving.Is(blue, champion) || serving.Is(green, champion) {
			require.Equal(t, *champion, actual.Tracks[got].Spec.Identity())
			require.Equal(t, got, actual.SlotOf(*champion))
		} else {
			require.Empty(t, actual.SlotOf(*champion))
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
