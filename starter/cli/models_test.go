package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestModelsListShowsAliases(t *testing.T) {
	reg, history := recorded(t)
	keys := func(models []map[string]any, key string) (values []any) {
		for _, m := range models {
			values = append(values, m[key])
		}
		return values
	}
	loans := object[[]map[string]any](t, "models", "list", "loans")
	require.Equal(t, []any{4.0, 3.0, 2.0, 1.0}, keys(loans, "version"))
	require.Equal(t, []any{[]any{}, []any{"challenger"}, []any{"champion"}, []any{"previous"}}, keys(loans, "aliases"))
	for _, key := range []string{
		"name", "version", "digest", "predictor", "bundle", "algorithm", "hyperparameters", "metrics", "lineage", "artifacts", "run_id", "created_at",
	} {
		require.Contains(t, loans[0], key)
	}
	require.Len(t, loans[0], 14, "the keys of a version, and the aliases")

	all := object[[]map[string]any](t, "models", "list")
	require.Equal(t, []any{"cards", "loans", "loans", "loans", "loans"}, keys(all, "name"))
	require.Equal(t, []any{[]any{}, []any{}, []any{"challenger"}, []any{"champion"}, []any{"previous"}}, keys(all, "aliases"))

	// One version can have several aliases: that of before under another policy.
	again := *history[4].Previous
	again.Policy = "another"
	next, err := history[4].Canary(again, 5, "")
	require.NoError(t, err)
	author := history[4].Author
	author.Operation = "again"
	_, err = reg.TakeGeneration(t.Context(), next.By(author))
	require.NoError(t, err)
	loans = object[[]map[string]any](t, "models", "list", "loans")
	require.Equal(t, []any{[]any{}, []any{}, []any{"champion"}, []any{"challenger", "previous"}}, keys(loans, "aliases"), "in order")

	stdout, stderr, code := run(t, "models", "list", "loans")
	require.Equal(t, 0, code, stderr)
	lines := strings.Split(stdout, "\n")
	require.Equal(t, []string{"MODEL", "VERSION", "ALIASES", "AUC", "TRAINED", "DIGEST"}, strings.Fields(lines[0]))
	require.Contains(t, lines[4], "loans  1        challenger, previous  0.0000")
}

func TestModelsShowByAlias(t *testing.T) {
	recorded(t)
	for args, want := range map[string]float64{"loans": 2, "loans champion": 2, "loans challenger": 3, "loans previous": 1, "loans 4": 4} {
		shown := object[map[string]any](t, append([]string{"models", "show"}, strings.Fields(args)...)...)
		require.InDelta(t, want, shown["version"], 0, args)
	}
	_, stderr, code := run(t, "models", "show", "cards", "champion")
	require.Equal(t, 5, code)
	require.Contains(t, stderr, `model "cards" has no "champion"`)
}

func TestModelsHistory(t *testing.T) {
	_, history := recorded(t)
	moves := object[[]map[string]any](t, "models", "history", "loans")
	type move struct {
		generation, seq float64
		alias           string
		from, version   float64
	}
	want := []move{
		{1, 1, "challenger", 0, 1}, {2, 2, "champion", 0, 1}, {2, 3, "challenger", 1, 0}, {3, 4, "challenger", 0, 2},
		{4, 5, "champion", 1, 2}, {4, 6, "previous", 0, 1}, {4, 7, "challenger", 2, 0}, {5, 8, "challenger", 0, 3},
	}
	require.Len(t, moves, len(want))
	for i, w := range want {
		r := history[int(w.generation)-1]
		require.Equal(t, map[string]any{
			"name": "loans", "seq": w.seq, "generation": w.generation, "alias": w.alias, "from": w.from, "version": w.version,
			"actor": "ada", "reason": "it passed", "at": r.At.Format("2006-01-02T15:04:05.999999Z07:00"), "hash": r.Hash,
		}, moves[i])
	}
	stdout, stderr, code := run(t, "models", "history", "loans")
	require.Equal(t, 0, code, stderr)
	lines := strings.Split(stdout, "\n")
	require.Equal(t, []string{"SEQ", "GENERATION", "AT", "ALIAS", "FROM", "TO", "ACTOR", "REASON"}, strings.Fields(lines[0]))
	require.Equal(t, "chain of 5 records verified, newest hash "+history[4].Hash, lines[9])
	_, stderr, code = run(t, "models", "history", "cards")
	require.Equal(t, 5, code)
	require.Contains(t, stderr, `no alias of model "cards" was ever moved`)
}
