package image

import (
	"archive/tar"
	"bytes"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"
)

// tarOf packs headers, each with its size in bytes.
func tarOf(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, header := range headers {
		require.NoError(t, w.WriteHeader(&header))
		_, err := w.Write(bytes.Repeat([]byte("x"), int(header.Size)))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// imageOf is an image of one layer, a tar that is not compressed, that starts /program.
func imageOf(t *testing.T, packed []byte) v1.Image {
	t.Helper()
	made, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer(packed, types.OCIUncompressedLayer))
	require.NoError(t, err)
	made, err = mutate.Config(made, v1.Config{Entrypoint: []string{"/program"}})
	require.NoError(t, err)
	return made
}

func digestOf(t *testing.T, image v1.Image) string {
	t.Helper()
	digest, err := image.Digest()
	require.NoError(t, err)
	return digest.Hex
}
