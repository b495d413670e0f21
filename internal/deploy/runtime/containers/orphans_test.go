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

	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
)

// engineOf is a runtime of an engine that answers as told; anything else is not found. Each request is heard before.
func engineOf(t *testing.T, answers map[string]any, hear ...func(*http.Request)) *Runtime {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/") // without the version
		for _, hear := range hear {
			hear(r)
		}
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

// How a container ended is not lost when the look at the next one fails: it is there until whoever asks has noted it.
func TestWhatHasEndedStaysUntilItIsNoted(t *testing.T) {
	t.Parallel()
	labels := map[string]string{networkLabel: "predictors", environmentLabel: "production", pipelineLabel: "p", slotLabel: "green", generationLabel: "3"}
	answers := map[string]any{
		"GET containers/json":        []container.Summary{{ID: "killed", Labels: labels}, {ID: "busy", Labels: labels}},
		"GET containers/killed/json": map[string]any{"State": map[string]any{"Running": false, "OOMKilled": true}, "HostConfig": map[string]any{"Memory": 128 << 20}},
		"GET containers/busy/json":   "nothing that can be read",
	}
	var removed []string
	r := engineOf(t, answers, func(r *http.Request) {
		if r.Method == http.MethodDelete {
			removed = append(removed, r.URL.Path)
		}
	})
	_, err := r.Orphans(t.Context())
	require.Error(t, err)
	require.Empty(t, removed)
	delete(answers, "GET containers/busy/json")
	orphans, err := r.Orphans(t.Context())
	require.NoError(t, err)
	require.Len(t, orphans, 1)
	require.Equal(t, &runtime.OutOfMemory{LimitMiB: 128}, orphans[0].Instance.Err())
	require.Empty(t, removed)
	orphans[0].Instance.Stop()
	require.Len(t, removed, 1)
}

// Predictors are asked at their own addresses, which are of the engine's machine.
func TestAnEngineElsewhereIsRefused(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://engine.example:2376")
	_, err := Open(t.Context(), Config{Network: "predictors", Dir: t.TempDir()})
	require.Equal(t, fault.Refused, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "unix://")
}
