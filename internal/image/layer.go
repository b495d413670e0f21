package image

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/loanops/loanops/internal/fault"
)

// entry is a file or folder of a layer.
type entry struct {
	// file is the one of this machine whose bytes it has; data are its bytes where there is none. A folder has neither.
	file  string
	data  []byte
	mode  fs.FileMode
	owner int // user and group
}

// contents are the entries of a layer by their paths, without a slash in front.
type contents map[string]entry

// layer is a layer of an image. The same contents give the same bytes wherever and whenever it is made, by programs of one version of Go, whose
// compression it is: no times, no names of users, entries in order, every folder named before what is in it.
func layer(of contents) (v1.Layer, error) {
	made, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(of.pack(writer)) }()
		return reader, nil
	}, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
	return made, fault.Wrap(fault.Unavailable, err, "packing a layer")
}

// layersOf are the layers of contents; what changes least belongs first.
func layersOf(all ...contents) ([]v1.Layer, error) {
	layers := make([]v1.Layer, len(all))
	for i, of := range all {
		var err error
		if layers[i], err = layer(of); err != nil {
			return nil, err
		}
	}
	return layers, nil
}

// epoch is when everything in an image was made, and the image: when it truly was is no part of what it is.
var epoch = time.Unix(0, 0).UTC()

// pack writes the layer as a tar.
func (c contents) pack(to io.Writer) error {
	all := maps.Clone(c)
	for name := range c {
		for folder := path.Dir(name); folder != "."; folder = path.Dir(folder) {
			if _, has := all[folder]; !has {
				all[folder] = entry{mode: fs.ModeDir | 0o755}
			}
		}
	}
	w := tar.NewWriter(to)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := all[name].pack(w, name); err != nil {
			return fault.Wrap(fault.Unavailable, err, "packing %s", name)
		}
	}
	return w.Close()
}

func (e entry) pack(w *tar.Writer, name string) error {
	header := &tar.Header{
		Name: name, Mode: tarMode(e.mode), Uid: e.owner, Gid: e.owner, ModTime: epoch, Format: tar.FormatPAX, Typeflag: tar.TypeReg,
	}
	if e.mode.IsDir() {
		header.Typeflag, header.Name = tar.TypeDir, strings.TrimSuffix(name, "/")+"/"
		return w.WriteHeader(header)
	}
	var from io.Reader = bytes.NewReader(e.data)
	header.Size = int64(len(e.data))
	if e.file != "" {
		opened, err := os.Open(e.file)
		if err != nil {
			return err
		}
		defer opened.Close()
		info, err := opened.Stat()
		if err != nil {
			return err
		}
		from, header.Size = opened, info.Size()
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.Copy(w, from)
	return err
}

// tarMode are the permission bits and the sticky bit of a folder that everybody may write to.
func tarMode(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}
