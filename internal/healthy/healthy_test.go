package healthy_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/healthy"
)

func TestCheckSaysWhatAnswered(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // a server is asked itself
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"status":"no routes yet"}`, http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/good", http.StatusFound) })
	hangs := make(chan struct{})
	mux.HandleFunc("/hangs", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hangs:
		case <-r.Context().Done():
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	defer close(hangs)
	require.NoError(t, healthy.Check(t.Context(), server.URL+"/good"))
	for path, want := range map[string]string{
		"/bad": `answers 503 Service Unavailable: {"status":"no routes yet"}`, "/moved": "answers 302 Found", "/absent": "answers 404 Not Found", "/hangs": "does not answer within 3s",
	} {
		err := healthy.Check(t.Context(), server.URL+path)
		require.Equal(t, fault.Unavailable, fault.CodeOf(err), path)
		require.ErrorContains(t, err, server.URL+path+" "+want)
	}

	gone := httptest.NewServer(mux)
	gone.Close()
	err := healthy.Check(t.Context(), gone.URL)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.ErrorContains(t, err, "connection refused")
	for _, url := range []string{"", "127.0.0.1:8080", "ftp://127.0.0.1/x", "http://"} {
		require.Equal(t, fault.Invalid, fault.CodeOf(healthy.Check(t.Context(), url)), url)
	}
}
