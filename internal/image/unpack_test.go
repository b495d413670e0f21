package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
)

func TestUnpackWritesFilesThatNobodyChanges(t *testing.T) {
	t.Parallel()
	image := imageOf(t, tarOf(t,
		tar.Header{Name: "./", Typeflag: tar.TypeDir},
		tar.Header{Name: "etc/", Typeflag: tar.TypeDir},
		tar.Header{Name: "./etc/deep/config", Size: 3, Mode: 0o666},
		tar.Header{Name: "program", Size: 5, Mode: 0o4755},
	))
	dir := t.TempDir()
	_, err := unpack(image, digestOf(t, image), dir)
	require.NoError(t, err)
	for name, wanted := range map[string]struct {
		data string
		mode os.FileMode
	}{"etc/deep/config": {"xxx", 0o444}, "program": {"xxxxx", 0o555}} {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, wanted.data, string(data))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, wanted.mode, info.Mode(), "no rights of its owner's are taken over")
	}
}

// Whoever can push can write any tar: none may touch what is outside of its folder, or leave a way out of it.
func TestUnpackRefusesWhatIsNoFileOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		headers []tar.Header
		wanted  string
	}{
		"up":               {[]tar.Header{{Name: "../outside", Size: 1}}, "leads out of the image"},
		"up in the middle": {[]tar.Header{{Name: "a/../../outside", Size: 1}}, "leads out of the image"},
		"whole path":       {[]tar.Header{{Name: "/outside", Size: 1}}, "leads out of the image"},
		"symbolic link":    {[]tar.Header{{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/"}}, "links and devices are not unpacked"},
		"through a link":   {[]tar.Header{{Name: "link", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "link/outside", Size: 1}}, "links and devices are not unpacked"},
		"hard link":        {[]tar.Header{{Name: "link", Typeflag: tar.TypeLink, Linkname: "../outside"}}, "links and devices are not unpacked"},
		"device":           {[]tar.Header{{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}}, "links and devices are not unpacked"},
		"pipe":             {[]tar.Header{{Name: "pipe", Typeflag: tar.TypeFifo}}, "links and devices are not unpacked"},
		"removal":          {[]tar.Header{{Name: "etc/.wh.passwd", Size: 0}}, "removes a file of an earlier layer"},
		"twice":            {[]tar.Header{{Name: "a", Size: 1}, {Name: "a", Size: 1}}, "is in the image twice"},
		"file as a folder": {[]tar.Header{{Name: "a", Size: 1}, {Name: "a/b", Size: 1}}, `"a/b"`},
		"folder as a file": {[]tar.Header{{Name: "a/", Typeflag: tar.TypeDir}, {Name: "a", Size: 1}}, "is in the image twice"},
		"empty name":       {[]tar.Header{{Name: "", Size: 1}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := imageOf(t, tarOf(t, test.headers...))
			parent := t.TempDir()
			dir := filepath.Join(parent, "image")
			require.NoError(t, os.Mkdir(dir, 0o700))
			_, err := unpack(image, digestOf(t, image), dir)
			require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.wanted)
			entries, err := os.ReadDir(parent)
			require.NoError(t, err)
			require.Len(t, entries, 1, "something lies outside")
		})
	}
}

func TestUnpackIsBounded(t *testing.T) {
	t.Parallel()
	t.Run("a file that says it is huge", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		require.NoError(t, tar.NewWriter(&out).WriteHeader(&tar.Header{Name: "huge", Size: maxImageBytes + 1, Format: tar.FormatPAX}))
		image := imageOf(t, out.Bytes())
		_, err := unpack(image, digestOf(t, image), t.TempDir())
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, "more than 2048 MiB")
	})
	t.Run("what compresses well, in what comes after the last file", func(t *testing.T) {
		t.Parallel()
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, err := io.CopyN(w, zeros{}, 1<<20)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		root, err := os.OpenRoot(t.TempDir())
		require.NoError(t, err)
		defer root.Close()
		layer := static.NewLayer(out.Bytes(), types.OCILayer)
		hash, err := layer.Digest()
		require.NoError(t, err)
		size, err := layer.Size()
		require.NoError(t, err)
		image := one{layer: layer}
		err = unpackLayer(root, image, v1.Descriptor{MediaType: types.OCILayer, Digest: hash, Size: size}, v1.Hash{}, &budget{files: 1, bytes: 1 << 19})
		require.ErrorContains(t, err, "unpacked the image has more than")
	})
	t.Run("many files", func(t *testing.T) {
		t.Parallel()
		headers := make([]tar.Header, maxFiles+1)
		for i := range headers {
			headers[i] = tar.Header{Name: strings.Repeat("a/", i%3) + "d/", Typeflag: tar.TypeDir}
		}
		image := imageOf(t, tarOf(t, headers...))
		_, err := unpack(image, digestOf(t, image), t.TempDir())
		require.ErrorContains(t, err, "more than 20000 files")
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// one is an image of one layer.
type one struct {
	v1.Image
	layer v1.Layer
}

func (o one) LayerByDigest(v1.Hash) (v1.Layer, error) { return o.layer, nil }

// liar is an image of which one part was changed where it is kept: a folder, a registry that does not look.
type liar struct {
	v1.Image
	manifest, config, layer []byte
}

func (l liar) RawManifest() ([]byte, error) {
	if l.manifest != nil {
		return l.manifest, nil
	}
	return l.Image.RawManifest()
}

func (l liar) RawConfigFile() ([]byte, error) {
	if l.config != nil {
		return l.config, nil
	}
	return l.Image.RawConfigFile()
}

func (l liar) LayerByDigest(hash v1.Hash) (v1.Layer, error) {
	if l.layer != nil {
		return static.NewLayer(l.layer, types.OCIUncompressedLayer), nil
	}
	return l.Image.LayerByDigest(hash)
}

func TestUnpackTakesOnlyWhatTheDigestSays(t *testing.T) {
	t.Parallel()
	packed := tarOf(t, tar.Header{Name: "program", Size: 5, Mode: 0o755})
	image := imageOf(t, packed)
	other := imageOf(t, tarOf(t, tar.Header{Name: "program", Size: 6, Mode: 0o755}))
	otherManifest, err := other.RawManifest()
	require.NoError(t, err)
	otherConfig, err := other.RawConfigFile()
	require.NoError(t, err)
	changed := bytes.Replace(packed, []byte("xxxxx"), []byte("yyyyy"), 1)
	for name, test := range map[string]struct {
		image  v1.Image
		wanted string
	}{
		"manifest":     {liar{Image: image, manifest: otherManifest}, "the manifest is not that of sha256:"},
		"config":       {liar{Image: image, config: otherConfig}, "the configuration is not"},
		"layer":        {liar{Image: image, layer: changed}, "it was changed"},
		"shorter":      {liar{Image: image, layer: packed[:512]}, "it was changed"},
		"longer":       {liar{Image: image, layer: append(bytes.Clone(packed), 0)}, "it was changed"},
		"other digest": {other, "the manifest is not that of sha256:"},
	} {
		dir := t.TempDir()
		_, err := unpack(test.image, digestOf(t, image), dir)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%s: %v", name, err)
		require.ErrorContains(t, err, test.wanted, name)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, entries, "%s: it was unpacked before it was verified", name)
	}
}

func TestUnpackHoldsTheLayerAgainstTheConfiguration(t *testing.T) {
	t.Parallel()
	packed := tarOf(t, tar.Header{Name: "program", Size: 5, Mode: 0o755})
	layer := static.NewLayer(packed, types.OCIUncompressedLayer)
	hash, err := layer.Digest()
	require.NoError(t, err)
	root, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	defer root.Close()
	descriptor := v1.Descriptor{MediaType: types.OCIUncompressedLayer, Digest: hash, Size: int64(len(packed))}
	err = unpackLayer(root, one{layer: layer}, descriptor, v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("0", 64)}, &budget{files: 9, bytes: 1 << 20})
	require.ErrorContains(t, err, "which the configuration names")
	descriptor.MediaType = types.OCILayerZStd
	require.ErrorContains(t, unpackLayer(root, one{layer: layer}, descriptor, hash, &budget{files: 9, bytes: 1 << 20}), "its type is")
	descriptor.MediaType = types.OCILayer
	require.ErrorContains(t, unpackLayer(root, one{layer: layer}, descriptor, hash, &budget{files: 9, bytes: 1 << 20}), "not compressed as its type says")
}

func FuzzUnpackTar(f *testing.F) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	_ = w.WriteHeader(&tar.Header{Name: "a/b", Size: 1, Mode: 0o755})
	_, _ = w.Write([]byte("x"))
	_ = w.WriteHeader(&tar.Header{Name: "../c", Typeflag: tar.TypeSymlink, Linkname: "/"})
	_ = w.Close()
	f.Add(out.Bytes())
	f.Fuzz(func(t *testing.T, packed []byte) {
		parent := t.TempDir()
		dir := filepath.Join(parent, "image")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		left := &budget{files: 100, bytes: 1 << 20}
		_ = unpackTar(root, &digested{from: io.LimitReader(bytes.NewReader(packed), left.bytes+1), sum: discardHash{}}, left)
		if entries, _ := os.ReadDir(parent); len(entries) != 1 {
			t.Fatal("something lies outside")
		}
	})
}

// discardHash sums nothing.
type discardHash struct{}

func (discardHash) Write(p []byte) (int, error) { return len(p), nil }
func (discardHash) Sum(b []byte) []byte         { return b }
func (discardHash) Reset()                      {}
func (discardHash) Size() int                   { return 0 }
func (discardHash) BlockSize() int              { return 1 }
