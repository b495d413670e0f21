package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem" // the driver registers itself
	"github.com/sirupsen/logrus"
)

// registryHeaders is how long a client may take to send the head of a request.
const registryHeaders = 10 * time.Second

// serveRegistry serves an OCI registry over a folder until ctx ends. What was pushed lies in files that appear complete or not at all, so
// that it survives a kill; what a kill leaves half-pushed is removed by the registry itself after a week.
func serveRegistry(ctx context.Context, o options) error {
	if err := os.MkdirAll(o.registryDir, 0o700); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	if err := quiet(o.level); err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", o.registryPort))
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	server := &http.Server{Handler: handlers.NewApp(ctx, registryConfig(o.registryDir)), ReadHeaderTimeout: registryHeaders}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("registry: %w", err)
	}
	return nil
}

// registryConfig is a registry that anybody on this machine may read and write.
func registryConfig(dir string) *configuration.Configuration {
	config := &configuration.Configuration{Storage: configuration.Storage{
		"filesystem": {"rootdirectory": dir},
		"delete":     {"enabled": true},
	}}
	config.HTTP.Secret = rand.Text() // of uploads under way: those of an earlier process begin again
	config.Catalog.MaxEntries = 1000
	return config
}

// quiet makes the registry's log, which is the whole process's logrus, say no more than the level allows; it has no "silent".
func quiet(level string) error {
	parsed, err := logrus.ParseLevel(level)
	if err != nil {
		return err
	}
	logrus.SetLevel(parsed)
	if parsed < logrus.WarnLevel {
		logrus.SetOutput(io.Discard) // each read of a blob that is not there yet is an error to it, and is the first half of every push
	}
	return nil
}
