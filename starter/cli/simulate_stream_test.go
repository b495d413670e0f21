package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/simulate"
)

// A stream is written as daily parts, alike each time, in both formats, and with later days it has further parts.
func TestSimulateWritesAStream(t *testing.T) {
	t.Parallel()
	write := func(folder string, args ...string) (written struct {
		Drill        string
		DrillFrom    string `json:"drill_from"`
		Applications struct{ Parts, Rows int }
		Outcomes     struct{ Parts, Rows int }
	},
	) {
		stdout, stderr, code := run(t, append([]string{
			"simulate", "--stream", folder, "--from", "2026-01-01", "--rows-per-day", "5", "--drill", "new-column", "--drill-from", "2026-01-05", "--output", "json",
		}, args...)...)
		require.Equal(t, 0, code, stderr)
		require.NoError(t, json.Unmarshal([]byte(stdout), &written))
		return written
	}
	read := func(folder string) map[string]string {
		files := map[string]string{}
		for _, feed := range []string{"applications", "outcomes"} {
			entries, err := os.ReadDir(filepath.Join(folder, feed))
			require.NoError(t, err)
			for _, entry := range entries {
				data, err := os.ReadFile(filepath.Join(folder, feed, entry.Name()))
				require.NoError(t, err)
				files[feed+"/"+entry.Name()] = string(data)
			}
		}
		return files
	}
	folder, again := filepath.Join(t.TempDir(), "new", "stream"), t.TempDir()
	written := write(folder, "--to", "2026-01-10", "--as-of", "2026-07-10")
	require.Equal(t, "new-column", written.Drill)
	require.Equal(t, "2026-01-05", written.DrillFrom)
	require.Equal(t, []int{10, 50}, []int{written.Applications.Parts, written.Applications.Rows})
	files := read(folder)
	require.Len(t, files, written.Applications.Parts+written.Outcomes.Parts)
	require.Greater(t, written.Outcomes.Rows, 20)
	require.NotContains(t, files["applications/2026-01-04.csv"], "account_age_months")
	require.Contains(t, files["applications/2026-01-05.csv"], ",account_age_months\n")
	require.True(t, strings.HasPrefix(files["outcomes/2026-06-30.csv"], "application_id,known_at,defaulted\nA0000000"), files["outcomes/2026-06-30.csv"])

	write(again, "--to", "2026-01-10", "--as-of", "2026-07-10")
	require.Equal(t, files, read(again))
	write(again, "--to", "2026-01-12", "--as-of", "2026-07-12")
	for name, text := range files {
		if name < "outcomes/2026-02-10.csv" {
			require.Equal(t, text, read(again)[name], name)
		}
	}

	other := t.TempDir()
	write(other, "--to", "2026-01-10", "--as-of", "2026-07-10", "--format", "parquet")
	require.True(t, strings.HasPrefix(read(other)["applications/2026-01-01.parquet"], "PAR1"))

	// Parts of another stream would be read with these.
	_, stderr, code := run(t, "simulate", "--stream", again, "--from", "2026-01-01", "--to", "2026-01-02")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "applications: the stream is written, beside 10 files that are no part of it")
}

func TestSimulateRefusesStreams(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, test := range []struct{ args, says string }{
		{"--drill income-shock", "--drill needs --stream"},
		{"--rows-per-day 9", "--rows-per-day needs --stream"},
		{"--stream " + folder + " --rows 9", "--rows does not go with --stream"},
		{"--stream " + folder + " --shuffle-labels", "--shuffle-labels does not go with --stream"},
		{"--stream " + folder + " --out a.csv", "--out does not go with --stream"},
		{"--stream " + folder + " --format json", `--format is "json"; csv or parquet is wanted`},
		{"--stream " + folder + " --drill meteor", `drill "meteor" is not known; known are none, income-shock`},
		{"--stream " + folder + " --drill income-shock", "drill income-shock needs a day of the stream on which it begins"},
		{"--stream " + folder + " --drill-from 2025-01-01", "needs a drill"},
		{"--stream " + folder + " --drill slow-leak --drill-from soon", `--drill-from is "soon"`},
		{"--stream " + folder + " --rows-per-day 0", "a stream of 0 rows a day"},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			_, stderr, code := run(t, append([]string{"simulate"}, strings.Fields(test.args)...)...)
			require.Equal(t, exitUsage, code, stderr)
			require.Contains(t, stderr, test.says)
		})
	}
}

func TestHelpListsTheDrills(t *testing.T) {
	t.Parallel()
	stdout, _, code := run(t, "simulate", "--help")
	require.Equal(t, 0, code)
	for _, d := range simulate.Drills {
		require.Contains(t, stdout, "  "+d.Name+" ")
		require.Contains(t, stdout, " "+d.Does+"\n")
	}
}
