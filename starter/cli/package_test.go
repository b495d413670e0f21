package cli

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
	"github.com/loanops/loanops/internal/sha256hex"
	"github.com/loanops/loanops/internal/workers"
)

// packingPlace sets the environment of `loanops package`: small programs in the place of this project's own.
func packingPlace(t *testing.T) {
	t.Helper()
	packFrom(t, imagetest.Build(t, imagetest.Hello, false), imagetest.Build(t, imagetest.Hello, true))
}

// packFrom has it pack a static program and one with shared libraries.
func packFrom(t *testing.T, static, shared string) {
	t.Helper()
	bin := t.TempDir()
	for name, program := range map[string]string{
		"loanops-api": static, "loanops": static, "terraform-provider-loanops": static, "loanops-worker": shared,
	} {
		require.NoError(t, os.Link(program, filepath.Join(bin, name)))
	}
	t.Setenv("LOANOPS_BIN_DIR", bin)
	t.Setenv("LOANOPS_TERRAFORM", static)
	t.Setenv("LOANOPS_REGISTRY", "")
}

// pack runs the command without a platform.
func pack(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut strings.Builder
	code = Run(context.Background(), append([]string{"package", "--state", t.TempDir()}, args...), strings.NewReader(""), &out, &errOut)
	return out.String(), errOut.String(), code
}

// packed is the command's JSON.
func packed(t *testing.T, args ...string) []packedImage {
	t.Helper()
	out, stderr, code := pack(t, append(args, "--output", "json")...)
	require.Equal(t, exitDone, code, stderr)
	var result struct{ Images []packedImage }
	require.NoError(t, json.Unmarshal([]byte(out), &result))
	return result.Images
}

// folder is every file below, by its digest.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = sha256hex.Of(data)
		return err
	}))
	return files
}

// Twice, and from another clone of the same commit.
func TestPackageGivesTheSameFilesTwice(t *testing.T) {
	packingPlace(t)
	first, second := filepath.Join(t.TempDir(), "images"), filepath.Join(t.TempDir(), "images")
	images := packed(t, "--to", first)
	require.Len(t, images, 3)
	require.True(t, strings.HasPrefix(images[0].Reference, "loanops-api@sha256:"))
	require.True(t, strings.HasPrefix(images[1].Reference, "loanops-worker@sha256:"))
	require.True(t, strings.HasPrefix(images[2].Reference, "loanops@sha256:"))
	require.Greater(t, images[1].Bytes, images[0].Bytes)
	require.Empty(t, images[0].Build+images[2].Build)
	require.Equal(t, "loanops-worker@sha256:"+images[1].Build, images[1].Reference)
	require.NoError(t, workers.CheckBuild(images[1].Build))
	require.Equal(t, images, packed(t, "--to", second))
	require.Equal(t, folder(t, first), folder(t, second))
	packFrom(t, imagetest.BuildElsewhere(t, false), imagetest.BuildElsewhere(t, true))
	require.Equal(t, images, packed(t))

	index, err := layout.ImageIndexFromPath(first)
	require.NoError(t, err)
	require.NoError(t, validate.Index(index))
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 6, "each image with its bill of materials")
	for i, of := range images {
		require.Equal(t, of.Reference, manifest.Manifests[2*i].Annotations["org.opencontainers.image.ref.name"]+"@"+manifest.Manifests[2*i].Digest.String())
		require.Equal(t, of.SBOM, manifest.Manifests[2*i+1].Digest.String())
	}

	_, stderr, code := pack(t, "--to", first)
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "is not empty")
}

// What a script reads: one line an image, the reference first.
func TestPackagePushesToTheRegistry(t *testing.T) {
	packingPlace(t)
	_, stderr, code := pack(t, "--push")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "set LOANOPS_REGISTRY")

	registry := imagetest.Serve(t, false)
	t.Setenv("LOANOPS_REGISTRY", registry.URL)
	out, stderr, code := pack(t, "--image", "loanops-api", "--push")
	require.Equal(t, exitDone, code, stderr)
	require.Regexp(t, `^loanops-api@sha256:[0-9a-f]{64}  \d+\.\d MiB\n$`, out)
	ref, _, _ := strings.Cut(out, " ")
	out, _, _ = pack(t, "--image", "loanops-worker")
	require.Regexp(t, `^loanops-worker@sha256:[0-9a-f]{64}  \d+\.\d MiB  LOANOPS_BUILD_ID=[0-9a-f]{64}\n$`, out)
	_, _, err := (&image.Store{Dir: t.TempDir(), Registry: registry.Registry}).Program(t.Context(), ref)
	require.NoError(t, err)

	_, stderr, code = pack(t, "--image", "loanops-gateway")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "the images are loanops-api, loanops-worker, loanops")
	registry.Stop()
	_, stderr, code = pack(t, "--image", "loanops-api", "--push")
	require.Equal(t, exitFault, code, stderr)
}
