package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

func TestMoments(t *testing.T) {
	now := time.Date(2026, 2, 1, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2026-01-31": "2026-01-31T23:59:59.999999Z", "2026-01-31T10:00": "2026-01-31T10:00:00Z", "2026-01-31T10:00:30": "2026-01-31T10:00:30Z",
		"2026-01-31T10:00:00+02:00": "2026-01-31T08:00:00Z",
	} {
		at, err := parseMoment(text, now)
		require.NoError(t, err, text)
		require.Equal(t, want, at.Format(time.RFC3339Nano), text)
	}
	for _, text := range []string{"2026-02-01", "2026-02-01T10:00"} { // today, and now
		_, err := parseMoment(text, now)
		require.NoError(t, err, text)
	}
	for _, text := range []string{"2026-02-02", "2026-02-01T10:01"} {
		_, err := parseMoment(text, now)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), text)
		require.ErrorContains(t, err, "is yet to come")
	}
	_, stderr, code := run(t, "models", "history", "loans", "--at", "yesterday")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "2026-01-31T10:00")
}

// Who was champion at a time, since when, and by whose word.
func TestModelsHistoryAt(t *testing.T) {
	_, history := recorded(t)
	at := func(generation int) string { return history[generation-1].At.Format(time.RFC3339Nano) }
	shown := object[map[string]any](t, "models", "history", "loans", "--at", at(5))
	require.Equal(t, "loans", shown["model"])
	then, is := shown["record"].(map[string]any)
	require.True(t, is)
	require.InDelta(t, 5, then["generation"], 0)
	require.Equal(t, trackJSON(2), then["champion"])
	require.Equal(t, trackJSON(1), then["previous"])
	require.Equal(t, trackJSON(3), then["challenger"])
	since, is := shown["champion_since"].(map[string]any)
	require.True(t, is)
	require.InDelta(t, 4, since["generation"], 0, "the canary beside it did not make it champion")
	require.Equal(t, "ada", since["actor"])
	require.Equal(t, "it passed", since["reason"])

	require.Nil(t, object[map[string]any](t, "models", "history", "loans", "--at", at(1))["champion_since"])
	stdout, stderr, code := run(t, "models", "history", "loans", "--at", at(3))
	require.Equal(t, 0, code, stderr)
	require.Regexp(t, `champion +1 +pppppppppppp +95 %\nchallenger +2 +pppppppppppp +5 %\n\nchampion since .* \(generation 2, promote\) by ada: it passed\nchain of 5 records verified`, stdout)
	_, stderr, code = run(t, "models", "history", "loans", "--at", "2020-01-01")
	require.Equal(t, exitNotFound, code)
	require.Contains(t, stderr, "nothing of model \"loans\" served on 2020-01-01 23:59:59")
}
