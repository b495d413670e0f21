package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A feed is written in place of the applications, in both formats, with what was known on the day.
func TestSimulateWritesAFeed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, header := range map[string]string{
		"bureau":   "applicant_id,reported_at,received_at,bureau_score,open_accounts,delinquent_accounts,balance,credit_limit,agency\n",
		"payments": "payment_id,applicant_id,due_at,recorded_at,amount,late,days_late,channel\n",
	} {
		file := filepath.Join(dir, name+".csv")
		stdout, stderr, code := run(t, "simulate", "--rows", "300", "--feed", name, "--as-of", "2025-06-30", "--out", file)
		require.Equal(t, 0, code, stderr)
		require.Regexp(t, name+`\.csv: \d+ rows, \d columns, with what was known on 2025-06-30\n$`, stdout)
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(data), header), string(data[:200]))
		require.Contains(t, string(data), ",2025-06-2")
		require.NotContains(t, string(data), ",2025-07-")

		_, stderr, code = run(t, "simulate", "--rows", "300", "--feed", name, "--out", filepath.Join(dir, name+".parquet"))
		require.Equal(t, 0, code, stderr)
		data, err = os.ReadFile(filepath.Join(dir, name+".parquet"))
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(data), "PAR1"))
	}
}

func TestSimulateWritesCards(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cards.csv")
	_, stderr, code := run(t, "simulate", "--product", "card", "--rows", "200", "--out", file)
	require.Equal(t, 0, code, stderr)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(data), ",requested_limit,")
	require.Contains(t, string(data), "\nC00000200,2026-06-")
}

// A stream has the parts of the feeds that are named, beside those that it has without them.
func TestSimulateStreamsFeeds(t *testing.T) {
	t.Parallel()
	plain, fed := t.TempDir(), t.TempDir()
	args := func(folder string, more ...string) []string {
		return append([]string{"simulate", "--from", "2026-01-01", "--to", "2026-01-20", "--rows-per-day", "20", "--output", "json", "--stream", folder}, more...)
	}
	_, stderr, code := run(t, args(plain)...)
	require.Equal(t, 0, code, stderr)
	stdout, stderr, code := run(t, args(fed, "--feed", "bureau", "--feed", "payments")...)
	require.Equal(t, 0, code, stderr)
	type count struct{ Parts, Rows int }
	var written struct{ Applications, Bureau, Payments count }
	require.NoError(t, json.Unmarshal([]byte(stdout), &written))
	require.Equal(t, count{20, 400}, written.Applications)
	for name, of := range map[string]count{"bureau": written.Bureau, "payments": written.Payments} {
		require.Equal(t, 20, of.Parts, name)
		require.Greater(t, of.Rows, 100, name)
		entries, err := os.ReadDir(filepath.Join(fed, name))
		require.NoError(t, err)
		require.Len(t, entries, 20)
		first, err := os.ReadFile(filepath.Join(fed, name, "2026-01-01.csv"))
		require.NoError(t, err)
		require.Contains(t, string(first), ",2025-", "what was there before")
	}
	require.NoDirExists(t, filepath.Join(plain, "bureau"))
	for _, part := range []string{"applications/2026-01-20.csv", "applications/2026-01-01.csv"} {
		without, err := os.ReadFile(filepath.Join(plain, part))
		require.NoError(t, err)
		with, err := os.ReadFile(filepath.Join(fed, part))
		require.NoError(t, err)
		require.Equal(t, string(without), string(with), part)
	}

	stdout, stderr, code = run(t, "simulate", "--from", "2026-01-01", "--to", "2026-01-05", "--rows-per-day", "5", "--stream", t.TempDir(), "--product", "card", "--feed", "bureau")
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, "25 applications in 5 parts, 0 outcomes")
	require.Regexp(t, `\nbureau: \d+ rows in \d parts\n$`, stdout)
}

func TestSimulateRefusesFeeds(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, test := range []struct{ args, says string }{
		{"--product mortgage", `--product is "mortgage"; loan or card is wanted`},
		{"--feed weather", `feed "weather" is not known; known are bureau, payments`},
		{"--feed bureau --feed payments", "--feed is given 2 times; each feed once is wanted, and a single one for a table"},
		{"--feed bureau --feed bureau --stream " + folder, "--feed is given 2 times"},
		{"--feed weather --stream " + folder, `--feed is "weather"; bureau or payments is wanted`},
		{"--feed bureau --shuffle-labels", "--shuffle-labels does not go with --feed"},
		{"--feed bureau --rows 2000001", "at most 2000000 are wanted"},
		{"--product card --drill income-shock --drill-from 2024-02-01 --stream " + folder, "drill income-shock of the product card"},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, append([]string{"simulate"}, strings.Fields(test.args)...)...)
			require.Equal(t, exitUsage, code, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, test.says)
		})
	}
}
