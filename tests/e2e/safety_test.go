package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver of the metadata database

	"github.com/loanops/loanops/tests/platformtest"
)

const (
	quickDelivery = "delivery-" + quick
	complaints    = "complaints from the branches"
)

// deliver starts a delivery of quick; the returned function waits for the command's end.
func (p *platform) deliver(t *testing.T, version int, flags ...string) func(*testing.T) platformtest.Ended {
	t.Helper()
	return p.begin(t, append([]string{"cd", "start", quick, "--version", strconv.Itoa(version), "--wait", "--output", "json"}, flags...)...)
}

// rollback rolls quick back and checks what must hold at once: traffic, the record and the aliases are those of the version.
func (p *platform) rollback(t *testing.T, version int, flags ...string) {
	t.Helper()
	var r result
	p.runJSON(t, &r, 0, append([]string{"rollback", quick, "--reason", complaints}, flags...)...)
	require.Equal(t, "rolled_back", r.Verdict)
	require.Equal(t, version, r.Model.Version)
	p.requireServes(t, quick, version)
}

// requireVerdict checks how a delivery ended: its exit code, its verdict and that a reason matches.
func requireVerdict(t *testing.T, ended platformtest.Ended, code int, verdict, reason string) {
	t.Helper()
	require.Equal(t, code, ended.Code, "%s", ended.Stdout)
	var r result
	require.NoError(t, json.Unmarshal(ended.Stdout, &r), "%s", ended.Stdout)
	require.Equal(t, verdict, r.Verdict)
	require.Regexp(t, reason, strings.Join(r.Reasons, "; "))
}

// theRollback is what a delivery says of the rollback that overtook it.
const theRollback = `(?i)roll(ed |ed_)?back|rolled .* back`

// midCanary waits until the version has a share of production but not all of it.
func (p *platform) midCanary(t *testing.T, version int) {
	t.Helper()
	eventually(t, "a canary", time.Minute, func() bool {
		share := p.production(t, quick).Share(version)
		return share > 0 && share < 100
	})
}

// Somebody approves a delivery without knowing that a rollback came in between.
func TestAnApprovalAfterARollbackBringsNothingBack(t *testing.T) {
	s := shared.settle(t)
	delivery := shared.deliver(t, s.spare(), "--require-approval")
	eventually(t, "waiting for approval", time.Minute, func() bool { return shared.progress(t, quickDelivery).WaitingForApproval })
	shared.rollback(t, s.previous)

	calm := always(t, shared.gives(quick, s.previous, 100))
	shared.update(t, quickDelivery, "approve", map[string]string{"actor": "operator", "reason": "looks good"})
	requireVerdict(t, delivery(t), 4, "aborted", theRollback)
	calm()
	shared.requireServes(t, quick, s.previous)
}

// The record is written before the agent is told: a rollback that got no further is completed by whoever repeats it.
func TestARollbackThatFailedAtTheAgentIsCompletedByItsRepetition(t *testing.T) {
	s := shared.settle(t)
	file := shared.environment(t, "LOANOPS_ROLLBACK_TOKEN_FILE")
	token, err := os.ReadFile(file)
	require.NoError(t, err)
	restore := func() { require.NoError(t, os.WriteFile(file, token, 0o600)) }
	defer restore()
	require.NoError(t, os.WriteFile(file, []byte("a-token-that-the-agent-does-not-know\n"), 0o600))
	began := time.Now()
	_, code := shared.run(t, "rollback", quick, "--reason", complaints)
	require.Equal(t, 1, code)
	require.Less(t, time.Since(began), 10*time.Second, "another try cannot mend a wrong token")
	restore()
	record := shared.serving(t, quick)
	require.Equal(t, s.previous, record.Champion.Version, "the record stands")
	require.Contains(t, record.Reason, complaints)

	shared.rollback(t, s.previous)
	done := shared.serving(t, quick)
	shared.rollback(t, s.previous)
	require.Equal(t, done, shared.serving(t, quick), "what holds is not done again")
}

// The version that was left is no place to go back to; the one before it is not guessed.
func TestARollbackForgetsTheVersionThatWasLeft(t *testing.T) {
	s := shared.settle(t)
	shared.rollback(t, s.previous)
	require.Nil(t, shared.serving(t, quick).Previous)
	require.Zero(t, shared.aliasOf(t, quick, "previous"))
	requireCleanPlan(t, shared.workspace(quick), time.Minute)
	shared.requireServes(t, quick, s.previous)
}

func TestARollbackEndsACanary(t *testing.T) {
	for _, test := range []struct {
		name  string
		flags func(champion int) []string
	}{
		{"plain", func(int) []string { return nil }},
		{"to the champion", func(champion int) []string { return []string{"--version", strconv.Itoa(champion)} }},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := shared.settle(t)
			challenger := s.spare()
			delivery := shared.deliver(t, challenger)
			shared.midCanary(t, challenger)
			during := shared.serving(t, quick)
			require.Equal(t, s.champion, during.Champion.Version)
			require.Equal(t, challenger, during.Challenger.Version)
			require.Contains(t, []int{20, 50}, during.Weight)

			shared.rollback(t, s.champion, test.flags(s.champion)...)
			calm := always(t, shared.gives(quick, s.champion, 100))
			requireVerdict(t, delivery(t), 4, "aborted", theRollback)
			requireCleanPlan(t, shared.workspace(quick), time.Minute)
			calm()
			shared.requireServes(t, quick, s.champion)
			require.NotEqual(t, challenger, shared.aliasOf(t, quick, "previous"))
		})
	}
}

// A drill is for finding out whether the canary notices. One that it does not notice must not go on to production.
func TestADrillThatTheCanaryMissesIsNotPromoted(t *testing.T) {
	s := shared.settle(t)
	requireVerdict(t, shared.deliver(t, s.spare(), "--drill", "delay=1ms")(t), 4, "aborted", "the drill was not noticed")
	shared.requireServes(t, quick, s.champion)
	for slot, track := range shared.production(t, quick).Tracks {
		require.Empty(t, track.Spec.Drill, slot)
	}
	require.Equal(t, 0, plan(t, shared.workspace(quick)))
}

// holdWorkspace takes the lock that the product's operations in a Terraform workspace take, as one of them would.
func holdWorkspace(t *testing.T, dir string) (release func()) {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(dir, ".loanops-lock"), os.O_RDWR, 0)
	require.NoError(t, err)
	eventually(t, "the workspace's lock", time.Minute, func() bool {
		return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
	})
	release = func() { file.Close() }
	t.Cleanup(release) // a second time it does nothing
	return release
}

// waiting lets one test run at a time that holds something of the shared platform.
var waiting sync.Mutex

// mostlyWaits lets a test on the shared platform run beside those that have platforms of their own.
func mostlyWaits(t *testing.T) {
	t.Helper()
	t.Parallel()
	waiting.Lock()
	t.Cleanup(waiting.Unlock)
}

// An abort is not behind whatever Terraform does: traffic first, Terraform when it can.
func TestAnAbortDoesNotWaitForTheWorkspace(t *testing.T) {
	mostlyWaits(t)
	const held = 30 * time.Second
	s := shared.settle(t)
	delivery := shared.deliver(t, s.spare())
	shared.midCanary(t, s.spare())
	release := holdWorkspace(t, shared.workspace(quick))
	hold := time.After(held)

	began := time.Now()
	shared.update(t, quickDelivery, "abort", map[string]string{"actor": "operator", "reason": complaints})
	eventually(t, "all traffic on the champion", 5*time.Second-time.Since(began), func() bool {
		return shared.production(t, quick).Share(s.champion) == 100
	})
	calm := always(t, shared.gives(quick, s.champion, 100))
	<-hold
	x, err := shared.Describe(quickDelivery)
	require.NoError(t, err)
	require.False(t, x.Closed(), "Terraform has not adopted the abort: its lock was held")
	release()
	requireVerdict(t, delivery(t), 4, "aborted", complaints)
	calm()
	shared.requireServes(t, quick, s.champion)
	require.Equal(t, 0, plan(t, shared.workspace(quick)))
}

// holdDatabase keeps every other writer out of the metadata database.
func (p *platform) holdDatabase(t *testing.T) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(p.State, "loanops.db")+"?_pragma=busy_timeout(20000)")
	require.NoError(t, err)
	held, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = held.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
	require.NoError(t, err)
	release = sync.OnceFunc(func() {
		_, err := held.ExecContext(context.Background(), "ROLLBACK")
		require.NoError(t, err)
		require.NoError(t, errors.Join(held.Close(), db.Close()))
	})
	t.Cleanup(release)
	return release
}

// Without the database nobody can say what should serve: nothing moves until it is back.
func TestAPromotionWaitsForTheDatabase(t *testing.T) {
	mostlyWaits(t)
	s := shared.settle(t)
	delivery := shared.deliver(t, s.spare())
	eventually(t, "the last canary step", time.Minute, func() bool { return shared.production(t, quick).Share(s.spare()) == 50 })
	release := shared.holdDatabase(t)
	hold := time.After(45 * time.Second)
	calm := always(t, shared.gives(quick, s.spare(), 50))

	began := time.Now()
	_, code := shared.run(t, "rollback", quick, "--reason", complaints)
	require.Equal(t, 1, code)
	require.Less(t, time.Since(began), 37*time.Second, "the command repeats for 30 s")
	<-hold
	calm()
	release()
	requireVerdict(t, delivery(t), 0, "promoted", "")
	shared.requireServes(t, quick, s.spare())
	require.Equal(t, s.champion, shared.serving(t, quick).Previous.Version)
}
