package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/sha256hex"
)

// The limits of what is read. What comes from a registry is trusted to be what its digest says, not to be small.
const (
	maxManifestBytes = 4 << 20
	maxLayers        = 1000
	maxFiles         = 20_000
	maxImageBytes    = 2 << 30 // of all layers, unpacked
)

// verifiedManifest is the manifest of the image, whose bytes are those of the digest.
func verifiedManifest(image v1.Image, digest string) (*v1.Manifest, error) {
	raw, err := image.RawManifest()
	if err != nil {
		return nil, err
	}
	if len(raw) > maxManifestBytes {
		return nil, fault.New(fault.Invalid, "the manifest has more than %d MiB", maxManifestBytes>>20)
	}
	if sha256hex.Of(raw) != digest {
		return nil, fault.New(fault.Invalid, "the manifest is not that of sha256:%s: something else was put in its place", digest)
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the manifest cannot be read: %v", err)
	}
	if len(manifest.Layers) > maxLayers {
		return nil, fault.New(fault.Invalid, "the manifest has %d layers, at most %d are good", len(manifest.Layers), maxLayers)
	}
	return manifest, nil
}

// verifiedConfig is the configuration of the image, whose bytes are those that the manifest names.
func verifiedConfig(image v1.Image, manifest *v1.Manifest) (*v1.ConfigFile, error) {
	raw, err := image.RawConfigFile()
	if err != nil {
		return nil, err
	}
	if len(raw) > maxManifestBytes || sha256hex.Of(raw) != manifest.Config.Digest.Hex {
		return nil, fault.New(fault.Invalid, "the configuration is not %s, which the manifest names", manifest.Config.Digest)
	}
	config, err := v1.ParseConfigFile(bytes.NewReader(raw))
	if err != nil {
		return nil, fault.New(fault.Invalid, "the configuration cannot be read: %v", err)
	}
	return config, nil
}

// copyVerified copies the bytes of a layer as the registry keeps them; they must be those that the manifest names.
func copyVerified(to io.Writer, image v1.Image, of v1.Descriptor) error {
	layer, err := image.LayerByDigest(of.Digest)
	if err != nil {
		return err
	}
	from, err := layer.Compressed()
	if err != nil {
		return err
	}
	defer from.Close()
	checked := &digested{from: io.LimitReader(from, of.Size+1), sum: sha256.New()}
	if _, err := io.Copy(to, checked); err != nil {
		return err
	}
	if found := checked.hex(); found != of.Digest.Hex || checked.size != of.Size {
		return fault.New(fault.Invalid, "the layer %s has %d bytes with the digest sha256:%s, want %d of its own: it was changed", of.Digest, checked.size, found, of.Size)
	}
	return nil
}

// digested counts and digests what is read through it.
type digested struct {
	from io.Reader
	sum  hash.Hash
	size int64
}

// Read is that of the reader below.
func (d *digested) Read(p []byte) (int, error) {
	n, err := d.from.Read(p)
	d.sum.Write(p[:n])
	d.size += int64(n)
	return n, err
}

func (d *digested) hex() string { return hex.EncodeToString(d.sum.Sum(nil)) }
