package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
)

// A list of nothing is of a pipeline that there is; a name that nobody has is a mistake.
func TestListsOfNothing(t *testing.T) {
	p := newFakePlatform(t)
	t.Setenv("LOANOPS_STATE", p.dir)
	for _, list := range [][]string{{"monitor", "list", "none"}, {"alerts", "list", "none"}} {
		_, stderr, code := run(t, list...)
		require.Equal(t, exitNotFound, code)
		require.Contains(t, stderr, `there is no pipeline "none"`)
	}
	require.NoError(t, p.registry(t).PutPipeline(t.Context(), registry.PipelineSpec{Name: "none", Digest: "spec", YAML: []byte("x"), Policy: registry.Policy{Digest: "policy", Document: []byte(`{}`)}}))
	require.Equal(t, []registry.Look{}, object[[]registry.Look](t, "monitor", "list", "none"))
	require.Equal(t, []alert.Alert{}, object[[]alert.Alert](t, "alerts", "list", "none"))
}

// A day that is none starts nothing: the registry, which this platform does not have, is not even asked.
func TestADayIsCheckedBeforeAnythingStarts(t *testing.T) {
	for _, command := range [][]string{
		{"ct", "start", "loans"}, {"monitor", "start", "loans"}, {"monitor", "cadence", "loans"}, {"models", "evaluate", "loans", "--data", "x.csv"},
	} {
		for _, day := range []string{"2099-13-01", "2026-02-30", "yesterday", "2026-6-1"} {
			_, stderr, code := run(t, append(command, "--as-of", day, "--state", t.TempDir())...)
			require.Equal(t, exitUsage, code, stderr)
			require.Contains(t, stderr, "a day such as 2026-06-30 is wanted")
		}
	}
}

// A day that is yet to come starts nothing, but for those that a simulated source has, as for the workflows: rows that are given in its place have none.
func TestADayToComeStartsNothing(t *testing.T) {
	s3test.Start(t)
	p := newFakePlatform(t)
	r := p.registry(t)
	after := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	specs, rows := t.TempDir(), filepath.Join(t.TempDir(), "rows.csv")
	require.NoError(t, os.WriteFile(rows, []byte("a,y\n1,b\n"), 0o600))
	for name, source := range map[string]string{"cards": "uri: rows.csv", "played": "simulate: {rows: 9, seed: 1, from: 2024-01-01, to: " + after(30) + "}"} {
		yaml := []byte(strings.Replace(strings.Replace(cardsSpec, "uri: rows.csv", source, 1), "name: cards", "name: "+name, 1))
		spec, err := pipeline.Parse(name+".yaml", yaml)
		require.NoError(t, err)
		require.NoError(t, r.PutPipeline(t.Context(), registry.NewPipelineSpec(spec, yaml)))
		require.NoError(t, os.WriteFile(filepath.Join(specs, name+".yaml"), yaml, 0o600))
		version(t, r, name, name[:1], 0.7)
	}
	require.NoError(t, os.WriteFile(filepath.Join(specs, "rows.csv"), []byte("a,y\n1,b\n"), 0o600))
	file := func(name string) []string {
		return []string{"ct", "start", "--pipeline", filepath.Join(specs, name+".yaml")}
	}
	named := func(command ...string) func(string) []string {
		return func(name string) []string { return append(slices.Clone(command), name) }
	}
	for of, command := range map[string]func(string) []string{
		"training": named("ct", "start"), "training of a file": file, "look": named("monitor", "start"), "cadence": named("monitor", "cadence"),
		"evaluation": named("models", "evaluate", "--version", "1"),
	} {
		for _, test := range []struct {
			name  string
			days  int
			given bool
			until int // the last day that is taken, where that is not
		}{
			{"cards", 0, false, 0}, {"cards", 1, false, 0}, {"cards", 30_000, false, 0}, {"cards", 1, true, 0},
			{"played", 0, false, 30}, {"played", 30, false, 30}, {"played", 31, false, 30}, {"played", 0, true, 0}, {"played", 1, true, 0},
		} {
			if of == "evaluation" && !test.given {
				continue // there is none
			}
			args := append(command(test.name), "--as-of", after(test.days))
			if test.given {
				args = append(args, "--data", rows)
			}
			_, stderr, code := p.run(t, args...)
			if test.days <= test.until {
				require.Equal(t, exitFault, code, "%v: %s", args, stderr)
				require.Contains(t, stderr, "reaching Temporal", "%v", args)
				continue
			}
			require.Equal(t, exitUsage, code, "%v: %s", args, stderr)
			require.Contains(t, stderr, "--as-of is "+after(test.days)+", which is yet to come", "%v", args)
			require.Contains(t, stderr, "a day until "+after(test.until)+" (UTC) is wanted", "%v", args)
			require.NotContains(t, stderr, "storing", "%v", args)
		}
	}
}
