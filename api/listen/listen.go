// Package listen is where a server of HTTP answers, and how it ends.
package listen

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
)

// drain is how long requests under way may take once a server is told to end.
const drain = 8 * time.Second

// Address is where a server listens.
type Address struct {
	hostPort, file string
}

// Flags lets a command's caller say where.
func (a *Address) Flags(c *cobra.Command) {
	c.Flags().StringVar(&a.hostPort, "address", "127.0.0.1:8080", "host:port to listen on; 0 takes a free port")
	c.Flags().StringVar(&a.file, "address-file", "", "`file` to write the base URL to once it listens")
}

// Serve answers until ctx ends, then lets requests under way finish.
func (a *Address) Serve(ctx context.Context, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.hostPort)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "--address")
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	if a.file != "" {
		if err := file.Write(a.file, []byte("http://"+listener.Addr().String()+"\n"), 0o600); err != nil {
			return err
		}
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := server.Shutdown(last); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}
