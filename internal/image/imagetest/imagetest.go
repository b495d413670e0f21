// Package imagetest is a registry, and programs to put into it, for tests of those who use images.
package imagetest

import (
	_ "embed"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/image"
)

// Registry is a registry in this process.
type Registry struct {
	image.Registry
	// Written counts what was sent to it: blobs and manifests.
	Written atomic.Int64
	// Handler answers; a test may put another in its place before it begins.
	Handler http.Handler
	server  *httptest.Server
}

// Serve starts a registry. It lists what refers to an image itself, as the newest do, or leaves that to tags, as others do.
func Serve(t testing.TB, lists bool) *Registry {
	t.Helper()
	r := &Registry{Handler: registry.New(registry.WithReferrersSupport(lists), registry.Logger(log.New(io.Discard, "", 0)))}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.Method == http.MethodPut {
			r.Written.Add(1)
		}
		r.Handler.ServeHTTP(w, request)
	}))
	r.URL = r.server.URL
	t.Cleanup(r.Stop)
	return r
}

// Stop makes the registry go away.
func (r *Registry) Stop() { r.server.Close() }

// Build builds a program of this project and returns its path: static, or with cgo.
func Build(t testing.TB, pkg string, cgo bool) string {
	t.Helper()
	return build(t, "", pkg, cgo)
}

// BuildElsewhere builds Hello as another clone of this project does, in a folder of its own.
func BuildElsewhere(t testing.TB, cgo bool) string {
	t.Helper()
	elsewhere := t.TempDir()
	module := strings.TrimSuffix(Hello, folder)
	require.NoError(t, os.WriteFile(filepath.Join(elsewhere, "go.mod"), []byte("module "+module+"\n\ngo 1.26.0\n"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(elsewhere, folder), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(elsewhere, folder, "main.go"), hello, 0o600))
	return build(t, elsewhere, Hello, cgo)
}

func build(t testing.TB, dir, pkg string, cgo bool) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(pkg))
	// Without the commit, for what is built elsewhere is in no repository.
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", program, pkg)
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if cgo {
		build.Env = append(os.Environ(), "CGO_ENABLED=1")
	}
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// Hello is the package of a program that says with what it was started.
const Hello = "github.com/loanops/loanops" + folder

const folder = "/internal/image/imagetest/hello"

//go:embed hello/main.go
var hello []byte
