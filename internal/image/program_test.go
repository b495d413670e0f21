package image_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
	"github.com/loanops/loanops/internal/image/reference"
)

func digest(t *testing.T, of v1.Image) string {
	t.Helper()
	found, err := of.Digest()
	require.NoError(t, err)
	return found.String()
}

// What the static images have in them beside their program, which is all that they start.
func TestStaticImagesAreTheProgramAndWhatItNeeds(t *testing.T) {
	t.Parallel()
	program := imagetest.Build(t, imagetest.Hello, false)
	want, err := os.ReadFile(program)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		make    func(string) (image.Program, error)
		at, dir string
		env     []string
		beside  []string
	}{
		"loanops-api": {image.Predictor, "/loanops-api", "/", nil, []string{"etc/", "etc/ssl/", "etc/ssl/certs/", "etc/ssl/certs/ca-certificates.crt"}},
		"loanops": {image.Operator, "/usr/local/bin/loanops", "/var/lib/loanops",
			[]string{"PATH=/usr/local/bin", "HOME=/var/lib/loanops", "LOANOPS_WORK_DIR=/var/lib/loanops/work"},
			[]string{
				"etc/", "etc/group", "etc/passwd", "etc/ssl/", "etc/ssl/certs/", "etc/ssl/certs/ca-certificates.crt", "tmp/", "usr/", "usr/local/", "usr/local/bin/",
				"var/", "var/lib/", "var/lib/loanops/", "var/lib/loanops/.config/", "var/lib/loanops/.config/loanops/",
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := test.make(program)
			require.NoError(t, err)
			require.Equal(t, name, made.Repository)
			config, err := made.Image.ConfigFile()
			require.NoError(t, err)
			require.Equal(t, []string{test.at}, config.Config.Entrypoint)
			require.Equal(t, "65532:65532", config.Config.User)
			require.Equal(t, test.dir, config.Config.WorkingDir)
			require.Equal(t, test.env, config.Config.Env)
			require.Nil(t, config.Config.Healthcheck, "what it serves, and where, its arguments say")
			require.Equal(t, "linux", config.OS)
			require.Equal(t, "amd64", config.Architecture)
			require.True(t, config.Created.Equal(time.Unix(0, 0)))
			require.Equal(t, name, config.Config.Labels["org.opencontainers.image.title"])
			require.Equal(t, "https://github.com/loanops/loanops", config.Config.Labels["org.opencontainers.image.source"])
			manifest, err := made.Image.Manifest()
			require.NoError(t, err)
			require.Equal(t, types.OCIManifestSchema1, manifest.MediaType)
			require.Equal(t, types.OCIConfigJSON, manifest.Config.MediaType)
			require.Len(t, manifest.Layers, 2)
			require.Equal(t, types.OCILayer, manifest.Layers[1].MediaType)
			headers := entries(t, made.Image)
			require.Equal(t, int64(len(want)), headers[test.at[1:]].Size)
			delete(headers, test.at[1:])
			require.Equal(t, test.beside, slices.Sorted(maps.Keys(headers)))
		})
	}
}

// Who runs a container need not be root, and may mount volumes where the program writes: a new one takes the owner of the image's folder.
func TestFoldersOfAnImageAreTheProgramsOwn(t *testing.T) {
	t.Parallel()
	operator, err := image.Operator(imagetest.Build(t, imagetest.Hello, false))
	require.NoError(t, err)
	worker, err := image.Worker(workerFiles(t))
	require.NoError(t, err)
	for _, made := range []image.Program{operator, worker} {
		headers := entries(t, made.Image)
		require.EqualValues(t, 0o1777, headers["tmp/"].Mode, made.Repository)
		for _, folder := range []string{"var/lib/loanops/", "var/lib/loanops/.config/", "var/lib/loanops/.config/loanops/"} {
			require.Equal(t, []int{65532, 65532, 0o700}, []int{headers[folder].Uid, headers[folder].Gid, int(headers[folder].Mode)}, "%s of %s", folder, made.Repository)
		}
		for name, header := range headers {
			if !strings.HasPrefix(name, "var/lib/loanops/") {
				require.Zero(t, header.Uid+header.Gid, name)
				require.True(t, name == "tmp/" || header.Mode&0o022 == 0, "%s: nobody but root may change it", name)
			}
		}
	}
}

// entries are the headers of an image's layers, of which every one must be without time, user and group names.
func entries(t *testing.T, of v1.Image) map[string]*tar.Header {
	t.Helper()
	found := map[string]*tar.Header{}
	layers, err := of.Layers()
	require.NoError(t, err)
	for _, layer := range layers {
		from, err := layer.Uncompressed()
		require.NoError(t, err)
		r := tar.NewReader(from)
		for {
			header, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			require.True(t, header.ModTime.Equal(time.Unix(0, 0)), header.Name)
			require.Empty(t, header.Uname+header.Gname, header.Name)
			found[header.Name] = header
		}
	}
	return found
}

// Two machines: the program lies elsewhere, is younger, and belongs to another umask.
func TestTheSameProgramIsTheSameImage(t *testing.T) {
	t.Parallel()
	program := imagetest.Build(t, imagetest.Hello, false)
	first, err := image.Predictor(program)
	require.NoError(t, err)
	data, err := os.ReadFile(program)
	require.NoError(t, err)
	elsewhere := filepath.Join(t.TempDir(), "hello")
	require.NoError(t, os.WriteFile(elsewhere, data, 0o700)) //nolint:gosec // a program must be executable
	require.NoError(t, os.Chtimes(elsewhere, time.Unix(1, 0), time.Unix(1, 0)))
	second, err := image.Predictor(elsewhere)
	require.NoError(t, err)
	require.Equal(t, digest(t, first.Image), digest(t, second.Image))
	require.Equal(t, digest(t, first.SBOM), digest(t, second.SBOM))

	require.NoError(t, os.WriteFile(elsewhere, append(data, 0), 0o700)) //nolint:gosec // a program must be executable
	other, err := image.Predictor(elsewhere)
	require.NoError(t, err)
	require.NotEqual(t, digest(t, first.Image), digest(t, other.Image))
}

func TestPredictorRefuses(t *testing.T) {
	t.Parallel()
	text := filepath.Join(t.TempDir(), "loanops-api")
	require.NoError(t, os.WriteFile(text, []byte("#!/bin/sh\n"), 0o700)) //nolint:gosec // a program must be executable
	for name, test := range map[string]struct {
		program string
		code    fault.Code
		wanted  string
	}{
		"shared libraries": {imagetest.Build(t, imagetest.Hello, true), fault.Invalid, "is not static: it needs the loader /lib"},
		"no ELF":           {text, fault.Invalid, "is no program for Linux (ELF)"},
		"nothing there":    {filepath.Join(t.TempDir(), "absent"), fault.NotFound, "make programs"},
	} {
		_, err := image.Predictor(test.program)
		require.Equal(t, test.code, fault.CodeOf(err), name)
		require.ErrorContains(t, err, test.wanted, name)
	}
}

func workerFiles(t *testing.T) image.WorkerFiles {
	t.Helper()
	static := imagetest.Build(t, imagetest.Hello, false)
	return image.WorkerFiles{Worker: imagetest.Build(t, imagetest.Hello, true), Provider: static, API: static, Terraform: static}
}

// The worker of the image is run by the image's own loader with the image's own libraries: none of this machine's are used.
func TestWorkerHasWhatItsProgramNeeds(t *testing.T) {
	t.Parallel()
	made, err := image.Worker(workerFiles(t))
	require.NoError(t, err)
	again, err := image.Worker(workerFiles(t))
	require.NoError(t, err)
	require.Equal(t, digest(t, made.Image), digest(t, again.Image), "on one machine")
	config, err := made.Image.ConfigFile()
	require.NoError(t, err)
	require.Equal(t, []string{"/usr/local/bin/loanops-worker"}, config.Config.Entrypoint)
	require.Equal(t, "65532:65532", config.Config.User)

	registry := imagetest.Serve(t, true)
	ref, err := registry.Push(t.Context(), made.Repository, made.Image, made.SBOM)
	require.NoError(t, err)
	pulled, err := registry.Pull(t.Context(), ref)
	require.NoError(t, err)
	require.NoError(t, validate.Image(pulled))
	program, _, err := (&image.Store{Dir: t.TempDir(), Registry: registry.Registry}).Program(t.Context(), ref.String())
	require.NoError(t, err)
	root := filepath.Join(filepath.Dir(program), "../../..")
	loaders, err := filepath.Glob(filepath.Join(root, "lib*", "ld-linux*"))
	require.NoError(t, err)
	require.Len(t, loaders, 1)
	run := exec.Command(loaders[0], "--inhibit-cache", "--library-path", filepath.Join(root, "usr/lib/loanops"), program, "there")
	run.Env = []string{"LD_DEBUG=libs"}
	var told bytes.Buffer
	run.Stderr = &told
	out, err := run.Output()
	require.NoError(t, err, told.String())
	require.Contains(t, string(out), "hello there")
	require.False(t, strings.Contains(told.String(), "calling init: /lib"), "a library of this machine is used")
	require.False(t, strings.Contains(told.String(), "calling init: /usr/lib"), "a library of this machine is used")
	for _, name := range []string{"usr/local/bin/terraform", "usr/local/bin/terraform-provider-loanops", "usr/local/bin/loanops-api", "etc/passwd"} {
		require.FileExists(t, filepath.Join(root, name))
	}
	require.Equal(t, []string{"CMD", "/usr/local/bin/loanops-worker", "healthy"}, config.Config.Healthcheck.Test)
	require.Contains(t, config.Config.Env, "LOANOPS_HEALTH_ADDRESS=127.0.0.1:7079")
}

// thirdParty finds the one artifact that refers to the image, by the protocol alone.
func thirdParty(t *testing.T, url string, ref reference.Reference) v1.Image {
	t.Helper()
	at, err := name.NewDigest(strings.TrimPrefix(url, "http://") + "/" + ref.String())
	require.NoError(t, err)
	index, err := remote.Referrers(at)
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 1)
	found, err := remote.Image(at.Digest(manifest.Manifests[0].Digest.String()))
	require.NoError(t, err)
	return found
}

// A third party finds the bill of materials by the protocol alone, whether the registry lists what refers to an image or leaves that to a tag.
func TestTheBillOfMaterialsIsFoundAtTheImage(t *testing.T) {
	t.Parallel()
	files := workerFiles(t)
	made, err := image.Worker(files)
	require.NoError(t, err)
	for _, lists := range []bool{true, false} {
		registry := imagetest.Serve(t, lists)
		ref, err := registry.Push(t.Context(), made.Repository, made.Image, made.SBOM)
		require.NoError(t, err)
		found := thirdParty(t, registry.URL, ref)
		manifest, err := found.Manifest()
		require.NoError(t, err)
		require.Equal(t, "application/vnd.cyclonedx+json", manifest.ArtifactType)
		layers, err := found.Layers()
		require.NoError(t, err)
		require.Len(t, layers, 1)
		from, err := layers[0].Compressed()
		require.NoError(t, err)
		var list struct {
			BOMFormat    string `json:"bomFormat"`
			SerialNumber string `json:"serialNumber"`
			Metadata     struct{ Timestamp string }
			Components   []struct {
				Type, Name, PURL string
				Hashes           []struct{ Alg, Content string }
			}
		}
		require.NoError(t, json.NewDecoder(from).Decode(&list))
		require.Equal(t, "CycloneDX", list.BOMFormat)
		require.Empty(t, list.SerialNumber+list.Metadata.Timestamp)
		worker, err := os.ReadFile(files.Worker)
		require.NoError(t, err)
		sum := sha256.Sum256(worker)
		digests := map[string]string{}
		for _, c := range list.Components {
			for _, h := range c.Hashes {
				digests[h.Content] = c.Type + " " + c.Name
			}
		}
		require.Equal(t, "application hello", digests[hex.EncodeToString(sum[:])])
		var names []string
		for _, c := range list.Components {
			names = append(names, c.Name)
		}
		require.Contains(t, names, "libc.so.6")
	}
}
