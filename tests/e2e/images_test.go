package e2e

import (
	"debug/elf"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	oci "github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"
)

// The predictor that answers lenders is the program of an image, which lies in the platform's registry under the digest that the agent tells, is
// what `loanops package` makes of the built program, and has a bill of materials that the registry's protocol finds.
func TestPredictorsComeFromTheRegistry(t *testing.T) {
	endpoints := shared.mustEndpoints(t)
	actual, err := shared.Actual("production", name)
	require.NoError(t, err)
	track := actual.Tracks[shared.slotOf(t, name)]
	image := track.Spec.Image
	require.Equal(t, shared.environment(t, "LOANOPS_PREDICTOR_IMAGE"), image)

	at, err := oci.NewDigest(endpoints.Registry+"/"+image, oci.Insecure)
	require.NoError(t, err)
	pulled, err := remote.Image(at)
	require.NoError(t, err)
	require.NoError(t, validate.Image(pulled))
	index, err := remote.Referrers(at)
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 1)
	require.Equal(t, "application/vnd.cyclonedx+json", manifest.Manifests[0].ArtifactType)

	running, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(track.PID), "exe"))
	require.NoError(t, err)
	digest := strings.TrimPrefix(image, "loanops-api@sha256:")
	require.True(t, strings.HasPrefix(running, filepath.Join(shared.State, "agent", "images", digest)), running)

	var packed struct {
		Images []struct{ Reference string }
	}
	out, code := shared.run(t, "package", "--image", "loanops-api", "--push", "--output", "json")
	require.Equal(t, 0, code)
	require.NoError(t, json.Unmarshal(out, &packed))
	require.Equal(t, image, packed.Images[0].Reference)
}

// Go's build ID of a program with cgo depends on where the modules lay when it was linked: an image that Docker builds would have another worker than
// `make programs` gives from the same commit.
func TestProgramsDoNotDependOnWhereTheyWereLinked(t *testing.T) {
	for _, program := range []string{"loanops", "loanops-worker", "loanops-api", "terraform-provider-loanops"} {
		file, err := elf.Open(filepath.Join(bin, program))
		require.NoError(t, err)
		require.Nil(t, file.Section(".note.go.buildid"), "%s: the Makefile links with -buildid=", program)
		require.NoError(t, file.Close())
	}
}
