package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// receiver is told of alerts: it hangs until it is let answer, and keeps the events, each time they come.
type receiver struct {
	*httptest.Server
	answers atomic.Bool
	key     []byte
	mu      sync.Mutex
	taken   []event
	forged  int
}

type event struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Subject string `json:"subject"`
	Data    struct {
		State   string            `json:"state"`
		Reasons []string          `json:"reasons"`
		Links   map[string]string `json:"links"`
	} `json:"data"`
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{key: []byte("thirty-two bytes are long enough")}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		if !r.answers.Load() {
			<-request.Context().Done()
			return
		}
		h := hmac.New(sha256.New, r.key)
		fmt.Fprintf(h, "%s.%s.%s", request.Header.Get("webhook-id"), request.Header.Get("webhook-timestamp"), body)
		var e event
		r.mu.Lock()
		defer r.mu.Unlock()
		if json.Unmarshal(body, &e) != nil || request.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)) || e.ID != request.Header.Get("webhook-id") {
			r.forged++
		}
		r.taken = append(r.taken, e)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) events() []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.taken)
}

// A worker that is killed between an alert and the answer of who is told raises and tells it as the same one, and the same state again is no other.
func TestAnAlertSurvivesAKillAsOneEvent(t *testing.T) {
	t.Parallel()
	r, dir := newReceiver(t), t.TempDir()
	secret := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("whsec_"+base64.StdEncoding.EncodeToString(r.key)), 0o600))
	const model = "unconnected"
	spec := filepath.Join(dir, model+".yaml")
	require.NoError(t, os.WriteFile(spec, []byte("name: "+model+`
source: {postgres: {connection: nowhere, table: applications, order_by: id}}
label: {column: y, positive: "1", negative: "0"}
entity: id
columns:
  - {name: n, type: number}
`), 0o600))
	p := newPlatform(filepath.Join(dir, "state"))
	p.Env = append(p.Env, "LOANOPS_ALERT_OPS_URL="+r.URL, "LOANOPS_ALERT_OPS_SECRET_FILE="+secret)
	require.NoError(t, p.Start("--no-run"))
	t.Cleanup(func() {
		if p.Running() {
			_ = p.Stop()
		}
	})

	_, code := p.run(t, "ct", "start", "--pipeline", spec, "--wait")
	require.Equal(t, 2, code, "the run ends, although nobody answers")
	type alert struct {
		ID    string `json:"id"`
		State string `json:"state"`
		Open  bool   `json:"open"`
		Sent  []any  `json:"sent"`
	}
	list := func(flags ...string) (alerts []alert) {
		p.runJSON(t, &alerts, 0, append([]string{"alerts", "list", model}, flags...)...)
		return alerts
	}
	open := list()
	require.Len(t, open, 1)
	require.Equal(t, "failed", open[0].State)
	require.Empty(t, open[0].Sent)
	p.killWorkerDuring(t, "alert-"+open[0].ID, "SendAlert")
	r.answers.Store(true)
	eventually(t, "who is told to be told", 2*time.Minute, func() bool { return len(list()[0].Sent) == 1 })

	_, code = p.run(t, "ct", "start", model, "--wait")
	require.Equal(t, 2, code)
	require.Len(t, list("--all"), 1, "it failed as it did before")
	for _, e := range r.events() {
		require.Equal(t, open[0].ID, e.ID)
		require.Equal(t, "com.loanops.training.run", e.Type)
		require.Equal(t, model, e.Subject)
		require.Equal(t, "failed", e.Data.State)
		require.Contains(t, e.Data.Reasons[0], "nowhere")
		require.Contains(t, e.Data.Links["workflow"], "/workflows/training-"+model+"/")
	}
	require.NotEmpty(t, r.events())
	require.Zero(t, r.forged)
	p.closed(t, "alert-"+open[0].ID)

	_, code = p.run(t, "alerts", "ack", open[0].ID[:8], "--reason", "the database moves today")
	require.Equal(t, 0, code)
	require.Empty(t, list())
	require.NoError(t, p.Stop())
}
