package terraform

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

func track(n int) serving.Track { return serving.Track{Version: n, Policy: "policy"} }

// spec is how version n is started with the CPU limit that its delivery judged.
func spec(n int, cpu int64) contract.TrackSpec {
	return contract.TrackSpec{ModelVersion: n, PolicyDigest: "policy", Digest: "digest", CPUMillis: cpu}
}

// The wanted environments are those of the design: the champion as it runs, the challenger beside it, an earlier champion kept
// without traffic, and nothing else.
func TestFollow(t *testing.T) {
	history := []serving.Record{{Champion: new(track(1))}, {Champion: new(track(2))}}
	runs := func(slot string, n int, cpu int64, state contract.TrackState) contract.Track {
		return contract.Track{Slot: slot, Spec: spec(n, cpu), State: state}
	}
	drilled := runs(contract.Blue, 1, 100, contract.TrackReady)
	drilled.Spec.Drill = "crash_after=20"
	one := runs(contract.Blue, 1, 100, contract.TrackReady)
	two := runs(contract.Green, 2, 100, contract.TrackReady)
	for _, test := range []struct {
		name    string
		record  serving.Record
		tracks  []contract.Track
		slots   map[string]contract.TrackSpec
		weights map[string]int
	}{
		{"nothing was ever recorded", serving.Record{}, nil, map[string]contract.TrackSpec{}, map[string]int{}},
		{
			"a first version before it is promoted has no traffic", serving.Record{Challenger: new(track(1))}, nil,
			map[string]contract.TrackSpec{contract.Blue: spec(1, 500)}, map[string]int{},
		},
		{
			"a challenger takes the other slot with new limits; the champion keeps its own",
			serving.Record{Champion: new(track(2)), Challenger: new(track(3)), Weight: 20}, []contract.Track{one, two},
			map[string]contract.TrackSpec{contract.Blue: spec(3, 500), contract.Green: spec(2, 100)}, map[string]int{contract.Blue: 20, contract.Green: 80},
		},
		{
			"an earlier champion is kept without traffic", serving.Record{Champion: new(track(2))}, []contract.Track{one, two},
			map[string]contract.TrackSpec{contract.Blue: spec(1, 100), contract.Green: spec(2, 100)}, map[string]int{contract.Blue: 0, contract.Green: 100},
		},
		{
			"what was never champion leaves", serving.Record{Champion: new(track(2))}, []contract.Track{runs(contract.Blue, 3, 100, contract.TrackReady), two},
			map[string]contract.TrackSpec{contract.Green: spec(2, 100)}, map[string]int{contract.Green: 100},
		},
		{
			"an earlier champion that failed leaves", serving.Record{Champion: new(track(2))}, []contract.Track{runs(contract.Blue, 1, 100, contract.TrackFailed), two},
			map[string]contract.TrackSpec{contract.Green: spec(2, 100)}, map[string]int{contract.Green: 100},
		},
		{
			"an earlier champion with a drill leaves", serving.Record{Champion: new(track(2))}, []contract.Track{drilled, two},
			map[string]contract.TrackSpec{contract.Green: spec(2, 100)}, map[string]int{contract.Green: 100},
		},
		{
			"a champion that runs nowhere is started anew", serving.Record{Champion: new(track(2))}, nil,
			map[string]contract.TrackSpec{contract.Blue: spec(2, 500)}, map[string]int{contract.Blue: 100},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			actual := contract.Actual{Tracks: map[string]contract.Track{}}
			for _, running := range test.tracks {
				actual.Tracks[running.Slot] = running
			}
			d, err := Follow(test.record, history, actual, func(asked serving.Track) (contract.TrackSpec, error) { return spec(asked.Version, 500), nil })
			require.NoError(t, err)
			require.Equal(t, test.slots, d.Tracks)
			require.Equal(t, test.weights, d.Weights)
		})
	}
}

// A rehearsal is of the challenger alone: promoted, it runs without.
func TestFollowDrillsTheChallengerAlone(t *testing.T) {
	record := serving.Record{Champion: new(track(1)), Challenger: new(track(2)), Weight: 10, Drill: "delay=200ms"}
	specOf := func(asked serving.Track) (contract.TrackSpec, error) { return spec(asked.Version, 500), nil }
	d, err := Follow(record, nil, contract.Actual{}, specOf)
	require.NoError(t, err)
	require.Empty(t, d.Tracks[contract.Blue].Drill)
	require.Equal(t, "delay=200ms", d.Tracks[contract.Green].Drill)

	running := contract.Actual{Tracks: map[string]contract.Track{contract.Green: {Slot: contract.Green, Spec: d.Tracks[contract.Green], State: contract.TrackReady}}}
	promoted, err := Follow(serving.Record{Champion: new(track(2))}, nil, running, specOf)
	require.NoError(t, err)
	require.Empty(t, promoted.Tracks[contract.Green].Drill)
}

func TestFollowSaysWhyATrackCannotBeStarted(t *testing.T) {
	unknown := fault.New(fault.NotFound, "no version 2")
	_, err := Follow(serving.Record{Champion: new(track(2))}, nil, contract.Actual{}, func(serving.Track) (contract.TrackSpec, error) {
		return contract.TrackSpec{}, unknown
	})
	require.ErrorIs(t, err, unknown)
}
