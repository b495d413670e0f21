// Package listen is where a server of HTTP answers, and how it ends.
package listen

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/problem"
)

// grace is how long requests under way may take once the port is closed.
const grace = 8 * time.Second

// ready is where a balancer asks whether a server wants requests.
const ready = "/readyz"

// Address is where a server listens.
type Address struct {
	hostPort, file string
	drain          time.Duration
}

// Flags lets a command's caller say where.
func (a *Address) Flags(c *cobra.Command) {
	c.Flags().StringVar(&a.hostPort, "address", "127.0.0.1:8080", "host:port to listen on; 0 takes a free port")
	c.Flags().StringVar(&a.file, "address-file", "", "`file` to write the base URL to once it listens")
	c.Flags().DurationVar(&a.drain, "drain", 0, "how long to go on answering once told to end, while\n"+ready+" says 503, so that a balancer asks others")
}

// Serve answers until ctx ends, and then for as long as it drains; requests that are under way after that may finish.
func (a *Address) Serve(ctx context.Context, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.hostPort)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "--address")
	}
	return a.serve(ctx, listener, handler)
}

func (a *Address) serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: unreadyFrom(ctx, handler), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if a.file != "" {
		if err := file.Write(a.file, []byte("http://"+listener.Addr().String()+"\n"), 0o600); err != nil {
			return err
		}
	}
	drained := make(chan struct{})
	context.AfterFunc(ctx, func() { time.AfterFunc(a.drain, func() { close(drained) }) })
	select {
	case err := <-failed:
		return err
	case <-drained:
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(last); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// unreadyFrom is the handler, which is not ready from the end of ctx on.
func unreadyFrom(ctx context.Context, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() == nil || r.URL.Path != ready {
			handler.ServeHTTP(w, r)
			return
		}
		p := problem.New(http.StatusServiceUnavailable, "this server is about to end")
		w.Header().Set("Content-Type", problem.MediaType)
		w.WriteHeader(p.Status)
		_ = json.NewEncoder(w).Encode(p) // whoever asked may be gone
	})
}
