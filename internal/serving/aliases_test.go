package serving_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/serving"
)

func TestAliases(t *testing.T) {
	require.Empty(t, nothing.Aliases())
	require.NotNil(t, nothing.Aliases())
	require.Equal(t, map[string]int{"challenger": 1}, prepared.Aliases())
	require.Equal(t, map[string]int{"champion": 2, "challenger": 3, "previous": 1}, shared.Aliases())
}

// A life of a model, and the moves that a person would write down for it.
func TestAliasMoves(t *testing.T) {
	r := serving.Record{Pipeline: "loans", Environment: serving.Production}
	var history []serving.Record
	take := func(next serving.Record, err error) {
		require.NoError(t, err)
		author := serving.Author{Writer: "w", Actor: "ada", Reason: string(next.Change), Operation: "op"}
		r = next.By(author).Seal(time.Unix(next.Generation, 0).UTC())
		history = append(history, r)
	}
	take(r.Prepare(*track(1), ""))
	take(r.Promote())
	take(r.Canary(*track(2), 5, ""))
	take(r.Canary(*track(2), 20, "")) // moves nothing
	take(r.Promote())
	take(r.Restore(), nil) // moves nothing
	take(r.RollBack(*track(1)))
	take(r.Canary(serving.Track{Version: 1, Policy: "lenient"}, 5, ""))
	take(r.Promote()) // the champion's policy changes, the version that the alias names does not

	type move struct {
		generation    int64
		alias         string
		from, version int
	}
	var got []move
	for i, m := range serving.AliasMoves(history) {
		require.Equal(t, i+1, m.Seq)
		written := history[m.Generation-1]
		require.Equal(t, serving.AliasMove{
			Name: "loans", Seq: i + 1, Generation: m.Generation, Alias: m.Alias, From: m.From, Version: m.Version,
			Actor: "ada", Reason: string(written.Change), At: written.At, Hash: written.Hash,
		}, m)
		got = append(got, move{m.Generation, m.Alias, m.From, m.Version})
	}
	require.Equal(t, []move{
		{1, "challenger", 0, 1},
		{2, "champion", 0, 1}, {2, "challenger", 1, 0},
		{3, "challenger", 0, 2},
		{5, "champion", 1, 2}, {5, "previous", 0, 1}, {5, "challenger", 2, 0},
		{7, "champion", 2, 1}, {7, "previous", 1, 0},
		{8, "challenger", 0, 1},
		{9, "previous", 0, 1}, {9, "challenger", 1, 0},
	}, got)
	require.Equal(t, []serving.AliasMove{}, serving.AliasMoves(nil), "a list, in JSON as well")
}
