package contract

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

func TestClientTellsWhatIsWrongWithAnAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		status int
		body   string
		code   fault.Code
		says   string
	}{
		{"problem", 409, `{"code":"conflict","detail":"change the route first"}`, fault.Conflict, "change the route first"},
		{"someone else's error", 404, `<html>`, fault.Unavailable, "the agent's address right"},
		{"no JSON", 200, `<html>`, fault.Unavailable, "answer of the agent"},
		{"endless", 200, strings.Repeat(" ", maxAnswer+1), fault.Unavailable, "longer than"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = w.Write([]byte(test.body))
			}))
			defer server.Close()
			_, err := NewAgentClient(server.URL+"/", "").Actual(t.Context(), Production, "loans")
			require.Equal(t, test.code, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
		})
	}
}

func TestClientEscapesAndAuthenticates(t *testing.T) {
	t.Parallel()
	asked := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	require.NoError(t, NewAgentClient(server.URL, "secret").DeleteTrack(t.Context(), "a/b", "c?d", Blue, 7))
	r := <-asked
	require.Equal(t, "generation=7", r.URL.RawQuery)
	require.Equal(t, "/v1/environments/a%2Fb/pipelines/c%3Fd/tracks/blue", r.URL.EscapedPath())
	require.Equal(t, "Bearer secret", r.Header.Get("Authorization"))
}

func TestClientAsksForRoutesAsAGateway(t *testing.T) {
	t.Parallel()
	asked := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		_, _ = w.Write([]byte(`{"revision":8,"pipelines":{"loans":{"weights":{"blue":100}}}}`))
	}))
	defer server.Close()
	routes, err := NewAgentClient(server.URL, "secret").Routes(t.Context(), "a/b", "host 1&after=0", 7, 25*time.Second)
	require.NoError(t, err)
	require.Equal(t, Routes{Revision: 8, Pipelines: map[string]PipelineRoute{"loans": {Weights: map[string]int{"blue": 100}}}}, routes)
	r := <-asked
	require.Equal(t, "/v1/environments/a%2Fb/routes", r.URL.EscapedPath())
	require.Equal(t, url.Values{"after": {"7"}, "wait": {"25s"}, "gateway": {"host 1&after=0"}}, r.URL.Query())
	require.Equal(t, "Bearer secret", r.Header.Get("Authorization"))
}

func TestClientWithoutAnAgent(t *testing.T) {
	t.Parallel()
	_, err := NewAgentClient("http://127.0.0.1:1", "").Actual(t.Context(), Production, "loans")
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	_, err = NewAgentClient("http://bad host", "").Actual(t.Context(), Production, "loans")
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	require.False(t, IsNotFound(err))
	require.False(t, IsNotFound(nil))
}
