package image

import (
	"bytes"
	"encoding/json"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/loanops/loanops/internal/fault"
)

// blob is one layer of an artifact: bytes that are no tar.
type blob struct {
	data      []byte
	mediaType types.MediaType
	// title is the path that the bytes have as a file; empty for none.
	title string
}

// titleAnnotation names a layer's file, as other tools for artifacts write and read it.
const titleAnnotation = "org.opencontainers.image.title"

// artifact is a manifest over blobs, with an empty configuration, as the OCI image specification has artifacts.
type artifact struct {
	manifest []byte
	blobs    map[v1.Hash]blob
}

var emptyConfig = []byte("{}")

// newArtifact makes an artifact of a type; a subject is what it refers to.
func newArtifact(artifactType string, subject *v1.Descriptor, blobs ...blob) (v1.Image, error) {
	config, size, err := v1.SHA256(bytes.NewReader(emptyConfig))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "an artifact")
	}
	manifest := v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: artifactType, Subject: subject,
		Config: v1.Descriptor{MediaType: types.OCIEmptyJSON, Digest: config, Size: size},
	}
	made := &artifact{blobs: map[v1.Hash]blob{}}
	for _, b := range blobs {
		hash, size, err := v1.SHA256(bytes.NewReader(b.data))
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "an artifact")
		}
		made.blobs[hash] = b
		descriptor := v1.Descriptor{MediaType: b.mediaType, Digest: hash, Size: size}
		if b.title != "" {
			descriptor.Annotations = map[string]string{titleAnnotation: b.title}
		}
		manifest.Layers = append(manifest.Layers, descriptor)
	}
	if made.manifest, err = json.Marshal(manifest); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "an artifact")
	}
	return partial.CompressedToImage(made)
}

// referrer is an artifact of one blob that refers to an image.
func referrer(subject v1.Image, artifactType, mediaType string, data []byte) (v1.Image, error) {
	descriptor, err := partial.Descriptor(subject)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "what an artifact refers to")
	}
	return newArtifact(artifactType, &v1.Descriptor{MediaType: descriptor.MediaType, Digest: descriptor.Digest, Size: descriptor.Size},
		blob{data: data, mediaType: types.MediaType(mediaType)})
}

// RawConfigFile is the empty configuration.
func (a *artifact) RawConfigFile() ([]byte, error) { return emptyConfig, nil }

// MediaType is that of a manifest.
func (a *artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// RawManifest is the manifest.
func (a *artifact) RawManifest() ([]byte, error) { return a.manifest, nil }

// LayerByDigest is one of the blobs.
func (a *artifact) LayerByDigest(hash v1.Hash) (partial.CompressedLayer, error) {
	if b, has := a.blobs[hash]; has {
		return blobLayer{blob: b, hash: hash}, nil
	}
	return nil, fault.New(fault.NotFound, "the artifact has no layer %s", hash)
}

// blobLayer is a blob as a layer, whose bytes are taken as they are.
type blobLayer struct {
	blob
	hash v1.Hash
}

// Digest is the SHA-256 of the bytes.
func (l blobLayer) Digest() (v1.Hash, error) { return l.hash, nil }

// Compressed are the bytes.
func (l blobLayer) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(l.data)), nil
}

// Size counts them.
func (l blobLayer) Size() (int64, error) { return int64(len(l.data)), nil }

// MediaType says what they are.
func (l blobLayer) MediaType() (types.MediaType, error) { return l.mediaType, nil }
