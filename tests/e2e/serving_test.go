package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/platformtest"
)

// quick is a pipeline on the shared platform with three good versions, whose deliveries take seconds.
const quick = "loan-quick"

// standing is where quick stands between two deliveries: champion and previous run, all traffic is the champion's.
type standing struct{ champion, previous int }

// spare is the version of quick that does not run.
func (s standing) spare() int { return 6 - s.champion - s.previous }

// settle brings quick to where a rollback has somewhere to go.
func (p *platform) settle(t *testing.T) standing {
	t.Helper()
	p.trainQuick(t)
	if x, err := p.Describe(quickDelivery); err == nil && !x.Closed() { // of a test that failed, and perhaps aborted it
		p.tryUpdate(t, quickDelivery, "abort", map[string]string{"actor": "test", "reason": "left over"})
		p.closed(t, quickDelivery)
	}
	now := p.serving(t, quick)
	require.NotNil(t, now.Champion)
	champion := now.Champion.Version
	if actual := p.production(t, quick); now.Previous != nil && actual.Share(champion) == 100 && actual.Ready(now.Previous.Version) {
		return standing{champion, now.Previous.Version}
	}
	var r result
	p.runJSON(t, &r, 0, "cd", "start", quick, "--version", strconv.Itoa(other(champion)), "--wait")
	require.Equal(t, "promoted", r.Verdict)
	return standing{other(champion), champion}
}

// trainQuick trains quick's versions once: the first is bootstrapped, the second goes through a canary, the third is registered.
func (p *platform) trainQuick(t *testing.T) {
	t.Helper()
	if len(p.history(t, quick)) > 0 {
		return
	}
	file := quickSpec(t, quick)
	for _, run := range []struct {
		verdict string
		args    []string
	}{
		{"bootstrapped", []string{"--pipeline", file, "--as-of", "2026-03-31"}},
		{"promoted", []string{quick}},
		{"registered", []string{quick, "--as-of", "2026-05-15", "--register-only"}},
	} {
		var r result
		p.runJSON(t, &r, 0, append([]string{"ct", "start", "--wait"}, run.args...)...)
		require.Equal(t, run.verdict, r.Verdict)
	}
}

// quickSpec has a mirror of four seconds, and steps of two at least: so many requests a second are too few for one, and tests act in them.
func quickSpec(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name+".yaml")
	require.NoError(t, platformtest.QuickSpec("../../pipelines/loan-eligibility.yaml", file, name, 1))
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), "    rate: 200 "))
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), "    rate: 200 ", "    rate: 90 ", 1)), 0o600))
	return file
}

// serving is the newest record of production.
func (p *platform) serving(t *testing.T, model string) platformtest.Record {
	t.Helper()
	record, err := p.Serving(model)
	require.NoError(t, err)
	return record
}

// production is what the deployment agent runs there.
func (p *platform) production(t *testing.T, model string) platformtest.Actual {
	t.Helper()
	actual, err := p.Actual("production", model)
	require.NoError(t, err)
	return actual
}

// requireServes checks that the version is champion, has all traffic, and that this is what the record says.
func (p *platform) requireServes(t *testing.T, model string, version int) {
	t.Helper()
	record, actual := p.serving(t, model), p.production(t, model)
	require.NotNil(t, record.Champion)
	require.Equal(t, version, record.Champion.Version)
	require.Nil(t, record.Challenger)
	require.Equal(t, record.Shares(), actual.Shares(), "traffic is what the record says")
	require.True(t, actual.Whole(), "what gets traffic is ready")
	require.Equal(t, version, p.aliasOf(t, model, "champion"))
}

// gives is a check for always: the version gets this share of production.
func (p *platform) gives(model string, version, share int) func() error {
	return func() error {
		actual, err := p.Actual("production", model)
		if err == nil && actual.Share(version) != share {
			return fmt.Errorf("version %d should have %d %%: %v", version, share, actual.Shares())
		}
		return err
	}
}

// always checks all the time until the returned function is called, which ends the test when a check failed.
func always(t *testing.T, check func() error) (stop func()) {
	t.Helper()
	halted, ended := make(chan struct{}), make(chan error, 1)
	halt := sync.OnceFunc(func() { close(halted) })
	t.Cleanup(halt) // of a test that failed before it stopped
	go func() {
		poll := time.NewTicker(10 * time.Millisecond)
		defer poll.Stop()
		for {
			if err := check(); err != nil {
				ended <- err
				return
			}
			select {
			case <-halted:
				ended <- nil
				return
			case <-poll.C:
			}
		}
	}()
	return func() {
		t.Helper()
		halt()
		require.NoError(t, <-ended)
	}
}

// workspace is the Terraform folder of a pipeline's production, where the README shows it.
func (p *platform) workspace(model string) string {
	return filepath.Join(p.State, "work", "terraform", model, "production")
}

// requireCleanPlan waits until production is as Terraform wrote it down. It leaves the state's lock free in between: whoever adopts
// a rollback needs it.
func requireCleanPlan(t *testing.T, dir string, limit time.Duration) {
	t.Helper()
	deadline := time.After(limit)
	poll := time.NewTicker(3 * time.Second)
	defer poll.Stop()
	for plan(t, dir) != 0 {
		select {
		case <-deadline:
			t.Fatalf("the plan of %s is not clean within %s", dir, limit)
		case <-poll.C:
		}
	}
}

// servingKeys are always there; a program may find more.
var servingKeys = []string{"generation", "champion", "challenger", "weight", "previous", "writer", "reason", "at", "hash"}

func keys(object map[string]json.RawMessage) []string {
	var keys []string
	for key := range object {
		keys = append(keys, key)
	}
	return keys
}

// requireRow checks one row of the record to the letter.
func requireRow(t *testing.T, row map[string]json.RawMessage) {
	t.Helper()
	require.Subset(t, keys(row), servingKeys)
	for _, key := range []string{"champion", "challenger", "previous"} {
		if string(row[key]) == "null" {
			continue
		}
		var track map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(row[key], &track), key)
		require.ElementsMatch(t, []string{"version", "policy"}, keys(track))
		require.Regexp(t, `^[1-9][0-9]*$`, string(track["version"]))
		require.Regexp(t, `^"[0-9a-f]{64}"$`, string(track["policy"]))
	}
	if string(row["challenger"]) == "null" {
		require.Equal(t, "null", string(row["weight"]), "nobody has a challenger's share")
	}
	for _, key := range []string{"writer", "reason"} {
		require.Regexp(t, `^".+"$`, string(row[key]), key)
	}
	require.Regexp(t, `^"[0-9a-f]{64}"$`, string(row["hash"]))
	var at time.Time
	require.NoError(t, json.Unmarshal(row["at"], &at))
	require.WithinDuration(t, time.Now(), at, 24*time.Hour)
}

func TestTheServingRecordIsPrintedToTheLetter(t *testing.T) {
	shared.settle(t)
	for _, environment := range []string{"production", "staging"} {
		var newest map[string]json.RawMessage
		var rows []map[string]json.RawMessage
		shared.runJSON(t, &newest, 0, "serving", "show", quick, "--environment", environment)
		shared.runJSON(t, &rows, 0, "serving", "history", quick, "--environment", environment)
		require.NotEmpty(t, rows)
		hashes := map[string]bool{}
		for i, row := range rows {
			requireRow(t, row)
			require.Equal(t, strconv.Itoa(i+1), string(row["generation"]), "oldest first, without gaps")
			hashes[string(row["hash"])] = true
		}
		require.Len(t, hashes, len(rows))
		require.JSONEq(t, text(t, newest), text(t, rows[len(rows)-1]), "show is the newest row of history")
	}

	var shown, production map[string]json.RawMessage
	shared.runJSON(t, &shown, 0, "serving", "show", quick)
	shared.runJSON(t, &production, 0, "serving", "show", quick, "--environment", "production")
	require.Equal(t, production, shown, "production is the default")
}

// text is a value as JSON.
func text(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return string(data)
}

// The rows of a delivery tell its canary step by step.
func TestTheServingHistoryTellsACanary(t *testing.T) {
	shared.trainQuick(t)
	var rows []platformtest.Record
	shared.runJSON(t, &rows, 0, "serving", "history", quick)
	var weights []int
	for _, row := range rows {
		if row.Challenger != nil && row.Challenger.Version == 2 && row.Champion != nil && row.Champion.Version == 1 && row.Weight > 0 {
			weights = append(weights, row.Weight)
		}
		if row.Champion != nil && row.Champion.Version == 2 {
			require.Nil(t, row.Challenger)
			require.Equal(t, 1, row.Previous.Version)
			break
		}
	}
	require.Equal(t, []int{20, 50}, weights)
	require.Nil(t, rows[0].Previous)
}

func TestModelsListShowsAliases(t *testing.T) {
	s := shared.settle(t)
	var versions []struct {
		Version int             `json:"version"`
		Aliases json.RawMessage `json:"aliases"`
	}
	shared.runJSON(t, &versions, 0, "models", "list", quick)
	for _, v := range versions {
		require.Equal(t, v.Version == s.champion, strings.Contains(string(v.Aliases), `"champion"`), "version %d: %s", v.Version, v.Aliases)
		require.Equal(t, v.Version == s.previous, strings.Contains(string(v.Aliases), `"previous"`), "version %d: %s", v.Version, v.Aliases)
	}
	text, code := shared.run(t, "models", "list", quick)
	require.Equal(t, 0, code)
	require.Regexp(t, regexp.MustCompile(`(?m)^loan-quick +`+strconv.Itoa(s.champion)+` .*champion`), string(text))
}

// putRoute writes to the agent as Terraform's provider does and returns the status.
func (p *platform) putRoute(t *testing.T, model string, weights map[string]int, generation int64) int {
	t.Helper()
	url, err := p.PipelineURL("production", model)
	require.NoError(t, err)
	token, err := os.ReadFile(p.environment(t, "LOANOPS_AGENT_TOKEN_FILE"))
	require.NoError(t, err)
	return put(t, url+"/route", strings.TrimSpace(string(token)), map[string]any{"weights": weights, "generation": generation})
}

// Whatever was taken away stays away from whoever did not hear of it.
func TestTheAgentRefusesAnOlderGeneration(t *testing.T) {
	s := shared.settle(t)
	route := shared.production(t, quick).Route
	require.Positive(t, route.Generation)
	turned := map[string]int{}
	for slot, weight := range route.Weights {
		turned[slot] = 100 - weight
	}
	require.Equal(t, 409, shared.putRoute(t, quick, turned, route.Generation-1))
	shared.requireServes(t, quick, s.champion)
}
