package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/schedule"
	"github.com/loanops/loanops/internal/schedule/scheduletest"
	"github.com/loanops/loanops/pipelines"
	"github.com/loanops/loanops/workflows"
)

// Without a file `up` shows what comes with LoanOps.
func TestUpTakesTheGivenSpecOrTheShippedOne(t *testing.T) {
	t.Parallel()
	spec, yaml, err := (&up{app: &app{}}).spec()
	require.NoError(t, err)
	require.Equal(t, "loan-eligibility", spec.Name)
	shipped, err := pipelines.FS.ReadFile("loan-eligibility.yaml")
	require.NoError(t, err)
	require.Equal(t, shipped, yaml)

	file := filepath.Join(t.TempDir(), "cards.yaml")
	const cards = "name: cards\nsource: {uri: %s} # ours\nlabel: {column: y, positive: b, negative: g}\ncolumns: [{name: a, type: number}]\n"
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, cards, "rows.csv"), 0o600))
	spec, yaml, err = (&up{app: &app{}, file: file}).spec()
	require.NoError(t, err)
	require.Equal(t, filepath.Join(filepath.Dir(file), "rows.csv"), spec.Source.URI, "a relative path is relative to the spec's file")
	require.Equal(t, fmt.Sprintf(cards, strconv.Quote(spec.Source.URI)), string(yaml), "the rest of the text stays")

	_, _, err = (&up{app: &app{}, file: file + ".none"}).spec()
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

// A spec of one's own under a shipped name is the one that counts, and stays the newest when `up` comes again.
func TestUpRegistersWhatComesWithItAndTheGivenSpec(t *testing.T) {
	p := newFakePlatform(t)
	r := p.registry(t)
	shipped := shipped(t)
	own := []byte(strings.Replace(string(shipped.YAML), "cutoff: 0.25", "cutoff: 0.3", 1))
	spec, err := pipeline.Parse("own.yaml", own)
	require.NoError(t, err)
	u := &up{app: &app{}}

	temporal := scheduletest.New()
	to := schedule.Schedules{Client: temporal}

	cards := []byte(strings.Replace(string(shipped.YAML), "name: loan-eligibility", "name: cards", 1))
	given, err := pipeline.Parse("cards.yaml", cards)
	require.NoError(t, err)
	_, err = u.register(t.Context(), registrar{registry: r, schedules: to}, given, registry.NewPipelineSpec(given, cards))
	require.NoError(t, err)
	made := []string{"create retrain-card-limit", "create monitor-card-limit", "create retrain-loan-eligibility", "create monitor-loan-eligibility", "create retrain-cards", "create monitor-cards"}
	require.Equal(t, made, temporal.Calls, "schedules are on by default")
	specs, err := r.Pipelines(t.Context())
	require.NoError(t, err)
	require.Len(t, specs, 3)
	require.Equal(t, "card-limit", specs[0].Name)
	require.Equal(t, "cards", specs[1].Name)
	require.Equal(t, shipped.Digest, specs[2].Digest)

	for range 2 {
		put := &puts{Registry: r}
		_, err := u.register(t.Context(), registrar{registry: put, schedules: to}, spec, registry.NewPipelineSpec(spec, own))
		require.NoError(t, err)
		require.NotContains(t, put.yaml, string(shipped.YAML), "not even for a moment, nor as a row of its history")
		spec, err := r.Pipeline(t.Context(), "loan-eligibility")
		require.NoError(t, err)
		require.Equal(t, own, spec.YAML)
	}
	require.Equal(t, made, temporal.Calls, "another cutoff changes no schedule")
}

// puts remembers the specs that were put.
type puts struct {
	registry.Registry
	yaml []string
}

func (p *puts) PutPipeline(ctx context.Context, spec registry.PipelineSpec) error {
	p.yaml = append(p.yaml, string(spec.YAML))
	return p.Registry.PutPipeline(ctx, spec)
}

func TestUpRefusesAForeignTemporal(t *testing.T) {
	p := newFakePlatform(t)
	t.Setenv("TEMPORAL_ADDRESS", "temporal.example.org:7233")
	_, stderr, code := p.run(t, "up", "--once")
	require.Equal(t, exitUsage, code, stderr)
	require.Contains(t, stderr, "TEMPORAL_ADDRESS is set")
}

// A terminal that has gone must not turn a success into a fault; a pipe that is closed in the middle of JSON must.
func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	closed, writer := io.Pipe()
	require.NoError(t, closed.Close())
	done := workflows.Result{Verdict: workflows.Promoted, Model: workflows.ModelRef{Name: "cards", Version: 2}}
	a := &app{out: writer, err: writer, output: "text"}
	a.say("nobody reads this")
	a.table([][]string{{"A", "B"}})
	require.NoError(t, a.result(done))
	a.output = "json"
	require.ErrorIs(t, a.result(done), io.ErrClosedPipe)
}

// Progress and results have a stream each, so that a program can read one JSON value.
func TestProgressGoesToTheOtherStream(t *testing.T) {
	t.Parallel()
	var out, progress bytes.Buffer
	a := &app{out: &out, err: &progress, output: "json"}
	a.say("%d rows", 3)
	require.NoError(t, a.print(map[string]int{"rows": 3}, func() { t.Error("text was asked for") }))
	require.Equal(t, "3 rows\n", progress.String())
	require.Equal(t, "{\n  \"rows\": 3\n}\n", out.String())
}

func TestResultsOfEveryVerdict(t *testing.T) {
	t.Parallel()
	for verdict, code := range map[workflows.Verdict]int{
		workflows.Promoted: 0, workflows.Bootstrapped: 0, workflows.Registered: 0, workflows.Nothing: 0,
		workflows.Refused: 3, workflows.Rejected: 3, workflows.Aborted: 4,
	} {
		var out bytes.Buffer
		err := (&app{out: &out}).result(workflows.Result{Verdict: verdict, Model: workflows.ModelRef{Name: "cards", Version: 2}, Reasons: []string{"one", "two"}})
		require.Equal(t, string(verdict)+": cards version 2\n  one\n  two\n", out.String(), "the result is printed whatever it is")
		if code == 0 {
			require.NoError(t, err)
			continue
		}
		require.Equal(t, verdictError{verdict}, err)
		require.Equal(t, code, verdictError{verdict}.code())
	}
}

func TestSortedKeys(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"a", "b", "c"}, sortedKeys(map[string]int{"c": 1, "a": 2, "b": 3}))
	require.Empty(t, sortedKeys(map[string]int{}))
}

// The state folder is found by flag, else by LOANOPS_STATE, else here.
func TestTheStateFolder(t *testing.T) {
	p := newFakePlatform(t)
	t.Setenv("LOANOPS_STATE", p.dir)
	_, stderr, code := run(t, "models", "list")
	require.Equal(t, 0, code, stderr)
	empty := t.TempDir()
	_, stderr, code = run(t, "models", "list", "--state", empty)
	require.Equal(t, exitNotFound, code)
	require.Contains(t, stderr, "loanops up --state "+empty)
}

func TestUnknownCommandsAndArguments(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args string
		says string
	}{
		{"ct", ""}, // help
		{"ct stop", "unknown command \"stop\"; see `loanops ct --help`"},
		{"pipelines remove x", "unknown command \"remove\"; see `loanops pipelines --help`"},
		{"models show a b c", "3 arguments; `loanops models show MODEL [VERSION|ALIAS] [flags]` is wanted"},
		{"runs show", "0 arguments; `loanops runs show RUN"},
		{"pipelines validate", "0 arguments; `loanops pipelines validate FILE"},
		{"ct start a b", "2 arguments; `loanops ct start [PIPELINE]"},
		{"up x", "1 arguments; `loanops up"},
		{"rollback --reason x", "0 arguments; `loanops rollback MODEL"},
		{"decide a b", "2 arguments; `loanops decide [FILE]"},
		{"models list --output yaml", `--output is "yaml"; text or json is wanted`},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, strings.Fields(test.args)...)
			if test.says == "" {
				require.Equal(t, 0, code)
				require.Contains(t, stdout, "Available Commands")
				return
			}
			require.Equal(t, exitUsage, code, stderr)
			require.Contains(t, stderr, test.says)
		})
	}
}

// A command that was interrupted says only that, whatever it was doing.
func TestInterrupted(t *testing.T) {
	p := newFakePlatform(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"runs", "show", "x"}, {"pipelines", "list"}, {"decide", "--example"}} {
		var out, errOut bytes.Buffer
		require.Equal(t, exitInterrupted, Run(ctx, append(args, "--state", p.dir), nil, &out, &errOut))
		require.Equal(t, "interrupted\n", errOut.String())
	}
}
