package activities

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/store"
	"github.com/loanops/loanops/internal/webhook"
)

// realRegistry is one on SQLite: what is once there is its doing.
func realRegistry(t *testing.T) registry.Registry {
	reg, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "registry.db"))
	require.NoError(t, err)
	t.Cleanup(func() { reg.Close() })
	return reg
}

func ended(run string, minute int, state alert.State) RunInput {
	at := time.Date(2026, 11, 28, 12, minute, 0, 0, time.UTC)
	return RunInput{
		Run: registry.Run{
			ID: run, WorkflowID: "training-x", Pipeline: "x", Status: registry.RunCompleted, StartedAt: at, EndedAt: at, Verdict: "aborted",
		},
		Raising: &Raising{Moment: "end", At: at, Reasons: []string{"too many are slow"}, Version: 3, States: []alert.Raise{{Subject: alert.Delivery, State: state}, {Subject: alert.Approval, State: alert.OK}}},
	}
}

func TestRecordRaisesChangesAlone(t *testing.T) {
	reg := realRegistry(t)
	record := func(in RunInput) []string {
		t.Helper()
		runs := Runs{Registry: reg, Histories: anyHistory{}}
		out, err := runs.Record(t.Context(), in)
		require.NoError(t, err)
		return out.Alerts
	}
	first := record(ended("run-1", 1, alert.Aborted))
	require.Len(t, first, 1)
	require.Equal(t, first, record(ended("run-1", 1, alert.Aborted)), "a worker that was killed before its answer: the same alert")
	require.Empty(t, record(ended("run-2", 2, alert.Aborted)), "the same state of another run")
	raised, err := reg.Alert(t.Context(), first[0])
	require.NoError(t, err)
	require.Equal(t, []string{"too many are slow"}, raised.Reasons)
	require.Equal(t, 3, raised.Version)
	require.Equal(t, "aborted", raised.Verdict)
	require.Equal(t, "run-1", raised.Run)
	require.Equal(t, "training-x", raised.Workflow)
	other := ended("run-2b", 2, alert.Aborted)
	other.Raising.States[0].About, other.Raising.States[0].Reasons = []string{"another"}, []string{"its own"}
	told := record(other)
	require.Len(t, told, 1, "the same state about another thing")
	raised, err = reg.Alert(t.Context(), told[0])
	require.NoError(t, err)
	require.Equal(t, []string{"another"}, raised.About)
	require.Equal(t, []string{"its own"}, raised.Reasons)
	require.Len(t, record(ended("run-3", 3, alert.OK)), 1)

	unfinished := ended("run-4", 4, alert.OK)
	unfinished.Raising = nil
	require.Empty(t, record(unfinished))
}

// anyHistory is one in which nothing was scheduled.
type anyHistory struct{}

func (anyHistory) GetWorkflowHistory(context.Context, string, string, bool, enumspb.HistoryEventFilterType) client.HistoryEventIterator {
	return &scheduledOnly{}
}

func TestSendTellsOnce(t *testing.T) {
	reg := realRegistry(t)
	raised, _, err := reg.RaiseAlert(t.Context(), alert.Alert{
		Pipeline: "x", Subject: alert.Delivery, State: alert.Aborted, Since: time.Unix(1_000_000, 0), Operation: "run/end",
	})
	require.NoError(t, err)
	var ids []string
	status := http.StatusServiceUnavailable
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len(body) == 0 {
			t.Error("an event is wanted")
		}
		ids = append(ids, r.Header.Get("webhook-id"))
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	alerts := Alerts{Registry: reg, Client: webhook.Client(), Endpoints: []webhook.Endpoint{pager(s.URL)}}
	found, err := alerts.Find(t.Context(), EndpointsInput{Alert: raised.ID})
	require.NoError(t, err)
	require.Equal(t, []string{"pager"}, found.Endpoints)

	in := SendInput{Alert: raised.ID, Endpoint: "pager"}
	_, err = alerts.Send(t.Context(), in)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	status = http.StatusOK
	out, err := alerts.Send(t.Context(), in)
	require.NoError(t, err)
	require.False(t, out.Before)
	out, err = alerts.Send(t.Context(), in)
	require.NoError(t, err)
	require.True(t, out.Before, "it is recorded that it was told")
	require.Equal(t, []string{raised.ID, raised.ID}, ids, "the same ID each time")

	_, err = alerts.Send(t.Context(), SendInput{Alert: raised.ID, Endpoint: "chat"})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "another worker may know it")
	_, err = alerts.Send(t.Context(), SendInput{Alert: "none", Endpoint: "pager"})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

// An alert that was told but not recorded is told again, with the same ID: receivers have to know it by that.
func TestAnUnrecordedSendingIsRepeated(t *testing.T) {
	reg := realRegistry(t)
	raised, _, err := reg.RaiseAlert(t.Context(), alert.Alert{
		Pipeline: "x", Subject: alert.Delivery, State: alert.Aborted, Since: time.Unix(1_000_000, 0), Operation: "run/end",
	})
	require.NoError(t, err)
	var ids []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ids = append(ids, r.Header.Get("webhook-id")) }))
	t.Cleanup(s.Close)
	forgetful := &unrecorded{Registry: reg}
	alerts := Alerts{Registry: forgetful, Client: webhook.Client(), Endpoints: []webhook.Endpoint{pager(s.URL)}}
	in := SendInput{Alert: raised.ID, Endpoint: "pager"}
	_, err = alerts.Send(t.Context(), in)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	_, err = alerts.Send(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, []string{raised.ID, raised.ID}, ids)
}

// pager is an endpoint that can be told.
func pager(url string) webhook.Endpoint {
	return webhook.Endpoint{Name: "pager", URL: url, Key: func() ([]byte, error) { return []byte("key"), nil }}
}

// A secret that is being changed keeps its own endpoint waiting, and no other.
func TestAnEndpointWithoutItsSecretHoldsNoOther(t *testing.T) {
	reg := realRegistry(t)
	raised, _, err := reg.RaiseAlert(t.Context(), alert.Alert{
		Pipeline: "x", Subject: alert.Delivery, State: alert.Aborted, Since: time.Unix(1_000_000, 0), Operation: "run/end",
	})
	require.NoError(t, err)
	told := 0
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told++ }))
	t.Cleanup(s.Close)
	away := fault.New(fault.Invalid, "the file is empty")
	risk := pager(s.URL)
	risk.Name, risk.Key = "risk", func() ([]byte, error) { return []byte("key"), away }
	alerts := Alerts{Registry: reg, Client: webhook.Client(), Endpoints: []webhook.Endpoint{pager(s.URL), risk}}
	found, err := alerts.Find(t.Context(), EndpointsInput{Alert: raised.ID})
	require.NoError(t, err)
	require.Equal(t, []string{"pager", "risk"}, found.Endpoints)
	_, err = alerts.Send(t.Context(), SendInput{Alert: raised.ID, Endpoint: "pager"})
	require.NoError(t, err)
	_, err = alerts.Send(t.Context(), SendInput{Alert: raised.ID, Endpoint: "risk"})
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "it is tried again")
	require.ErrorContains(t, err, "the file is empty")
	require.Equal(t, 1, told)
	away = nil
	_, err = alerts.Send(t.Context(), SendInput{Alert: raised.ID, Endpoint: "risk"})
	require.NoError(t, err)
	require.Equal(t, 2, told)
}

// unrecorded is a registry that is away when the first sending is to be recorded.
type unrecorded struct {
	registry.Registry
	tried bool
}

func (u *unrecorded) PutAlertSending(ctx context.Context, id, endpoint string) error {
	if !u.tried {
		u.tried = true
		return fault.New(fault.Unavailable, "away")
	}
	return u.Registry.PutAlertSending(ctx, id, endpoint)
}
