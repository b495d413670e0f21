package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/healthy"
)

// askTemporal bounds how long Temporal may take to say that it is there: less than who asks the worker waits.
const askTemporal = 2 * time.Second

// health says at GET /healthz whether this worker takes work: it does from when it polls on, while Temporal answers.
type health struct{ polled atomic.Pointer[client.Client] }

// serveHealth answers at the address until ctx ends, from the start on; without an address nobody is told.
func serveHealth(ctx context.Context, address string) (*health, error) {
	h := &health{}
	if address == "" {
		return h, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "LOANOPS_HEALTH_ADDRESS")
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: askTemporal}
	go func() { _ = server.Serve(listener) }() // it ends when it is closed
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return h, nil
}

// polls says that the worker takes work from a Temporal.
func (h *health) polls(temporal client.Client) { h.polled.Store(&temporal) }

// ServeHTTP answers whoever asks for /healthz.
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.URL.Path != "/healthz" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	status := h.status(r.Context())
	if status != "ok" {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintf(w, "{\"status\":%q}\n", status)
}

func (h *health) status(ctx context.Context) string {
	temporal := h.polled.Load()
	if temporal == nil {
		return "it does not poll yet"
	}
	ctx, cancel := context.WithTimeout(ctx, askTemporal)
	defer cancel()
	if _, err := (*temporal).CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return "Temporal does not answer"
	}
	return "ok"
}

// askHealth is the program's job in a health check: it asks the worker that has the same environment.
func askHealth(ctx context.Context, args []string) int {
	address := os.Getenv("LOANOPS_HEALTH_ADDRESS")
	if len(args) > 0 || address == "" {
		fmt.Fprintln(os.Stderr, "loanops-worker: `loanops-worker healthy` asks the worker at LOANOPS_HEALTH_ADDRESS, which both must have")
		return exitInvalid
	}
	if err := healthy.Check(ctx, "http://"+address+"/healthz"); err != nil {
		fmt.Fprintf(os.Stderr, "loanops-worker: %v\n", err)
		return exitCode(err)
	}
	return 0
}
