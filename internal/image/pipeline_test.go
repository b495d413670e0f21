package image

import (
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image/reference"
)

var tested = Provenance{
	Repository: "https://git.example.org/team/cards.git", Commit: strings.Repeat("a1", 20),
	Steps:  []StepProvenance{{Name: "CheckSpec", Status: "passed", Log: strings.Repeat("0", 64)}, {Name: "ReplayHistories", Status: "not_applicable"}},
	Images: map[string]string{"predictor": "loanops-api@sha256:" + strings.Repeat("b2", 32)},
}

func someFiles() map[string][]byte {
	return map[string][]byte{
		"pipeline.yaml": []byte("name: cards\n"), "schema.json": []byte("{}"), "tests/features.yaml": []byte("- {}\n"),
		"terraform/main.tf": []byte("# none\n"), "sample/applications.csv": []byte("a,b\n1,2\n"), "empty": {},
	}
}

func TestPipelinePackageIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	image, err := PipelineArtifact(someFiles(), tested)
	require.NoError(t, err)
	digest := digestOf(t, image)
	files, from, err := ReadPipeline(image, digest)
	require.NoError(t, err)
	for name, data := range someFiles() {
		require.Equal(t, string(data), string(files[name]))
	}
	require.Len(t, files, len(someFiles()))
	require.Equal(t, tested, from)
	again, err := PipelineArtifact(someFiles(), tested)
	require.NoError(t, err)
	require.Equal(t, digest, digestOf(t, again), "the same commit is the same package")

	// What makes it another package.
	for name, change := range map[string]func(map[string][]byte, *Provenance){
		"a byte": func(f map[string][]byte, _ *Provenance) { f["schema.json"] = []byte("{ }") },
		"a path": func(f map[string][]byte, _ *Provenance) {
			f["schema2.json"] = f["schema.json"]
			delete(f, "schema.json")
		},
		"a commit": func(_ map[string][]byte, p *Provenance) { p.Commit = strings.Repeat("a2", 20) },
		"a status": func(_ map[string][]byte, p *Provenance) {
			p.Steps = []StepProvenance{{Name: "CheckSpec", Status: "not_applicable"}}
		},
	} {
		files, from := someFiles(), tested
		change(files, &from)
		other, err := PipelineArtifact(files, from)
		require.NoError(t, err, name)
		require.NotEqual(t, digest, digestOf(t, other), name)
	}
}

// Other tools for artifacts, and sha256sum, read a package as well: the manifest is as the OCI image specification has artifacts (1.1, "Guidelines
// for Artifact Usage"), the titles are those that ORAS unpacks by.
func TestPipelinePackageIsAnArtifactForOtherTools(t *testing.T) {
	t.Parallel()
	image, err := PipelineArtifact(someFiles(), tested)
	require.NoError(t, err)
	manifest, err := image.Manifest()
	require.NoError(t, err)
	require.Equal(t, "application/vnd.loanops.pipeline.v1", manifest.ArtifactType)
	require.Equal(t, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", manifest.Config.Digest.String(), "the empty descriptor")
	require.EqualValues(t, "application/vnd.oci.empty.v1+json", manifest.Config.MediaType)
	titles := map[string]string{}
	for _, layer := range manifest.Layers {
		titles[layer.Annotations["org.opencontainers.image.title"]] = string(layer.MediaType)
	}
	require.Equal(t, map[string]string{
		"SHA256SUMS": "application/octet-stream", "provenance.json": "application/vnd.in-toto+json", "pipeline.yaml": "application/yaml",
		"schema.json": "application/json", "tests/features.yaml": "application/yaml", "terraform/main.tf": "application/vnd.hashicorp.terraform",
		"sample/applications.csv": "text/csv", "empty": "application/octet-stream",
	}, titles)
	files, err := readFiles(image, digestOf(t, image))
	require.NoError(t, err)
	// printf 'name: cards\n' | sha256sum
	require.Contains(t, string(files["SHA256SUMS"]), "1a703306e6c24c8760be769757279042c5809506ebfb78479ce76ea644463bca  pipeline.yaml\n")
	require.Contains(t, string(files["provenance.json"]), `"_type": "https://in-toto.io/Statement/v1"`)
	require.Contains(t, string(files["provenance.json"]), `"predicateType": "https://slsa.dev/provenance/v1"`)
}

// repack makes a package of any files, as somebody would who does not ask PipelineArtifact.
func repack(t *testing.T, artifactType string, files map[string][]byte) v1.Image {
	t.Helper()
	var blobs []blob
	for _, name := range slices.Sorted(maps.Keys(files)) {
		blobs = append(blobs, blob{data: files[name], mediaType: "application/octet-stream", title: name})
	}
	image, err := newArtifact(artifactType, nil, blobs...)
	require.NoError(t, err)
	return image
}

func TestReadPipelineRefuses(t *testing.T) {
	t.Parallel()
	// relock writes the lock anew, so that what is behind it is looked at.
	relock := func(f map[string][]byte) {
		delete(f, lockFile)
		f[lockFile] = lock(f)
	}
	for name, test := range map[string]struct {
		spoil  func(map[string][]byte)
		wanted string
	}{
		"no lock":           {func(f map[string][]byte) { delete(f, lockFile) }, "it has no SHA256SUMS"},
		"empty lock":        {func(f map[string][]byte) { f[lockFile] = nil }, "is in the package and not in its lock"},
		"file added":        {func(f map[string][]byte) { f["more"] = nil }, "more is in the package and not in its lock"},
		"file removed":      {func(f map[string][]byte) { delete(f, "schema.json") }, "names schema.json, which is not in the package"},
		"file changed":      {func(f map[string][]byte) { f["schema.json"] = []byte("[]") }, "schema.json has the digest"},
		"named twice":       {func(f map[string][]byte) { f[lockFile] = append(f[lockFile], f[lockFile]...) }, "twice"},
		"no line":           {func(f map[string][]byte) { f[lockFile] = append(f[lockFile], "x\n"...) }, "want a digest, two spaces and a file"},
		"no provenance":     {func(f map[string][]byte) { delete(f, provenanceFile); relock(f) }, "it has no provenance.json"},
		"changed, relocked": {func(f map[string][]byte) { f["schema.json"] = []byte("[]"); relock(f) }, "is not about the files of this package"},
		"added, relocked":   {func(f map[string][]byte) { f["more"] = nil; relock(f) }, "is not about the files of this package"},
		"removed, relocked": {func(f map[string][]byte) { delete(f, "schema.json"); relock(f) }, "is not about the files of this package"},
		"provenance with more": {func(f map[string][]byte) {
			f[provenanceFile] = []byte(strings.Replace(string(f[provenanceFile]), "{", `{"host": "a",`, 1))
			relock(f)
		}, "cannot be read"},
		"provenance of another kind": {func(f map[string][]byte) {
			f[provenanceFile] = []byte(strings.Replace(string(f[provenanceFile]), "slsa.dev/provenance/v1", "slsa.dev/provenance/v0.2", 1))
			relock(f)
		}, "a statement of another kind"},
		"path out of it": {func(f map[string][]byte) { f["../up"] = nil; relock(f) }, "is no path of a file in a package"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good, err := PipelineArtifact(someFiles(), tested)
			require.NoError(t, err)
			files, err := readFiles(good, digestOf(t, good))
			require.NoError(t, err)
			test.spoil(files)
			image := repack(t, PipelineType, files)
			_, _, err = ReadPipeline(image, digestOf(t, image))
			require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.wanted)
		})
	}
	other := repack(t, "application/vnd.example.other", someFiles())
	_, _, err := ReadPipeline(other, digestOf(t, other))
	require.ErrorContains(t, err, "want a package of a pipeline")
	good, err := PipelineArtifact(someFiles(), tested)
	require.NoError(t, err)
	_, _, err = ReadPipeline(good, strings.Repeat("0", 64))
	require.ErrorContains(t, err, "something else was put in its place")
}

func TestPipelineArtifactRefuses(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(map[string][]byte, *Provenance){
		"a lock of its own":       func(f map[string][]byte, _ *Provenance) { f[lockFile] = nil },
		"a provenance of its own": func(f map[string][]byte, _ *Provenance) { f[provenanceFile] = nil },
		"a path out of it":        func(f map[string][]byte, _ *Provenance) { f["../up"] = nil },
		"a whole path":            func(f map[string][]byte, _ *Provenance) { f["/up"] = nil },
		"a line break in a path":  func(f map[string][]byte, _ *Provenance) { f["a\nb"] = nil },
		"too much":                func(f map[string][]byte, _ *Provenance) { f["big"] = make([]byte, maxPackageBytes) },
		"short commit":            func(_ map[string][]byte, p *Provenance) { p.Commit = "a1b2c3" },
		"path of this machine":    func(_ map[string][]byte, p *Provenance) { p.Repository = "/home/me/cards.git" },
		"account in the URL":      func(_ map[string][]byte, p *Provenance) { p.Repository = "https://me:secret@git.example.org/cards.git" },
		"log without a digest": func(_ map[string][]byte, p *Provenance) {
			p.Steps = []StepProvenance{{Name: "a", Status: "passed", Log: "ok"}}
		},
		"image by a tag": func(_ map[string][]byte, p *Provenance) {
			p.Images = map[string]string{"predictor": "loanops-api:latest"}
		},
	} {
		files, from := someFiles(), tested
		spoil(files, &from)
		_, err := PipelineArtifact(files, from)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", name, err)
		require.NotContains(t, err.Error(), "secret", name)
	}
	_, err := reference.Parse(tested.Images["predictor"])
	require.NoError(t, err)
}
