package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	oci "github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/tests/platformtest"
)

// packedImage is what `loanops package` prints of an image.
type packedImage struct {
	Reference string `json:"reference"`
	Bytes     int64  `json:"bytes"`
	Build     string `json:"build_id"` // of a worker's
}

// pack makes images of the built programs and pushes them to the registry that the environment names.
func pack(t *testing.T, dir string, environment []string, names ...string) []packedImage {
	t.Helper()
	args := []string{"package", "--push", "--output", "json"}
	for _, name := range names {
		args = append(args, "--image", name)
	}
	cmd := exec.Command(filepath.Join(bin, "loanops"), args...)
	cmd.Dir, cmd.Env = dir, environment
	out, err := cmd.Output()
	require.NoError(t, err)
	var packed struct{ Images []packedImage }
	require.NoError(t, json.Unmarshal(out, &packed))
	require.Len(t, packed.Images, len(names))
	return packed.Images
}

// saidSizes are the sizes of images in MiB, as docs/reference.md has them.
func saidSizes(t *testing.T) map[string]float64 {
	t.Helper()
	text, err := os.ReadFile("../../docs/reference.md")
	require.NoError(t, err)
	said := map[string]float64{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(loanops[a-z-]*)` \\| [^|]+ \\| ([0-9.]+) \\|").FindAllStringSubmatch(string(text), -1) {
		said[row[1]], err = strconv.ParseFloat(row[2], 64)
		require.NoError(t, err)
	}
	require.Len(t, said, 3)
	return said
}

// A twentieth is other versions of Go, of the C library, of Terraform. Who makes an image larger than that writes its new size where users read it.
const sizeTolerance = 0.05

// isOfItsSize holds an image against what is said of it.
func isOfItsSize(t *testing.T, packed packedImage) {
	t.Helper()
	name, _, _ := strings.Cut(packed.Reference, "@")
	require.InEpsilon(t, saidSizes(t)[name], float64(packed.Bytes)/(1<<20), sizeTolerance, "docs/reference.md says another size of %s", name)
}

// packOther pushes the predictor of another build, and returns its reference: the same program with a byte behind it.
func packOther(t *testing.T, dir string, environment []string) string {
	t.Helper()
	programs := t.TempDir()
	program, err := os.ReadFile(filepath.Join(bin, "loanops-api"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(programs, "loanops-api"), append(program, '\n'), 0o700)) //nolint:gosec // a program must be executable
	return pack(t, dir, append(slices.Clone(environment), "LOANOPS_BIN_DIR="+programs), "loanops-api")[0].Reference
}

// imagesIn are the images of the tracks that a pipeline has in an environment, as the agent tells.
func imagesIn(t *testing.T, agent, token, environment, pipeline string) []string {
	t.Helper()
	response := askAgent(t, agent, token, environment, pipeline)
	require.Equal(t, http.StatusOK, response.StatusCode)
	var actual struct {
		Tracks map[string]struct {
			Spec struct{ Image string }
		}
	}
	require.NoError(t, json.NewDecoder(response.Body).Decode(&actual))
	var images []string
	for _, track := range actual.Tracks {
		images = append(images, track.Spec.Image)
	}
	slices.Sort(images)
	return slices.Compact(images)
}

// askAgent asks what it runs for a pipeline.
func askAgent(t *testing.T, agent, token, environment, pipeline string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, agent+"/v1/environments/"+environment+"/pipelines/"+pipeline, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// containerOf is the image of the registry, unpacked, with what the programs in it need of a machine.
func containerOf(t *testing.T, registry, image string, shared ...string) *platformtest.Container {
	t.Helper()
	at, err := oci.NewDigest(registry[len("http://"):]+"/"+image, oci.Insecure)
	require.NoError(t, err)
	pulled, err := remote.Image(at)
	require.NoError(t, err)
	c, err := platformtest.NewContainer(pulled, t.TempDir(), shared...)
	require.NoError(t, err)

	// Something simple first: its program with the C++ library that it links, the program that it starts, and what it must not be able to.
	out, err := c.Run(nil, "/usr/local/bin/loanops-worker", "--help")
	require.NoError(t, err, out)
	require.Contains(t, out, "Usage: loanops-worker")
	out, err = c.Run(nil, "/usr/local/bin/terraform", "version")
	require.NoError(t, err, out)
	require.Regexp(t, `^(Terraform|OpenTofu) v1\.`, out)
	return c
}
