package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/fault"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAA"

// The published example of Standard Webhooks (its libraries' tests), computed again with Python's hmac.
func TestTheSignatureOfThePublishedExample(t *testing.T) {
	t.Parallel()
	key, err := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
	require.NoError(t, err)
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`)))
}

func TestSecretsAreRandomKeys(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "whsec_", "password", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64", "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23)),
		"whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65)),
	} {
		_, err := ParseSecret(text)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), text)
		if len(text) > len(secretPrefix) {
			require.NotContains(t, err.Error(), strings.TrimPrefix(text, secretPrefix), "a secret is repeated nowhere")
		}
	}
}

// verified is what a receiver does with nothing but the standard library.
func verified(r *http.Request, body []byte) bool {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
	for _, signature := range strings.Fields(r.Header.Get("webhook-signature")) {
		got, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(signature, "v1,"))
		if err == nil && hmac.Equal(got, h.Sum(nil)) {
			return true
		}
	}
	return false
}

func anAlert(t *testing.T) alert.Alert {
	a, err := alert.New(alert.Alert{
		Pipeline: "loans", Subject: alert.Monitor, State: "retrain", Before: alert.OK, Since: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), Run: "run-1",
		Workflow: "monitor-loans", Verdict: "retrain", Version: 3, Reasons: []string{"income drifted: PSI 0.31 is above 0.25"}, Operation: "run-1/end",
		About: []string{"data_drift income"},
	})
	require.NoError(t, err)
	return a
}

// receiver answers with the statuses, one after the other and the last one on.
func receiver(t *testing.T, statuses ...int) (url string, taken *[]json.RawMessage) {
	taken = &[]json.RawMessage{}
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !verified(r, body) {
			t.Error("the signature is not that of the body")
		}
		if got := r.Header.Get("Content-Type"); got != "application/cloudevents+json; charset=UTF-8" {
			t.Error(got)
		}
		status := statuses[min(int(asked.Add(1)), len(statuses))-1]
		if status < 300 {
			*taken = append(*taken, body)
		}
		w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	return s.URL, taken
}

// holding is a key that stays as it is.
func holding(key []byte) func() ([]byte, error) {
	return func() ([]byte, error) { return key, nil }
}

func send(t *testing.T, client *http.Client, url string) error {
	key, err := ParseSecret(secret)
	require.NoError(t, err)
	body, err := Event(anAlert(t), Site{})
	require.NoError(t, err)
	return Send(t.Context(), client, Endpoint{Name: "pager", URL: url, Key: holding(key)}, anAlert(t).ID, body)
}

func TestAReceiverGetsASignedCloudEvent(t *testing.T) {
	t.Parallel()
	url, taken := receiver(t, http.StatusNoContent)
	require.NoError(t, send(t, Client(), url))
	require.Len(t, *taken, 1)
	require.JSONEq(t, `{
		"specversion": "1.0", "id": "`+anAlert(t).ID+`", "source": "/loanops", "type": "com.loanops.monitor.verdict", "subject": "loans",
		"time": "2026-11-28T12:00:00Z", "datacontenttype": "application/json", "data": {
			"pipeline": "loans", "subject": "monitor", "state": "retrain", "about": ["data_drift income"], "before": "ok", "resolved": false, "run": "run-1", "workflow": "monitor-loans",
			"verdict": "retrain", "reasons": ["income drifted: PSI 0.31 is above 0.25"], "model_version": 3, "links": {}
		}}`, string((*taken)[0]))
}

func TestWhatAnotherTryMayMend(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]fault.Code{
		500: fault.Unavailable, 502: fault.Unavailable, 503: fault.Unavailable, 408: fault.Unavailable, 429: fault.Unavailable,
		400: fault.Refused, 401: fault.Refused, 404: fault.Refused, 410: fault.Refused, 301: fault.Refused, 302: fault.Refused, 307: fault.Refused, 308: fault.Refused,
	} {
		url, taken := receiver(t, status)
		err := send(t, Client(), url)
		require.Equal(t, code, fault.CodeOf(err), status)
		require.NotContains(t, err.Error(), url)
		require.Empty(t, *taken)
	}
}

func TestAReceiverThatFailsTwiceTakesItThen(t *testing.T) {
	t.Parallel()
	url, taken := receiver(t, 503, 500, 200)
	require.Equal(t, fault.Unavailable, fault.CodeOf(send(t, Client(), url)))
	require.Equal(t, fault.Unavailable, fault.CodeOf(send(t, Client(), url)))
	require.NoError(t, send(t, Client(), url))
	require.Len(t, *taken, 1)
}

// A redirect would take the event, and its signature, to where nobody said that it may go.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	s := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	t.Cleanup(s.Close)
	require.Equal(t, fault.Refused, fault.CodeOf(send(t, Client(), s.URL)))
	require.Zero(t, elsewhere.Load())
}

func TestAReceiverThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see that the caller has gone
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	client := Client()
	require.Equal(t, sendTimeout, client.Timeout)
	client.Timeout /= 100
	err := send(t, client, s.URL)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.NotContains(t, err.Error(), s.URL)
}

// A receiver that never stops answering costs no memory and no time: its body is not read.
func TestTheAnswersBodyIsNotRead(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	require.NoError(t, send(t, Client(), s.URL))
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	err := send(t, Client(), s.URL+"/T0KEN")
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.NotContains(t, err.Error(), "T0KEN", "a URL may be as good as a key")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Send(cancelled, Client(), Endpoint{Name: "pager", URL: s.URL, Key: holding(nil)}, "id", nil), context.Canceled)
}

func TestEventsAreTheSameBytesAndLinkToTheRun(t *testing.T) {
	t.Parallel()
	site := Site{WebUI: "http://127.0.0.1:8233", Namespace: "default"}
	first, err := Event(anAlert(t), site)
	require.NoError(t, err)
	again, err := Event(anAlert(t), site)
	require.NoError(t, err)
	require.Equal(t, string(first), string(again))
	require.Contains(t, string(first), `"workflow":"http://127.0.0.1:8233/namespaces/default/workflows/monitor-loans/run-1"`)
	_, err = Event(alert.Alert{}, site)
	require.Equal(t, fault.Internal, fault.CodeOf(err))
}
