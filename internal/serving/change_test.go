package serving_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/serving"
)

func track(version int) *serving.Track { return &serving.Track{Version: version, Policy: "p"} }

// before is a written record with the content of r.
func before(r serving.Record) serving.Record {
	r.Pipeline, r.Environment, r.Generation, r.Change, r.PrevHash = "loans", serving.Production, 7, serving.Promoted, "hash of 6"
	r.Author = serving.Author{Writer: "delivery-loans/run", Actor: "ada", Reason: "because", Operation: "op-7"}
	return r.Seal(time.Unix(1_800_000_000, 0))
}

// The content of a record: what the transitions are about. The rest is checked for all of them alike.
type content struct {
	Champion, Challenger, Previous *serving.Track
	Weight                         int
	Drill                          string
}

func contentOf(r serving.Record) content {
	return content{r.Champion, r.Challenger, r.Previous, r.Weight, r.Drill}
}

var (
	nothing  = serving.Record{}
	prepared = serving.Record{Challenger: track(1)}
	steady   = serving.Record{Champion: track(2), Previous: track(1)}
	shared   = serving.Record{Champion: track(2), Previous: track(1), Challenger: track(3), Weight: 20}
	drilled  = serving.Record{Champion: track(2), Challenger: track(3), Weight: 20, Drill: "delay=1s"}
)

func TestTransitions(t *testing.T) {
	always := func(f func(serving.Record) serving.Record) func(serving.Record) (serving.Record, error) {
		return func(r serving.Record) (serving.Record, error) { return f(r), nil }
	}
	prepare := func(version int, drill string) func(serving.Record) (serving.Record, error) {
		return func(r serving.Record) (serving.Record, error) { return r.Prepare(*track(version), drill) }
	}
	canary := func(version, weight int, drill string) func(serving.Record) (serving.Record, error) {
		return func(r serving.Record) (serving.Record, error) { return r.Canary(*track(version), weight, drill) }
	}
	rollback := func(version int) func(serving.Record) (serving.Record, error) {
		return func(r serving.Record) (serving.Record, error) { return r.RollBack(*track(version)) }
	}
	stage := always(func(r serving.Record) serving.Record { return r.Stage(*track(9)) })
	for _, test := range []struct {
		name   string
		from   serving.Record
		do     func(serving.Record) (serving.Record, error)
		change serving.Change
		want   content
	}{
		{"the first challenger has no traffic", nothing, prepare(1, ""), serving.Prepared, content{Challenger: track(1)}},
		{"a drilled first challenger", nothing, prepare(1, "delay=1s"), serving.Prepared, content{Challenger: track(1), Drill: "delay=1s"}},
		{"another first challenger", prepared, prepare(2, ""), serving.Prepared, content{Challenger: track(2)}},
		{"the first champion has no previous", prepared, serving.Record.Promote, serving.Promoted, content{Champion: track(1)}},
		{"a canary begins", steady, canary(3, 5, ""), serving.Shared, content{Champion: track(2), Previous: track(1), Challenger: track(3), Weight: 5}},
		{"a canary that gets copies only", steady, canary(3, 0, ""), serving.Shared, content{Champion: track(2), Previous: track(1), Challenger: track(3)}},
		{"a canary goes on", shared, canary(3, 99, ""), serving.Shared, content{Champion: track(2), Previous: track(1), Challenger: track(3), Weight: 99}},
		{"a canary with a drill", steady, canary(3, 1, "delay=1s"), serving.Shared,
			content{Champion: track(2), Previous: track(1), Challenger: track(3), Weight: 1, Drill: "delay=1s"}},
		{"another challenger leaves the drill behind", drilled, canary(4, 5, ""), serving.Shared, content{Champion: track(2), Challenger: track(4), Weight: 5}},
		{"a promotion", shared, serving.Record.Promote, serving.Promoted, content{Champion: track(3), Previous: track(2)}},
		{"an abort", shared, always(serving.Record.Abort), serving.Aborted, content{Champion: track(2), Previous: track(1)}},
		{"an abort ends the drill", drilled, always(serving.Record.Abort), serving.Aborted, content{Champion: track(2)}},
		{"an abort of what was previous", serving.Record{Champion: track(2), Previous: track(1), Challenger: track(1), Weight: 5}, always(serving.Record.Abort),
			serving.Aborted, content{Champion: track(2)}},
		{"an abort before there is a champion", prepared, always(serving.Record.Abort), serving.Aborted, content{}},
		{"an abort of nothing", nothing, always(serving.Record.Abort), serving.Aborted, content{}},
		{"a rollback", steady, rollback(1), serving.RolledBack, content{Champion: track(1)}},
		{"a rollback to an older one", steady, rollback(9), serving.RolledBack, content{Champion: track(9)}},
		{"a rollback to the champion in mid-canary", shared, rollback(2), serving.RolledBack, content{Champion: track(2), Previous: track(1)}},
		{"a rollback to the champion in a drill", drilled, rollback(2), serving.RolledBack, content{Champion: track(2)}},
		{"a rollback to another one in mid-canary", shared, rollback(1), serving.RolledBack, content{Champion: track(1)}},
		{"a rollback that leaves what was previous", serving.Record{Champion: track(2), Previous: track(1), Challenger: track(1), Weight: 5}, rollback(2),
			serving.RolledBack, content{Champion: track(2)}},
		{"a restored canary", shared, always(serving.Record.Restore), serving.Restored, contentOf(shared)},
		{"a restored champion", steady, always(serving.Record.Restore), serving.Restored, contentOf(steady)},
		{"staging", shared, stage, serving.Staged, content{Champion: track(9)}},
		{"staging for the first time", nothing, stage, serving.Staged, content{Champion: track(9)}},
		{"staging after a drill", drilled, stage, serving.Staged, content{Champion: track(9)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			from := before(test.from)
			next, err := test.do(from)
			require.NoError(t, err)
			require.Equal(t, test.want, contentOf(next))
			require.Equal(t, serving.Record{
				Pipeline: "loans", Environment: serving.Production, Generation: 8, Change: test.change, PrevHash: from.Hash, At: next.At,
				Champion: next.Champion, Challenger: next.Challenger, Previous: next.Previous, Weight: next.Weight, Drill: next.Drill,
			}, next, "it follows the record before, and has no author and no hash yet")
			require.Equal(t, before(test.from), from, "the record before stays as it is")
		})
	}
}

func TestRefusedTransitions(t *testing.T) {
	refused := func(r serving.Record, err error) error {
		require.Zero(t, r, "a refusal leaves nothing to write")
		return err
	}
	for _, test := range []struct {
		name string
		err  error
		code fault.Code
		says string
	}{
		{"a first challenger beside a champion", refused(before(steady).Prepare(*track(3), "")), fault.Refused, "loans has a champion, version 2"},
		{"a canary without a champion", refused(before(prepared).Canary(*track(2), 5, "")), fault.Refused, "no champion"},
		{"a canary of the champion", refused(before(steady).Canary(*track(2), 5, "")), fault.Refused, "version 2 of loans is champion already"},
		{"a canary of 100 %", refused(before(steady).Canary(*track(3), 100, "")), fault.Invalid, "0 to 99 percent, not 100"},
		{"a canary of less than nothing", refused(before(steady).Canary(*track(3), -1, "")), fault.Invalid, "0 to 99 percent, not -1"},
		{"a promotion of nobody", refused(before(steady).Promote()), fault.Refused, "no challenger to promote"},
		{"a promotion of nobody at first", refused(before(nothing).Promote()), fault.Refused, "no challenger to promote"},
		{"a promotion under a drill", refused(before(drilled).Promote()), fault.Refused, "version 3 of loans runs under the drill delay=1s"},
		{"a rollback of nothing", refused(before(nothing).RollBack(*track(1))), fault.NotFound, "no champion yet"},
		{"a rollback before there is a champion", refused(before(prepared).RollBack(*track(1))), fault.NotFound, "no champion yet"},
		{"a rollback to the challenger", refused(before(shared).RollBack(*track(3))), fault.Refused, "version 3 of loans is the challenger"},
	} {
		t.Run(test.name, func(t *testing.T) {
			require.Equal(t, test.code, fault.CodeOf(test.err))
			require.ErrorContains(t, test.err, test.says)
		})
	}
}

// One version under two policies is two tracks.
func TestPolicyTellsTracksApart(t *testing.T) {
	lenient := serving.Track{Version: 2, Policy: "lenient"}
	next, err := before(steady).Canary(lenient, 10, "")
	require.NoError(t, err)
	require.Equal(t, 10, next.Share(lenient))
	require.Equal(t, 90, next.Share(*track(2)))
	back, err := next.RollBack(*track(2))
	require.NoError(t, err)
	require.Zero(t, back.Share(lenient))
	_, err = next.RollBack(lenient)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
}

func TestTracksAndShares(t *testing.T) {
	for name, test := range map[string]struct {
		record serving.Record
		tracks []serving.Track
		shares map[int]int
	}{
		"nothing":      {nothing, nil, map[int]int{1: 0}},
		"no champion":  {prepared, []serving.Track{*track(1)}, map[int]int{1: 0}},
		"one champion": {steady, []serving.Track{*track(2)}, map[int]int{2: 100, 1: 0}},
		"a canary":     {shared, []serving.Track{*track(2), *track(3)}, map[int]int{2: 80, 3: 20, 1: 0}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.tracks, test.record.Tracks())
			for version, share := range test.shares {
				require.Equal(t, share, test.record.Share(*track(version)), version)
			}
		})
	}
}

func TestIsNeedsTwo(t *testing.T) {
	require.True(t, serving.Is(track(1), track(1)))
	require.False(t, serving.Is(track(1), track(2)))
	require.False(t, serving.Is(nil, track(1)))
	require.False(t, serving.Is(track(1), nil))
	require.False(t, serving.Is(nil, nil), "nothing names nothing")
}

func TestByAndString(t *testing.T) {
	author := serving.Author{Writer: "rollback-loans/run", Actor: "ada", Reason: "complaints", Operation: "op"}
	next, err := before(steady).RollBack(*track(1))
	require.NoError(t, err)
	require.Equal(t, author, next.By(author).Author)
	require.Equal(t, "generation 8 (rollback by rollback-loans/run: complaints)", next.By(author).String())
	require.Equal(t, "generation 0 (before the first)", nothing.String())

	odd := serving.Author{Writer: "a\x00b", Actor: "K\xf6ln", Reason: "\x00", Operation: "Köln\xff\xfe"}
	require.Equal(t, serving.Author{Writer: "a\uFFFDb", Actor: "K\uFFFDln", Reason: "\uFFFD", Operation: "Köln\uFFFD"}, next.By(odd).Author)
}

// A program that reads the record finds its author beside the rest, and null where there is nothing.
func TestRecordAsJSON(t *testing.T) {
	text, err := json.Marshal(before(prepared))
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(text, &fields))
	require.Equal(t, "ada", fields["actor"])
	require.Equal(t, map[string]any{"version": 1.0, "policy": "p"}, fields["challenger"])
	champion, there := fields["champion"]
	require.True(t, there)
	require.Nil(t, champion)
	var back serving.Record
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, back.Hash, serving.HashOf(back), "the hash survives a journey as JSON")
}

// Whatever happens in whatever order, a record makes sense.
func TestEveryRecordMakesSense(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var history []serving.Record
		r := serving.Record{Pipeline: "loans", Environment: serving.Production}
		for i := range rapid.IntRange(1, 40).Draw(t, "changes") {
			to := serving.Track{Version: rapid.IntRange(1, 4).Draw(t, "version"), Policy: rapid.SampledFrom([]string{"p", "q"}).Draw(t, "policy")}
			drill := rapid.SampledFrom([]string{"", "", "delay=1s"}).Draw(t, "drill")
			next, err := r, error(nil)
			switch rapid.IntRange(0, 7).Draw(t, "change") {
			case 0:
				next, err = r.Prepare(to, drill)
			case 1, 2:
				next, err = r.Canary(to, rapid.IntRange(-1, 101).Draw(t, "weight"), drill)
			case 3, 4:
				next, err = r.Promote()
			case 5:
				next = r.Abort()
			case 6:
				next, err = r.RollBack(to)
			case 7:
				next = r.Restore()
			}
			if err != nil {
				continue
			}
			sensible(t, r, next)
			author := serving.Author{Writer: "w", Actor: "a", Reason: "r", Operation: time.Duration(i).String()}
			r = next.By(author).Seal(time.Unix(int64(i), 0))
			history = append(history, r)
		}
		require.NoError(t, serving.Verify(history))
	})
}

func sensible(t *rapid.T, r, next serving.Record) {
	total := 0
	for _, track := range next.Tracks() {
		total += next.Share(track)
	}
	if next.Champion != nil {
		require.Equal(t, 100, total, "all traffic goes somewhere")
		require.Less(t, next.Weight, 100)
	} else {
		require.Zero(t, total, "nothing is routed before there is a champion")
		require.Zero(t, next.Weight)
		require.Nil(t, next.Previous)
	}
	require.False(t, serving.Is(next.Champion, next.Challenger))
	require.False(t, serving.Is(next.Champion, next.Previous))
	if next.Challenger == nil {
		require.Zero(t, next.Weight)
		require.Empty(t, next.Drill, "only a challenger is drilled")
	}
	if next.Change == serving.RolledBack {
		require.Nil(t, next.Challenger)
		for _, left := range r.Tracks() {
			if left != *next.Champion {
				require.Zero(t, next.Share(left))
				require.False(t, serving.Is(next.Previous, &left), "nobody goes back to what was left")
			}
		}
	}
}

// A renewal of a renewal is one as well; what another operation wrote is none, whatever its name begins with.
func TestARenewalKeepsEverythingButItsGeneration(t *testing.T) {
	first := serving.Record{
		Pipeline: "p", Environment: serving.Production, Generation: 4, Champion: &serving.Track{Version: 2}, Change: serving.RolledBack,
		Author: serving.Author{Writer: "w", Actor: "a", Reason: "r", Operation: "run/step"}, Hash: "h",
	}
	want := first
	want.Generation, want.PrevHash, want.Hash, want.Operation = 5, "h", "", "run/step/renewed for L"
	renewed := first.Renew("L")
	require.Equal(t, want, renewed)
	for _, r := range []serving.Record{first, renewed, renewed.Renew("M")} {
		require.True(t, r.DoneBy("run/step"), r.Operation)
		require.False(t, r.DoneBy("run/st"))
		require.False(t, r.DoneBy("run"))
	}
	require.False(t, first.DoneBy(renewed.Operation))
	require.False(t, serving.Record{}.DoneBy(""), "before the first record nothing was done")
}

func TestDecidedLooksThroughWhatWasRestored(t *testing.T) {
	require.Zero(t, serving.Decided(nil))
	rolledBack, restored := serving.Record{Generation: 2, Change: serving.RolledBack}, serving.Record{Generation: 3, Change: serving.Restored}
	require.Equal(t, rolledBack, serving.Decided([]serving.Record{{Generation: 1, Change: serving.Promoted}, rolledBack, restored, restored}))
	require.Zero(t, serving.Decided([]serving.Record{restored}))
}

// Copies go to a challenger that has a champion beside it and no share; in no other state to anybody.
func TestMirror(t *testing.T) {
	mirrored, err := before(steady).Canary(*track(3), 0, "")
	require.NoError(t, err)
	require.Equal(t, track(3), mirrored.Mirror())
	require.Equal(t, 100, mirrored.Share(*track(2)))
	require.Zero(t, mirrored.Share(*track(3)))
	first, err := before(nothing).Prepare(*track(1), "")
	require.NoError(t, err)
	promoted, err := mirrored.Promote()
	require.NoError(t, err)
	for _, r := range []serving.Record{nothing, steady, shared, first, promoted, mirrored.Abort()} {
		require.Nil(t, r.Mirror())
	}
}
