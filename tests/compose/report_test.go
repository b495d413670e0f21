package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/platformtest"
)

func request(began, ended int, err error) platformtest.Request {
	return platformtest.Request{Began: time.Unix(int64(began), 0), Ended: time.Unix(int64(ended), 0), Err: err}
}

// Only what was under way while the service was away is excused.
func TestAnOutageExcusesWhatItTouched(t *testing.T) {
	t.Parallel()
	failed := errors.New("502")
	requests := []platformtest.Request{
		request(1, 2, nil), request(1, 2, failed), // before
		request(2, 3, failed), request(4, 4, failed), request(6, 9, failed), // reaching into it, in it, begun in it
		request(5, 5, nil), request(7, 7, failed), // after
	}
	all, wrong, unexpected, first := count(requests, platformtest.Outage{From: time.Unix(3, 0), To: time.Unix(6, 0)})
	require.Equal(t, []int{7, 5, 2}, []int{all, wrong, unexpected})
	require.Equal(t, failed, first)
	_, _, unexpected, _ = count(requests, platformtest.Outage{})
	require.Equal(t, 5, unexpected, "no outage excuses nothing")
}

func TestAKillIsWrongForOneReason(t *testing.T) {
	t.Parallel()
	good := kill{Service: "gateway", Verdict: "aborted", Failed: 9}
	good.judge(nil)
	require.Empty(t, good.Wrong)
	require.False(t, (&report{Kills: []kill{good}}).wrong())
	for name, spoil := range map[string]func(*kill) error{
		"the canary was failed":  func(k *kill) error { k.Verdict = "failed"; return nil },
		"the canary was aborted": func(k *kill) error { k.Service = "s3"; return nil },
		"1 requests failed":      func(k *kill) error { k.Unexpected = 1; return nil },
		"not well again":         func(*kill) error { return errors.New("s3 is not well again\nand more") },
	} {
		bad := good
		bad.judge(spoil(&bad))
		require.Contains(t, bad.Wrong, name)
		require.NotContains(t, bad.Wrong, "\n")
		r := report{Steps: []step{{Name: "up", Said: "well"}}, Kills: []kill{good, bad}}
		require.True(t, r.wrong())
		var out bytes.Buffer
		r.print(&out)
		require.Contains(t, out.String(), "WRONG: "+bad.Wrong)
	}
	require.True(t, (&report{Steps: []step{{Wrong: "down"}}}).wrong())
	require.True(t, (&report{Upgrades: []upgrade{{What: "gateway"}, {Wrong: "503"}}}).wrong())
	require.False(t, (&report{Upgrades: []upgrade{{What: "gateway"}}}).wrong())
}

func TestPartsAreChosenByName(t *testing.T) {
	t.Parallel()
	all, err := choose("")
	require.NoError(t, err)
	require.Equal(t, names(parts), names(all))
	some, err := choose("again,push")
	require.NoError(t, err)
	require.Equal(t, []string{"again", "push"}, names(some))
	_, err = choose("again,cook")
	require.ErrorContains(t, err, "cook")
}

// After an upgrade each service has as many containers as before, all of the newest commit, and none runs an image of before.
func TestWhatAnUpgradeLeavesBehind(t *testing.T) {
	t.Parallel()
	j := &journey{project: &project{commit: "new"}}
	before := []runs{{"gateway", "a1", "old"}, {"worker", "w1", "old"}, {"worker", "w1", "old"}}
	now := []runs{{"gateway", "a2", "new"}, {"worker", "w2", "new"}, {"worker", "w2", "new"}}
	require.NoError(t, j.replaced(before, now))
	require.ErrorContains(t, j.replaced(before, append(now[:2:2], runs{"worker", "w2", "old"})), "worker runs w2 of commit old")
	require.ErrorContains(t, j.replaced(before, append(now[:2:2], runs{"worker", "w1", "new"})), "worker runs w1 of commit new")
	require.ErrorContains(t, j.replaced(before, now[:2]), "of worker there were 2 and are 1")
	require.ErrorContains(t, j.replaced(before, append(now[:3:3], runs{"gateway", "a2", "new"})), "of gateway there were 1 and are 2")
}

// What is not there at all is not well either.
func TestWhatIsNotWell(t *testing.T) {
	t.Parallel()
	services := []string{"gateway", "temporal-schema", "temporal-ui", "worker"}
	said := "gateway running healthy 0\ntemporal-schema exited  0\ntemporal-ui running  0\nworker running healthy 0\n"
	require.Empty(t, unwell(services, said))
	require.Equal(t, []string{"gateway is not there", "temporal-schema is not there", "temporal-ui is not there", "worker is not there"}, unwell(services, ""))
	for was, is := range map[string]string{
		"gateway running healthy 0": "gateway running starting 0", "temporal-schema exited  0": "temporal-schema exited  1",
		"worker running healthy 0": "worker exited  0", "temporal-ui running  0": "temporal-ui restarting  1",
	} {
		require.Equal(t, []string{is}, unwell(services, strings.Replace(said, was, is, 1)), is)
	}
}

func TestTheRateOfAnUpgrade(t *testing.T) {
	t.Parallel()
	require.InDelta(t, 75., rateOf([]upgrade{{Requests: 300, Seconds: 2}, {Requests: 0, Seconds: 2}}), 1e-9) // 300 in 4 s
	require.Less(t, rateOf([]upgrade{{Seconds: 1}}), float64(leastRate))
}

// What says something else, or is not there, is lost; what is there besides is not.
func TestWhatIsLost(t *testing.T) {
	t.Parallel()
	before := inventory{told: map[string]string{"models": "1, 2", "runs": "a"}, files: []string{"/kept/ada.key", "/kept/data"}}
	after := inventory{told: map[string]string{"models": "1, 2", "runs": "a", "pipelines": "new"}, files: []string{"/kept/data", "/kept/more", "/kept/ada.key"}}
	require.Empty(t, before.lacks(after))
	after.told["models"], after.files = "1", after.files[:2]
	require.Equal(t, []string{"file /kept/ada.key is not there", "models says something else"}, before.lacks(after))
	require.Len(t, before.lacks(inventory{}), 4)
}

// The commands that part restore runs are the runbook's.
func TestTheRunbookHasABackup(t *testing.T) {
	t.Parallel()
	back, forth, err := (&journey{project: &project{clone: root}}).runbook()
	require.NoError(t, err)
	for _, volume := range []string{"postgresql", "s3", "s3-metadata", "registry", "agent", "operators"} {
		require.Regexp(t, `\b`+volume+`\b`, back)
		require.Regexp(t, `\b`+volume+`\b`, forth)
	}
}
