package predictor

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// resident is how much of memory is in the machine's own.
func resident(t *testing.T, memory []byte) int {
	t.Helper()
	in := make([]byte, len(memory)/os.Getpagesize())
	_, _, errno := syscall.Syscall(syscall.SYS_MINCORE, uintptr(unsafe.Pointer(&memory[0])), uintptr(len(memory)), uintptr(unsafe.Pointer(&in[0])))
	require.Zero(t, errno)
	pages := 0
	for _, page := range in {
		pages += int(page & 1)
	}
	return pages * os.Getpagesize()
}

// Every request keeps its memory, and has it resident: single or batch, a client's, the platform's own or a copy, good or refused. Asking how the predictor is keeps
// none. It decides as without the drill.
func TestLeakKeepsMemoryOfEachRequest(t *testing.T) {
	p := drilled(t, "leak=16MiB")
	server := listen(t, p.Handler())
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/openapi.json"} {
		get(t, server, path)
	}
	for i, ask := range []struct {
		path, body, marked string
		status             int
	}{
		{single, risky, "", 200},
		{batched, bodies[batched], "", 200},
		{single, `{}`, "", 422},
		{single, risky, contract.MirroredHeader, 200},
		{single, risky, contract.SyntheticHeader, 200},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+ask.path, strings.NewReader(ask.body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		if ask.marked != "" {
			request.Header.Set(ask.marked, "true")
		}
		answer, err := server.Client().Do(request)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, ask.status, answer.StatusCode, i)
		require.Len(t, p.drill.kept, i+1)
		require.Equal(t, 16<<20, resident(t, p.drill.kept[i]), i)
	}
	require.Contains(t, get(t, server, "/readyz"), `"drill":"leak=16MiB"`)
	require.Len(t, p.drill.kept, 5, "nobody asked for a decision")
}
