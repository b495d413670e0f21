package image

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
)

// unpack writes the files of an image below an empty folder, and returns what its configuration says. Every byte is verified, from the digest
// down. Files and folders alone are taken: links, devices, and paths that lead out of the folder are refused, as are removals of an
// earlier layer's files, which images that are made here do not have.
func unpack(image v1.Image, digest, dir string) (*v1.ConfigFile, error) {
	manifest, err := verifiedManifest(image, digest)
	if err != nil {
		return nil, err
	}
	config, err := verifiedConfig(image, manifest)
	if err != nil {
		return nil, err
	}
	if len(config.RootFS.DiffIDs) != len(manifest.Layers) {
		return nil, fault.New(fault.Invalid, "the configuration names %d layers, the manifest %d", len(config.RootFS.DiffIDs), len(manifest.Layers))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the folder of an image")
	}
	defer root.Close()
	left := &budget{files: maxFiles, bytes: maxImageBytes}
	for i, layer := range manifest.Layers {
		if err := unpackLayer(root, image, layer, config.RootFS.DiffIDs[i], left); err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "layer %d", i+1)
		}
	}
	return config, nil
}

// budget is what may still be unpacked.
type budget struct {
	files int
	bytes int64
}

func unpackLayer(root *os.Root, image v1.Image, layer v1.Descriptor, diffID v1.Hash, left *budget) error {
	packed, err := os.CreateTemp("", "loanops-layer-*")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "a layer")
	}
	defer os.Remove(packed.Name())
	defer packed.Close()
	if layer.Size > maxImageBytes {
		return fault.New(fault.Invalid, "it has %d bytes, at most %d are good", layer.Size, int64(maxImageBytes))
	}
	if err := copyVerified(packed, image, layer); err != nil { // before a byte of it is unpacked
		return err
	}
	if _, err := packed.Seek(0, io.SeekStart); err != nil {
		return fault.Wrap(fault.Internal, err, "a layer")
	}
	var from io.Reader = bufio.NewReader(packed)
	switch layer.MediaType {
	case types.OCILayer, types.DockerLayer:
		if from, err = gzip.NewReader(from); err != nil {
			return fault.New(fault.Invalid, "it is not compressed as its type says")
		}
	case types.OCIUncompressedLayer:
	default:
		return fault.New(fault.Invalid, "its type is %q, want a tar, by itself or compressed by gzip", layer.MediaType)
	}
	whole := &digested{from: io.LimitReader(from, left.bytes+1), sum: sha256.New()}
	if err := unpackTar(root, whole, left); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, whole); err != nil { // what comes after the last entry
		return fault.New(fault.Invalid, "it is damaged: %v", err)
	}
	if left.bytes -= whole.size; left.bytes < 0 {
		return tooLarge()
	}
	if whole.hex() != diffID.Hex {
		return fault.New(fault.Invalid, "unpacked it is not %s, which the configuration names", diffID)
	}
	return nil
}

func tooLarge() error {
	return fault.New(fault.Invalid, "unpacked the image has more than %d MiB", int64(maxImageBytes)>>20)
}

func unpackTar(root *os.Root, from *digested, left *budget) error {
	entries := tar.NewReader(from)
	for {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && header.Size > left.bytes-from.size || from.size > left.bytes {
			return tooLarge()
		}
		if err != nil {
			return fault.New(fault.Invalid, "it is no tar: %v", err)
		}
		if left.files--; left.files < 0 {
			return fault.New(fault.Invalid, "the image has more than %d files", maxFiles)
		}
		if err := unpackEntry(root, header, entries); err != nil {
			return err
		}
	}
}

func unpackEntry(root *os.Root, header *tar.Header, from io.Reader) error {
	name := path.Clean(strings.TrimPrefix(header.Name, "./"))
	switch {
	case name == "." && header.Typeflag == tar.TypeDir:
		return nil
	case !filepath.IsLocal(name) || strings.HasPrefix(header.Name, "/"):
		return fault.New(fault.Invalid, "%q leads out of the image", header.Name)
	case strings.HasPrefix(path.Base(name), ".wh."):
		return fault.New(fault.Invalid, "%q removes a file of an earlier layer, which is not understood here", header.Name)
	case header.Typeflag != tar.TypeDir && header.Typeflag != tar.TypeReg:
		return fault.New(fault.Invalid, "%q is no file and no folder: links and devices are not unpacked", header.Name)
	case header.Typeflag == tar.TypeDir:
		return fault.Wrap(fault.Invalid, root.MkdirAll(name, 0o755), "%q", header.Name)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return fault.Wrap(fault.Invalid, err, "%q", header.Name)
	}
	mode := fs.FileMode(0o444) // nobody writes to what is kept
	if header.Mode&0o111 != 0 {
		mode = 0o555
	}
	err := file.WithoutFork(func() error {
		to, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(to, from)
		return errors.Join(err, to.Close())
	})
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Invalid, "%q is in the image twice", header.Name)
	}
	return fault.Wrap(fault.Unavailable, err, "%q", header.Name)
}
