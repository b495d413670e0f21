package containers

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// engineOf is a runtime of an engine that answers as told; anything else is not found.
func engineOf(t *testing.T, answers map[string]any) *Runtime {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/") // without the version
		answer, known := answers[r.Method+" "+path]
		if !known {
			w.WriteHeader(http.StatusNotFound)
			answer = map[string]string{"message": "there is no " + path}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	engine, err := client.New(client.WithHost("tcp://"+server.Listener.Addr().String()), client.WithAPIVersion("1.41"))
	require.NoError(t, err)
	return &Runtime{engine: engine, network: "predictors", log: slog.New(slog.DiscardHandler)}
}

// A container that ends while it is looked for is no orphan.
func TestWhatEndsMeanwhileIsNoOrphan(t *testing.T) {
	t.Parallel()
	labels := map[string]string{networkLabel: "predictors", environmentLabel: "production", pipelineLabel: "p", slotLabel: "blue", generationLabel: "3"}
	r := engineOf(t, map[string]any{"GET containers/json": []container.Summary{{ID: "gone", State: container.StateRunning, Labels: labels}}})
	orphans, err := r.Orphans(t.Context())
	require.NoError(t, err)
	require.Empty(t, orphans)
}
