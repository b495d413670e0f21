package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/alert"
)

// alerted is a registry with an alert that is resolved and two that are open; it returns the ID of the newest.
func alerted(t *testing.T) string {
	p := newFakePlatform(t)
	t.Setenv("LOANOPS_STATE", p.dir)
	reg := p.registry(t)
	id := ""
	for i, a := range []alert.Alert{
		{Pipeline: "loans", Subject: alert.Training, State: alert.Failed, Reasons: []string{"the source is away"}},
		{Pipeline: "loans", Subject: alert.Training, State: alert.OK},
		{Pipeline: "cards", Subject: alert.Approval, State: alert.Waiting},
		{Pipeline: "loans", Subject: alert.Delivery, State: alert.Aborted, Version: 3, Reasons: []string{"too many are slow"}},
	} {
		a.Since, a.Operation = time.Date(2026, 11, 28, 12, i, 0, 0, time.UTC), "run/end"+string(rune('0'+i))
		raised, changed, err := reg.RaiseAlert(t.Context(), a)
		require.NoError(t, err)
		require.True(t, changed)
		id = raised.ID
	}
	require.NoError(t, reg.PutAlertSending(t.Context(), id, "pager"))
	return id
}

func states(alerts []alert.Alert) (states []alert.State) {
	for _, a := range alerts {
		states = append(states, a.State)
	}
	return states
}

func TestAlertsListShowsWhatIsOpen(t *testing.T) {
	alerted(t)
	require.Equal(t, []alert.State{alert.Aborted, alert.Waiting}, states(object[[]alert.Alert](t, "alerts", "list")))
	require.Equal(t, []alert.State{alert.Aborted}, states(object[[]alert.Alert](t, "alerts", "list", "loans")))
	require.Equal(t, []alert.State{alert.Aborted, alert.OK, alert.Failed}, states(object[[]alert.Alert](t, "alerts", "list", "loans", "--all")))
	_, stderr, code := run(t, "alerts", "list", "none")
	require.Equal(t, exitNotFound, code)
	require.Contains(t, stderr, `there is no pipeline "none"`)

	stdout, _, code := run(t, "alerts", "list")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, "too many are slow")
	require.Contains(t, stdout, "pager")
	require.NotContains(t, stdout, "the source is away")
}

func TestAlertsAck(t *testing.T) {
	id := alerted(t)
	acked := object[alert.Alert](t, "alerts", "ack", id[:8], "--reason", "looking", "--actor", "ada")
	require.Equal(t, "ada", acked.Ack.Actor)
	require.False(t, acked.Open)
	require.Equal(t, []alert.State{alert.Waiting}, states(object[[]alert.Alert](t, "alerts", "list")))
	stdout, _, code := run(t, "alerts", "list", "--all")
	require.Equal(t, 0, code)
	require.Contains(t, stdout, "ada: looking")

	for _, test := range []struct {
		args []string
		code int
	}{
		{[]string{"alerts", "ack", id}, 2}, {[]string{"alerts", "ack", id, "--reason", " "}, 2}, {[]string{"alerts", "ack", "zz", "--reason", "x"}, 5},
	} {
		_, _, code := run(t, test.args...)
		require.Equal(t, test.code, code, test.args)
	}
}
