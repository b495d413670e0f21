package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
	"github.com/loanops/loanops/internal/settings"
)

// besides is a folder of programs with a loanops-api in it.
func besides(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	require.NoError(t, os.Link(imagetest.Build(t, imagetest.Hello, false), filepath.Join(bin, "loanops-api")))
	return bin
}

var silent = slog.New(slog.NewTextHandler(io.Discard, nil))

// A worker that is told no image brings that of the program beside it, once; one that is told one does nothing.
func TestAWorkerBringsThePredictorBesideIt(t *testing.T) {
	t.Parallel()
	registry := imagetest.Serve(t, true)
	told := "loanops-api@sha256:" + strings.Repeat("0a", 32)
	got, err := predictorImage(t.Context(), settings.Settings{PredictorImage: told}, silent)
	require.NoError(t, err)
	require.Equal(t, told, got)

	cfg := settings.Settings{BinDir: besides(t), Registry: registry.URL}
	want, err := image.Predictor(filepath.Join(cfg.BinDir, "loanops-api"))
	require.NoError(t, err)
	digest, err := want.Image.Digest()
	require.NoError(t, err)
	got, err = predictorImage(t.Context(), cfg, silent)
	require.NoError(t, err)
	require.Equal(t, "loanops-api@"+digest.String(), got)
	_, _, err = (&image.Store{Dir: t.TempDir(), Registry: registry.Registry}).Program(t.Context(), got)
	require.NoError(t, err)
	written := registry.Written.Load()
	_, err = predictorImage(t.Context(), cfg, silent)
	require.NoError(t, err)
	require.Equal(t, written, registry.Written.Load(), "it is there already")
}

// A worker may start before the registry does.
func TestAWorkerWaitsForTheRegistry(t *testing.T) {
	t.Parallel()
	registry := imagetest.Serve(t, true)
	there := registry.Handler
	var refused atomic.Int64
	registry.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refused.Add(1) > 3 {
			there.ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	var said bytes.Buffer
	got, err := predictorImage(t.Context(), settings.Settings{BinDir: besides(t), Registry: registry.URL}, slog.New(slog.NewTextHandler(&said, nil)))
	require.NoError(t, err)
	require.Contains(t, got, "loanops-api@sha256:")
	require.Contains(t, said.String(), "waits for the registry")
}

func TestAWorkerDoesNotWaitForWhatDoesNotCome(t *testing.T) {
	t.Parallel()
	bin := besides(t)
	registry := imagetest.Serve(t, true)
	registry.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	for name, test := range map[string]struct {
		cfg  settings.Settings
		code fault.Code
		want string
	}{
		"no program": {settings.Settings{BinDir: t.TempDir(), Registry: registry.URL}, fault.NotFound, "LOANOPS_PREDICTOR_IMAGE"},
		"no address": {settings.Settings{BinDir: bin, Registry: "registry:5000"}, fault.Invalid, "LOANOPS_REGISTRY"},
		"no account": {settings.Settings{BinDir: bin, Registry: registry.URL}, fault.Unauthorized, "in the registry"},
	} {
		_, err := predictorImage(t.Context(), test.cfg, silent)
		require.Equal(t, test.code, fault.CodeOf(err), name)
		require.ErrorContains(t, err, test.want, name)
	}
}
