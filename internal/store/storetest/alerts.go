package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// raised is that a run found the subject in a state, so many minutes after noon.
func raised(subject alert.Subject, state alert.State, minute int, operation string) alert.Alert {
	return alert.Alert{
		Pipeline: "loans", Subject: subject, State: state, Since: noon.Add(time.Duration(minute) * time.Minute), Run: "run", Workflow: "delivery-loans",
		Verdict: "aborted", Version: 2, Reasons: []string{"slow"}, Operation: operation,
	}
}

func alerts(t *testing.T, db Database) {
	r := db.Open(t)
	raise := func(a alert.Alert, want bool) alert.Alert {
		t.Helper()
		written, changed, err := r.RaiseAlert(ctx(t), a)
		require.NoError(t, err)
		require.Equal(t, want, changed, "%+v", a)
		return written
	}
	list := func() []alert.Alert {
		t.Helper()
		all, err := db.Open(t).Alerts(ctx(t), "loans")
		require.NoError(t, err)
		return all
	}
	require.Equal(t, []alert.Alert{}, list())
	raise(raised(alert.Delivery, alert.OK, 0, "a"), false)
	require.Empty(t, list(), "that all is well, where all was well, is no change")

	first := raise(raised(alert.Delivery, alert.Aborted, 1, "b"), true)
	require.Equal(t, alert.OK, first.Before)
	raise(raised(alert.Delivery, alert.Aborted, 2, "c"), false)
	require.Equal(t, first, raise(raised(alert.Delivery, alert.Aborted, 3, "b"), true), "the same operation did not hear that it was written")
	raise(raised(alert.Approval, alert.Waiting, 3, "b"), true)
	raise(raised(alert.Delivery, alert.OK, 0, "d"), false) // found before it was aborted
	other := raised(alert.Delivery, alert.Aborted, 2, "b")
	other.Pipeline = "cards"
	require.NotEqual(t, first.ID, raise(other, true).ID)
	second := raise(raised(alert.Delivery, alert.Failed, 4, "e"), true)
	require.Equal(t, alert.Aborted, second.Before)
	require.NotEqual(t, first.ID, second.ID)

	got := list()
	require.Len(t, got, 3)
	require.Equal(t, []alert.Subject{alert.Delivery, alert.Approval, alert.Delivery}, []alert.Subject{got[0].Subject, got[1].Subject, got[2].Subject}, "newest first")
	require.Equal(t, []bool{true, true, false}, []bool{got[0].Open, got[1].Open, got[2].Open}, "another state came after the first")
	require.Equal(t, []alert.Sending{}, got[0].Sent)
	require.Equal(t, []string{"slow"}, got[0].Reasons)

	resolved := raise(raised(alert.Delivery, alert.OK, 5, "f"), true)
	require.Equal(t, alert.Failed, resolved.Before)
	require.False(t, list()[0].Open, "what is resolved is not open")
	raise(raised(alert.Delivery, alert.Failed, 6, "g"), true) // again, after it was resolved

	all, err := r.Alerts(ctx(t), "")
	require.NoError(t, err)
	require.Len(t, all, 6, "those of every pipeline")

	_, _, err = r.RaiseAlert(ctx(t), alert.Alert{Pipeline: "loans"})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// What comes and goes while a monitor's state lasts is told once, and again once the state has changed.
func alertsOfWhatComesAndGoes(t *testing.T, db Database) {
	r := db.Open(t)
	for i, look := range []struct {
		state alert.State
		about string
		want  bool
	}{
		{"retrain", "age", true}, {"retrain", "income", true}, {"retrain", "age", false}, {"retrain", "income", false}, {"retrain", "debt", true}, {"retrain", "age", false},
		{"review", "age", true}, {"review", "income", true}, {"retrain", "age", true}, {"retrain", "income", true}, {alert.OK, "", true}, {"retrain", "age", true},
	} {
		a := raised(alert.Monitor, look.state, i, string(rune('a'+i)))
		a.About = []string{look.about}
		_, changed, err := r.RaiseAlert(ctx(t), a)
		require.NoError(t, err)
		require.Equal(t, look.want, changed, "look %d", i)
	}
}

func alertsSentAndAcknowledged(t *testing.T, db Database) {
	r := db.Open(t)
	a, _, err := r.RaiseAlert(ctx(t), raised(alert.Delivery, alert.Aborted, 1, "a"))
	require.NoError(t, err)
	for _, endpoint := range []string{"pager", "chat", "pager"} {
		require.NoError(t, r.PutAlertSending(ctx(t), a.ID, endpoint))
	}
	got, err := r.Alert(ctx(t), a.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"chat", "pager"}, []string{got.Sent[0].Endpoint, got.Sent[1].Endpoint})
	require.Len(t, got.Sent, 2)
	require.False(t, got.Sent[0].At.IsZero())
	require.Nil(t, got.Ack)

	acked, err := r.AckAlert(ctx(t), a.ID[:6], alert.Ack{Actor: "ada", Reason: "looking"})
	require.NoError(t, err)
	require.Equal(t, "ada", acked.Ack.Actor)
	require.False(t, acked.Open)
	again, err := r.AckAlert(ctx(t), a.ID, alert.Ack{Actor: "bob", Reason: "too"})
	require.NoError(t, err)
	require.Equal(t, acked, again, "the first one stays")

	// One alone is as it is among all, whatever became of its subject since.
	newer, _, err := r.RaiseAlert(ctx(t), raised(alert.Delivery, alert.Failed, 2, "b"))
	require.NoError(t, err)
	_, _, err = r.RaiseAlert(ctx(t), raised(alert.Approval, alert.Waiting, 3, "c"))
	require.NoError(t, err)
	require.NoError(t, r.PutAlertSending(ctx(t), newer.ID, "pager"))
	all, err := r.Alerts(ctx(t), "loans")
	require.NoError(t, err)
	require.Len(t, all, 3)
	for _, one := range all {
		alone, err := r.Alert(ctx(t), one.ID)
		require.NoError(t, err)
		require.Equal(t, one, alone)
		alone, err = r.Alert(ctx(t), one.ID[:8])
		require.NoError(t, err)
		require.Equal(t, one, alone)
	}
	require.Equal(t, []bool{true, true, false}, []bool{all[0].Open, all[1].Open, all[2].Open})
	_, err = r.Alert(ctx(t), a.ID[:8]+"%")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))

	_, err = r.AckAlert(ctx(t), "none", alert.Ack{Actor: "ada", Reason: "?"})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	_, err = r.Alert(ctx(t), "")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.Equal(t, fault.Invalid, fault.CodeOf(r.PutAlertSending(ctx(t), "", "pager")))
}

// Of many runs that find the same at the same time one makes an alert of it.
func concurrentAlerts(t *testing.T, db Database) {
	const writers = 8
	opened := make([]registry.Registry, writers)
	for i := range writers {
		opened[i] = db.Open(t)
	}
	changes := make([]bool, writers)
	faults := make([]error, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			_, changes[i], faults[i] = opened[i].RaiseAlert(ctx(t), raised(alert.Delivery, alert.Aborted, 1, string(rune('a'+i))))
		})
	}
	all.Wait()
	won := 0
	for i := range writers {
		require.NoError(t, faults[i])
		if changes[i] {
			won++
		}
	}
	require.Equal(t, 1, won)
}
