package image_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
	"github.com/loanops/loanops/internal/image/reference"
)

func hello(t *testing.T) image.Program {
	t.Helper()
	made, err := image.Predictor(imagetest.Build(t, imagetest.Hello, false))
	require.NoError(t, err)
	return made
}

func TestPushSendsOnceWhatIsNotThere(t *testing.T) {
	t.Parallel()
	registry, made := imagetest.Serve(t, false), hello(t)
	ref, err := registry.Push(t.Context(), made.Repository, made.Image, made.SBOM)
	require.NoError(t, err)
	require.Equal(t, "loanops-api@"+digest(t, made.Image), ref.String())
	pulled, err := registry.Pull(t.Context(), ref)
	require.NoError(t, err)
	require.NoError(t, validate.Image(pulled))
	sent := registry.Written.Load()
	again, err := registry.Push(t.Context(), made.Repository, made.Image, made.SBOM)
	require.NoError(t, err)
	require.Equal(t, ref, again)
	require.Equal(t, sent, registry.Written.Load(), "nothing is sent again")

	absent := reference.Reference{Repository: "loanops-api", Digest: ref.Digest[:63] + "0"}
	if absent == ref {
		absent.Digest = ref.Digest[:63] + "1"
	}
	_, err = registry.Pull(t.Context(), absent)
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)

	registry.Stop()
	_, err = registry.Pull(t.Context(), ref)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	_, err = registry.Push(t.Context(), made.Repository, made.Image)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
}

// A push that is cut off before the image itself leaves no image: what is there is complete.
func TestPushWritesTheImageLast(t *testing.T) {
	t.Parallel()
	registry, made := imagetest.Serve(t, true), hello(t)
	good := registry.Handler
	registry.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && r.URL.Path == "/v2/loanops-api/manifests/"+digest(t, made.SBOM) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		good.ServeHTTP(w, r)
	})
	_, err := registry.Push(t.Context(), made.Repository, made.Image, made.SBOM)
	require.Equal(t, fault.Unauthorized, fault.CodeOf(err), "%v", err)
	ref, err := reference.Parse("loanops-api@" + digest(t, made.Image))
	require.NoError(t, err)
	_, err = registry.Pull(t.Context(), ref)
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)
}

func TestRegistryAddress(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"http://127.0.0.1:5000", "https://registry.example.org", "https://registry.example.org:8443/team/loans", "http://registry:5000/"} {
		require.NoError(t, image.Registry{URL: good}.Check(), good)
	}
	for _, bad := range []string{"", "127.0.0.1:5000", "ftp://a", "https://", "https://me:secret@a", "https://a?b", "https://a#b", "://"} {
		err := image.Registry{URL: bad}.Check()
		require.Equal(t, fault.Invalid, fault.CodeOf(err), bad)
		require.NotContains(t, err.Error(), "secret")
	}
}

// The account is asked for by the registry (RFC 7617), and is kept from http on a network.
func TestRegistryAccount(t *testing.T) {
	t.Parallel()
	registry, made := imagetest.Serve(t, true), hello(t)
	open := registry.Handler
	registry.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != "ops" || password != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		open.ServeHTTP(w, r)
	})
	_, err := registry.Push(t.Context(), made.Repository, made.Image)
	require.Equal(t, fault.Unauthorized, fault.CodeOf(err), "%v", err)

	registry.Username, registry.PasswordFile = "ops", filepath.Join(t.TempDir(), "password")
	_, err = registry.Push(t.Context(), made.Repository, made.Image)
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "LOANOPS_REGISTRY_PASSWORD_FILE")

	require.NoError(t, os.WriteFile(registry.PasswordFile, []byte("s3cret\n"), 0o600))
	_, err = registry.Push(t.Context(), made.Repository, made.Image)
	require.NoError(t, err)

	elsewhere := registry.Registry
	elsewhere.URL = "http://registry.example.org"
	_, err = elsewhere.Push(t.Context(), made.Repository, made.Image)
	require.ErrorContains(t, err, "use https")
	require.NotContains(t, err.Error(), "s3cret")
}

// The library would try http after https for an address of a private network or of this machine.
func TestHTTPSIsNeverLeftForHTTP(t *testing.T) {
	t.Parallel()
	registry, made := imagetest.Serve(t, true), hello(t)
	registry.Username, registry.PasswordFile = "ops", filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(registry.PasswordFile, []byte("s3cret"), 0o600))
	asked := false
	registry.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true })
	registry.URL = "https" + registry.URL[len("http"):]
	_, err := registry.Push(t.Context(), made.Repository, made.Image)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	require.False(t, asked)
}

func TestRegistryUnderAPrefix(t *testing.T) {
	t.Parallel()
	registry, made := imagetest.Serve(t, true), hello(t)
	registry.URL += "/team/loans"
	ref, err := registry.Push(t.Context(), made.Repository, made.Image)
	require.NoError(t, err)
	require.Equal(t, "loanops-api", ref.Repository, "the same reference in every registry")
	_, err = registry.Pull(t.Context(), ref)
	require.NoError(t, err)
}
