package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
)

const declined = `{"decision_id": "d-1", "verdict": "decline", "probability": 0.6251, "model": {"name": "cards", "version": 3, "digest": "abc"},
	"reasons": [{"field": "income", "text": "income too low", "contribution": 0.7}, {"field": "debt", "text": "too much debt", "contribution": 0.2}]}`

// gateway answers every request with the status and body and passes on what it was asked.
func gateway(t *testing.T, status int, body string) (url string, asked <-chan *http.Request) {
	t.Helper()
	requests := make(chan *http.Request, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(sent))
		requests <- r
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL, requests
}

func TestDecideAsksTheGateway(t *testing.T) {
	p := newFakePlatform(t)
	url, asked := gateway(t, 200, declined)
	t.Setenv("LOANOPS_GATEWAY", url)
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "keys.json"), []byte(`{"north-bank": "k-north", "harbour": "k-harbour"}`), 0o600))
	file := filepath.Join(p.dir, "application.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"income": 3}`), 0o600))

	stdout, stderr, code := p.run(t, "decide", file, "--institution", "north-bank", "--pipeline", "cards")
	require.Equal(t, 0, code, stderr)
	require.Equal(t, "application {\"income\": 3}\ndecline at a probability of 0.6251, by cards version 3 (decision d-1)\n  income too low\n  too much debt\n", stdout)
	r := <-asked
	require.Equal(t, "/v1/pipelines/cards/decisions", r.URL.Path)
	require.Equal(t, "Bearer k-north", r.Header.Get("Authorization"))
	require.Equal(t, "application/json", r.Header.Get("Content-Type"))
	sent, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, `{"income": 3}`, string(sent), "the file as it is")

	stdout, _, code = p.run(t, "decide", file, "--output", "json")
	require.Equal(t, 0, code)
	var d answer
	require.NoError(t, json.Unmarshal([]byte(stdout), &d))
	require.Equal(t, "decline", d.Verdict)
	require.Len(t, d.Reasons, 2)
	require.Equal(t, "Bearer k-harbour", (<-asked).Header.Get("Authorization"), "without a name, the first")

	var out, errOut bytes.Buffer
	require.Equal(t, 0, Run(t.Context(), []string{"decide", "-", "--state", p.dir}, strings.NewReader(`{"income": 4}`), &out, &errOut), errOut.String())
	require.Contains(t, out.String(), `application {"income": 4}`)

	_, stderr, code = p.run(t, "decide", file, "--institution", "south-bank")
	require.Equal(t, exitNotFound, code)
	require.Contains(t, stderr, "[harbour north-bank]")
}

// A wrong application is the caller's fault, a gateway that is away is not.
func TestDecideTellsWhoseFaultItIs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		body   string
		code   fault.Code
	}{
		{"wrong field", 422, `{"detail": "one field is wrong"}`, fault.Invalid},
		{"wrong key", 401, `{"detail": "send your key"}`, fault.Invalid},
		{"nobody serves", 503, `{"detail": "no model serves"}`, fault.Unavailable},
		{"predictor away", 502, `{"detail": "try again"}`, fault.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url, _ := gateway(t, test.status, test.body)
			_, err := decide(t.Context(), url, "cards", "k", nil)
			require.Equal(t, test.code, fault.CodeOf(err))
			require.ErrorContains(t, err, test.body, "what the gateway says is shown")
			require.ErrorContains(t, err, http.StatusText(test.status))
		})
	}
	_, err := decide(t.Context(), "http://127.0.0.1:1", "cards", "k", nil)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	url, _ := gateway(t, 200, "<html>")
	_, err = decide(t.Context(), url, "cards", "k", nil)
	require.Error(t, err)
}

func TestAKeyOfOnesOwnGoesFirst(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.json"), []byte(`{"north-bank": "k-north"}`), 0o600))
	a := &app{state: dir}
	t.Setenv("LOANOPS_API_KEY", "mine")
	for institution, want := range map[string]string{"": "mine", "north-bank": "k-north"} {
		key, err := a.key(institution)
		require.NoError(t, err)
		require.Equal(t, want, key, "an institution that is named is meant")
	}
	for _, damaged := range []string{"{", "{}", "[]"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.json"), []byte(damaged), 0o600))
		_, err := a.key("north-bank")
		require.Equal(t, fault.Invalid, fault.CodeOf(err), damaged)
	}
}

func TestSimulateWritesBothFormats(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "a.parquet")
	stdout, stderr, code := run(t, "simulate", "--rows", "200", "--out", file)
	require.Equal(t, 0, code, stderr)
	require.Regexp(t, `a\.parquet: 200 rows, \d+ columns, with what was known on 2026-06-30: train with --as-of 2026-06-30\n$`, stdout)
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(data, []byte("PAR1")))

	// What was not known on the day is not in the file.
	early := filepath.Join(dir, "early.csv")
	stdout, _, code = run(t, "simulate", "--rows", "200", "--as-of", "2025-01-01", "--out", early, "--output", "json")
	require.Equal(t, 0, code)
	var written struct {
		File          string
		Rows, Columns int
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &written))
	require.Equal(t, early, written.File)
	require.Less(t, written.Rows, 200)
	require.Positive(t, written.Rows)

	seeds := map[string]bool{}
	for _, seed := range []string{"1", "2"} {
		out := filepath.Join(dir, seed+".csv")
		_, stderr, code := run(t, "simulate", "--rows", "50", "--seed", seed, "--out", out)
		require.Equal(t, 0, code, stderr)
		data, err := os.ReadFile(out)
		require.NoError(t, err)
		seeds[string(data)] = true
	}
	require.Len(t, seeds, 2, "another seed gives other rows")
}

func TestSimulateRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"--rows", "-1"}, "--rows from 1 to 10000000"},
		{[]string{"--rows", "10000001"}, "--rows from 1 to 10000000"},
		{[]string{"--from", "2026-01-01", "--to", "2026-01-01"}, "--from before --to"},
		{[]string{"--to", "2026-02-30"}, `--to is "2026-02-30"; a day such as 2026-06-30 is wanted`},
		{[]string{"--as-of", "yesterday"}, `--as-of is "yesterday"`},
		{[]string{"--seed", "-1"}, "--seed"},
		{[]string{"--rows", "1", "--out", filepath.Join(t.TempDir(), "none", "a.csv")}, "--out"},
		{[]string{"--rows", "1", "--out", "a"}, `--out is "a"; a .csv or .parquet file is wanted`},
		{[]string{"a.csv"}, "1 arguments; `loanops simulate [flags]` is wanted"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, append([]string{"simulate"}, test.args...)...)
			require.Equal(t, exitUsage, code, stderr)
			require.Empty(t, stdout)
			require.Contains(t, stderr, test.says)
		})
	}
}

// A drill's labels say nothing: they are the same labels on other rows, and what is not known stays unknown.
func TestShuffledLabelsAreTheSameLabels(t *testing.T) {
	t.Parallel()
	cfg := pipeline.Simulate{Rows: 2000, Seed: 7}
	for _, day := range []struct {
		text string
		into *pipeline.Date
	}{{"2024-01-01", &cfg.From}, {"2026-06-30", &cfg.To}} {
		require.NoError(t, json.Unmarshal([]byte(`"`+day.text+`"`), day.into))
	}
	plain, shuffled := simulate.Flat(cfg, cfg.To.Time), simulate.Flat(cfg, cfg.To.Time)
	shuffleLabels(shuffled, 7)
	before, after := plain.Column(simulate.Label), shuffled.Column(simulate.Label)
	require.Equal(t, before.Valid, after.Valid)
	require.ElementsMatch(t, before.Texts, after.Texts)
	require.NotEqual(t, before.Texts, after.Texts)
	for i := range plain.Columns {
		if plain.Columns[i].Kind == before.Kind && plain.Columns[i].Name != simulate.Label {
			require.Equal(t, plain.Columns[i].Texts, shuffled.Columns[i].Texts, "no other column moves")
		}
	}
	again := simulate.Flat(cfg, cfg.To.Time)
	shuffleLabels(again, 7)
	require.Equal(t, after.Texts, again.Column(simulate.Label).Texts, "the same seed deals them out alike")
}
