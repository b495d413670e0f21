package image

import (
	"bytes"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/sha256hex"
)

// PipelineType is the artifact type of a packaged pipeline version.
const PipelineType = "application/vnd.loanops.pipeline.v1"

// The files that a package has besides the pipeline's own.
const (
	provenanceFile = "provenance.json"
	lockFile       = "SHA256SUMS"
)

// The limits of a package.
const (
	maxPackageFiles = 500
	maxPackageBytes = 64 << 20
)

// PipelineArtifact packs the files of one pipeline version (its spec, schema, features, tests, the Terraform module that it is delivered by), by
// their paths with slashes. Each file is a layer with its path as its title, so that other tools for OCI artifacts unpack it; beside them lie
// provenance.json and SHA256SUMS, which names every other file with its digest, as sha256sum checks it. The same files and provenance give
// the same artifact.
func PipelineArtifact(files map[string][]byte, from Provenance) (v1.Image, error) {
	provenance, err := from.write(files)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(files)
	for _, ours := range []string{provenanceFile, lockFile} {
		if _, taken := all[ours]; taken {
			return nil, fault.New(fault.Invalid, "%s: a package writes the file of this name itself", ours)
		}
	}
	all[provenanceFile] = provenance
	all[lockFile] = lock(all)
	if err := checkFiles(all); err != nil {
		return nil, err
	}
	blobs := make([]blob, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		blobs = append(blobs, blob{data: all[name], mediaType: mediaTypeOf(name), title: name})
	}
	return newArtifact(PipelineType, nil, blobs...)
}

// ReadPipeline reads what PipelineArtifact packed: the pipeline's own files, and the provenance. Every byte is verified from the digest down, the lock
// must name every file and no other, the provenance must be about these files, and a lock of features have the digests of its definitions.
func ReadPipeline(image v1.Image, digest string) (map[string][]byte, Provenance, error) {
	all, err := readFiles(image, digest)
	if err != nil {
		return nil, Provenance{}, fault.Wrap(fault.Unavailable, err, "the package sha256:%s", digest)
	}
	files, from, err := verifyPackage(all)
	return files, from, fault.Wrap(fault.Invalid, err, "the package sha256:%s", digest)
}

func verifyPackage(all map[string][]byte) (map[string][]byte, Provenance, error) {
	locked, has := all[lockFile]
	if !has {
		return nil, Provenance{}, fault.New(fault.Invalid, "it has no %s, the lock of its digests", lockFile)
	}
	delete(all, lockFile)
	if err := checkLock(locked, all); err != nil {
		return nil, Provenance{}, err
	}
	provenance, has := all[provenanceFile]
	if !has {
		return nil, Provenance{}, fault.New(fault.Invalid, "it has no %s", provenanceFile)
	}
	delete(all, provenanceFile)
	if features, has := all[feature.LockFile]; has {
		if _, err := feature.DecodeLock(features); err != nil {
			return nil, Provenance{}, fault.Wrap(fault.Invalid, err, feature.LockFile)
		}
	}
	from, err := readProvenance(provenance, all)
	return all, from, err
}

// lock lists the files' digests in the form of sha256sum.
func lock(files map[string][]byte) []byte {
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		out.WriteString(sha256hex.Of(files[name]) + "  " + name + "\n")
	}
	return out.Bytes()
}

// checkLock holds the lock against the files, both ways.
func checkLock(locked []byte, files map[string][]byte) error {
	named := map[string]bool{}
	for line := range strings.Lines(string(locked)) {
		digest, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		data, has := files[name]
		switch {
		case !ok:
			return fault.New(fault.Invalid, "%s has the line %q, want a digest, two spaces and a file", lockFile, line)
		case named[name]:
			return fault.New(fault.Invalid, "%s names %s twice", lockFile, name)
		case !has:
			return fault.New(fault.Invalid, "%s names %s, which is not in the package", lockFile, name)
		case sha256hex.Of(data) != digest:
			return fault.New(fault.Invalid, "%s has the digest %s, its line in %s is %s", name, sha256hex.Of(data), lockFile, digest)
		}
		named[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !named[name] {
			return fault.New(fault.Invalid, "%s is in the package and not in its lock %s", name, lockFile)
		}
	}
	return nil
}

// readFiles reads the layers of a package as files.
func readFiles(image v1.Image, digest string) (map[string][]byte, error) {
	manifest, err := verifiedManifest(image, digest)
	if err != nil {
		return nil, err
	}
	if manifest.ArtifactType != PipelineType {
		return nil, fault.New(fault.Invalid, "it is %q, want a package of a pipeline, %s", manifest.ArtifactType, PipelineType)
	}
	if len(manifest.Layers) > maxPackageFiles {
		return nil, fault.New(fault.Invalid, "it has %d files, at most %d are good", len(manifest.Layers), maxPackageFiles)
	}
	files, left := map[string][]byte{}, int64(maxPackageBytes)
	for _, layer := range manifest.Layers {
		name := layer.Annotations[titleAnnotation]
		if _, twice := files[name]; twice {
			return nil, fault.New(fault.Invalid, "it has two files %q", name)
		}
		if left -= layer.Size; layer.Size < 0 || left < 0 {
			return nil, fault.New(fault.Invalid, "it has more than %d MiB", maxPackageBytes>>20)
		}
		var data bytes.Buffer
		if err := copyVerified(&data, image, layer); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "%q", name)
		}
		files[name] = data.Bytes()
	}
	return files, checkFiles(files)
}

// checkFiles refuses paths that lead out of a folder, and too much.
func checkFiles(files map[string][]byte) error {
	size := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name != path.Clean(name) || !filepath.IsLocal(name) || strings.ContainsAny(name, "\\\n\r\x00") || len(name) > 512 {
			return fault.New(fault.Invalid, "%q is no path of a file in a package", name)
		}
		size += len(files[name])
	}
	if len(files) > maxPackageFiles || size > maxPackageBytes {
		return fault.New(fault.Invalid, "a package has at most %d files of %d MiB in all, this one %d of %d bytes", maxPackageFiles, maxPackageBytes>>20, len(files), size)
	}
	return nil
}

// mediaTypeOf says by its name what a file is.
func mediaTypeOf(name string) types.MediaType {
	if name == provenanceFile {
		return provenanceType
	}
	switch path.Ext(name) {
	case ".yaml", ".yml":
		return "application/yaml"
	case ".json":
		return "application/json"
	case ".csv":
		return "text/csv"
	case ".tf":
		return "application/vnd.hashicorp.terraform"
	default:
		return "application/octet-stream"
	}
}
