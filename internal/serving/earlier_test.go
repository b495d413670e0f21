package serving_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/serving"
)

// Lives of a model, and the versions that a person would go back to without asking anybody, by hand.
func TestEarlierChampions(t *testing.T) {
	deliver := func(version int) []string { return []string{"share", string(rune('0' + version)), "promote"} }
	join := func(parts ...[]string) (all []string) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	three := join(deliver(1), deliver(2), deliver(3))
	for _, test := range []struct {
		name string
		life []string
		want []int
	}{
		{"nothing was", nil, nil},
		{"the first", deliver(1), nil},
		{"the youngest first", three, []int{2, 1}},
		{"a bake failed, or a person went back", join(three, []string{"back", "2"}), []int{1}},
		{"what was left is left for good", join(three, []string{"back", "2", "back", "1"}), nil},
		{"but a delivery brings it again", join(three, []string{"back", "2"}, deliver(3), deliver(4)), []int{3, 2, 1}},
		{"or who goes back to it", join(three, []string{"back", "2", "back", "3"}), []int{1}},
		{"a restored rollback is one", join(three, []string{"back", "2", "restore"}), []int{1}},
		{"a renewed one too", join(three, []string{"back", "2", "renew"}), []int{1}},
		{"a canary of an older version was aborted", join(three, []string{"share", "1", "abort"}), []int{2}},
		{"its drill was, that says nothing of it", join(three, []string{"drill", "1", "abort"}), []int{2, 1}},
		{"a rollback ended its canary", join(three, []string{"share", "1", "back", "3"}), []int{2}},
		{"a delivery of an older version leaves the newer one whole", join(three, deliver(1)), []int{3, 2}},
		{"one during a canary", join(three, []string{"share", "4"}), []int{2, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := serving.Record{Pipeline: "loans", Environment: serving.Production}
			var history []serving.Record
			for i := 0; i < len(test.life); i++ {
				var next serving.Record
				var err error
				version := func() serving.Track {
					i++
					return *track(int(test.life[i][0] - '0'))
				}
				switch test.life[i] {
				case "share":
					if challenger := version(); r.Champion == nil {
						next, err = r.Prepare(challenger, "")
					} else {
						next, err = r.Canary(challenger, 5, "")
					}
				case "drill":
					next, err = r.Canary(version(), 5, "delay=1s")
				case "promote":
					next, err = r.Promote()
				case "back":
					next, err = r.RollBack(version())
				case "abort":
					next = r.Abort()
				case "restore":
					next = r.Restore()
				case "renew":
					next = r.Renew("lock")
				}
				require.NoError(t, err)
				r = next
				history = append(history, r)
			}
			var got []int
			for _, earlier := range serving.Earlier(history) {
				got = append(got, earlier.Version)
			}
			require.Equal(t, test.want, got)
		})
	}
}

// A version under another policy is another track, but it was what it was last.
func TestEarlierChampionsAreWhatTheyWereLast(t *testing.T) {
	var r serving.Record
	var history []serving.Record
	take := func(next serving.Record, err error) {
		require.NoError(t, err)
		r = next
		history = append(history, r)
	}
	lenient := serving.Track{Version: 1, Policy: "lenient"}
	take(r.Prepare(*track(1), ""))
	take(r.Promote())
	take(r.Canary(lenient, 5, ""))
	take(r.Promote())
	require.Empty(t, serving.Earlier(history), "it is the same version")
	take(r.Canary(*track(2), 5, ""))
	take(r.Promote())
	require.Equal(t, []serving.Track{lenient}, serving.Earlier(history))
	take(r.RollBack(lenient))
	take(r.RollBack(*track(1)))
	take(r.Canary(*track(3), 5, ""))
	take(r.Promote())
	require.Equal(t, []serving.Track{*track(1)}, serving.Earlier(history), "a person left version 2, and the lenient policy")
}
