package terraform_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest/agenttest"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

// version is a track, one policy for all.
func version(v int) *serving.Track { return &serving.Track{Version: v, Policy: "policy"} }

// started is how a track is started today; as it runs it was granted less, see held.
func started(track serving.Track) (contract.TrackSpec, error) {
	return contract.TrackSpec{
		ModelVersion: track.Version, PolicyDigest: track.Policy, Digest: fmt.Sprint("bundle ", track.Version), MemoryMiB: 256,
	}, nil
}

// held is a ready track that was started before the limits were raised.
func held(v int, change ...func(*contract.Track)) contract.Track {
	spec, _ := started(*version(v))
	spec.MemoryMiB = 128
	track := contract.Track{Spec: spec, State: contract.TrackReady}
	for _, c := range change {
		c(&track)
	}
	return track
}

func drilled(track *contract.Track) { track.Spec.Drill = "delay=1ms" }
func failed(track *contract.Track)  { track.State = contract.TrackFailed }
func others(track *contract.Track)  { track.Spec.Digest = "another bundle" }
func policy(track *contract.Track)  { track.Spec.PolicyDigest = "another policy" }
func meaning(track *contract.Track) { track.Spec.Meaning = "approval" }

// wanted is what Follow should put into a slot: the version, whether under the limits of today, and its drill.
type wanted struct {
	version int
	anew    bool
	drill   string
}

func TestFollow(t *testing.T) {
	t.Parallel()
	blue, green := contract.Blue, contract.Green
	type tracks = map[string]contract.Track
	type weights = map[string]int
	for _, test := range []struct {
		name    string
		record  serving.Record
		was     []int // versions that were champion
		tracks  tracks
		route   weights
		want    map[string]wanted
		weights weights
	}{
		{"nothing at all", serving.Record{}, nil, tracks{}, nil, map[string]wanted{}, weights{}},
		{"the first challenger has no route", serving.Record{Challenger: version(1), Drill: "delay=1s"}, nil, tracks{}, nil,
			map[string]wanted{blue: {1, true, "delay=1s"}}, weights{}},
		{"the first challenger stays where it is", serving.Record{Challenger: version(1)}, nil, tracks{green: held(1)}, nil,
			map[string]wanted{green: {1, true, ""}}, weights{}},
		{"the first challenger is aborted", serving.Record{}, nil, tracks{blue: held(1)}, nil, map[string]wanted{}, weights{}},
		{"the first champion gets its route", serving.Record{Champion: version(1)}, []int{1}, tracks{blue: held(1)}, nil,
			map[string]wanted{blue: {1, false, ""}}, weights{blue: 100}},
		{"a champion that runs nowhere is brought back in blue", serving.Record{Champion: version(1)}, []int{1}, tracks{}, nil,
			map[string]wanted{blue: {1, true, ""}}, weights{blue: 100}},
		{"and where its traffic goes", serving.Record{Champion: version(1)}, []int{1}, tracks{}, weights{green: 100},
			map[string]wanted{green: {1, true, ""}}, weights{green: 100}},
		{"a champion keeps running without its drill", serving.Record{Champion: version(1)}, []int{1}, tracks{blue: held(1, drilled)}, weights{blue: 100},
			map[string]wanted{blue: {1, false, ""}}, weights{blue: 100}},
		{"a champion under another bundle is started anew", serving.Record{Champion: version(1)}, []int{1}, tracks{blue: held(1, others)}, weights{blue: 100},
			map[string]wanted{blue: {1, true, ""}}, weights{blue: 100}},
		{"a champion to which somebody gave another meaning is started anew", serving.Record{Champion: version(1)}, []int{1}, tracks{blue: held(1, meaning)}, weights{blue: 100},
			map[string]wanted{blue: {1, true, ""}}, weights{blue: 100}},
		{"a former champion to which somebody gave another bundle is no place to go back to", serving.Record{Champion: version(2)}, []int{1, 2},
			tracks{blue: held(1, others), green: held(2)}, weights{green: 100}, map[string]wanted{green: {2, false, ""}}, weights{green: 100}},
		{"a champion under another policy is started anew", serving.Record{Champion: version(1)}, []int{1}, tracks{blue: held(1, policy)}, weights{blue: 100},
			map[string]wanted{blue: {1, true, ""}}, weights{blue: 100}},
		{"a champion that was given up is put again as it ran", serving.Record{Champion: version(1)}, []int{1}, tracks{blue: held(1, failed)}, weights{blue: 100},
			map[string]wanted{blue: {1, false, ""}}, weights{blue: 100}},
		{"a challenger gets its share and its drill", serving.Record{Champion: version(1), Challenger: version(2), Weight: 5, Drill: "crash_after=20"}, []int{1},
			tracks{blue: held(1)}, weights{blue: 100}, map[string]wanted{blue: {1, false, ""}, green: {2, true, "crash_after=20"}}, weights{blue: 95, green: 5}},
		{"a challenger without a share gets copies", serving.Record{Champion: version(1), Challenger: version(2)}, []int{1},
			tracks{blue: held(1)}, weights{blue: 100}, map[string]wanted{blue: {1, false, ""}, green: {2, true, ""}}, weights{blue: 100, green: 0}},
		{"a challenger takes the former champion's slot", serving.Record{Champion: version(2), Challenger: version(3), Weight: 70}, []int{1, 2},
			tracks{blue: held(1), green: held(2)}, weights{green: 100}, map[string]wanted{blue: {3, true, ""}, green: {2, false, ""}}, weights{blue: 70, green: 30}},
		{"a challenger that was champion once is started under the limits of today", serving.Record{Champion: version(2), Challenger: version(1), Weight: 10}, []int{1, 2},
			tracks{blue: held(1), green: held(2)}, weights{green: 100}, map[string]wanted{blue: {1, true, ""}, green: {2, false, ""}}, weights{blue: 10, green: 90}},
		{"a former champion is kept without traffic", serving.Record{Champion: version(2)}, []int{1, 2},
			tracks{blue: held(1), green: held(2)}, weights{blue: 100}, map[string]wanted{blue: {1, false, ""}, green: {2, false, ""}}, weights{blue: 0, green: 100}},
		{"a challenger that was left leaves", serving.Record{Champion: version(1)}, []int{1},
			tracks{blue: held(1), green: held(2)}, weights{blue: 95, green: 5}, map[string]wanted{blue: {1, false, ""}}, weights{blue: 100}},
		{"a former champion under another policy leaves", serving.Record{Champion: version(1)}, []int{1, 2},
			tracks{blue: held(1), green: held(2, policy)}, weights{blue: 100}, map[string]wanted{blue: {1, false, ""}}, weights{blue: 100}},
		{"a former champion that was given up leaves", serving.Record{Champion: version(2)}, []int{1, 2},
			tracks{blue: held(1, failed), green: held(2)}, weights{green: 100}, map[string]wanted{green: {2, false, ""}}, weights{green: 100}},
		{"a former champion that was drilled leaves", serving.Record{Champion: version(2)}, []int{1, 2},
			tracks{blue: held(1, drilled), green: held(2)}, weights{green: 100}, map[string]wanted{green: {2, false, ""}}, weights{green: 100}},
		{"a champion that was rolled back to, before its traffic follows", serving.Record{Champion: version(1)}, []int{1, 2},
			tracks{blue: held(1), green: held(2)}, weights{green: 100}, map[string]wanted{blue: {1, false, ""}, green: {2, false, ""}}, weights{blue: 100, green: 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			record := test.record
			record.Pipeline, record.Environment, record.Generation = agenttest.Pipeline, serving.Production, 7
			history := make([]serving.Record, len(test.was))
			for i, v := range test.was {
				history[i].Champion = version(v)
			}
			actual := contract.Actual{Tracks: test.tracks}
			if test.route != nil {
				actual.Route = &contract.Route{Weights: test.route}
			}
			desired, err := terraform.Follow(record, history, actual, started)
			require.NoError(t, err)
			want := terraform.Desired{
				Pipeline: agenttest.Pipeline, Environment: serving.Production, Generation: 7, Tracks: map[string]contract.TrackSpec{}, Weights: test.weights,
			}
			if record.Mirror() != nil {
				want.Mirror = green
			}
			for slot, w := range test.want {
				spec := held(w.version).Spec
				if w.anew {
					spec, _ = started(*version(w.version))
				}
				spec.Drill = w.drill
				want.Tracks[slot] = spec
			}
			require.Equal(t, want, desired)
			// What follows once follows for good.
			for slot, spec := range desired.Tracks {
				test.tracks[slot] = contract.Track{Spec: spec, State: contract.TrackReady}
			}
			actual.Route = &contract.Route{Weights: desired.Weights}
			again, err := terraform.Follow(record, history, actual, started)
			require.NoError(t, err)
			require.Equal(t, desired.Weights, again.Weights)
		})
	}
}

// Nobody can say any more how the former champion in the other slot should decide: it goes, and what serves is followed.
func TestFollowLeavesOutWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	record := serving.Record{Champion: version(2), Generation: 1}
	actual := contract.Actual{
		Tracks: map[string]contract.Track{contract.Blue: held(1), contract.Green: held(2)}, Route: &contract.Route{Weights: map[string]int{contract.Green: 100}},
	}
	desired, err := terraform.Follow(record, []serving.Record{{Champion: version(1)}, record}, actual, func(track serving.Track) (contract.TrackSpec, error) {
		if track == *version(1) {
			return contract.TrackSpec{}, fault.New(fault.NotFound, "no spec has the policy")
		}
		return started(track)
	})
	require.NoError(t, err)
	require.Equal(t, map[string]int{contract.Green: 100}, desired.Weights)
	require.NotContains(t, desired.Tracks, contract.Blue)
}

func TestFollowNeedsToKnowHowATrackIsStarted(t *testing.T) {
	t.Parallel()
	unknown := func(serving.Track) (contract.TrackSpec, error) {
		return contract.TrackSpec{}, fault.New(fault.NotFound, "no such version")
	}
	for _, record := range []serving.Record{{Champion: version(1)}, {Challenger: version(1)}} {
		_, err := terraform.Follow(record, nil, contract.Actual{}, unknown)
		require.Equal(t, fault.NotFound, fault.CodeOf(err))
	}
}
