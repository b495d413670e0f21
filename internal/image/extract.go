package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
)

// WriteFiles writes the files of each program's image into a folder of its own, DIR/REPOSITORY, for whoever makes an image of them by other means.
func WriteFiles(dir string, programs ...Program) error {
	for _, program := range programs {
		to := filepath.Join(dir, program.Repository)
		if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
			return fault.New(fault.Invalid, "%s is not empty; a new folder is wanted", to)
		}
		if err := Extract(program.Image, to); err != nil {
			return fault.Wrap(fault.Unavailable, err, "writing the files of %s to %s", program.Repository, to)
		}
	}
	return nil
}

// Extract writes the files of an image that was made here below a folder, with its modes and, where root does it, its owners. Nothing is verified: of what
// comes from elsewhere a Store takes care.
func Extract(image v1.Image, root string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	files := mutate.Extract(image)
	defer files.Close()
	for entries := tar.NewReader(files); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join(root, filepath.Clean("/"+header.Name))
		switch header.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o755)
		case tar.TypeReg:
			err = extractFile(path, entries)
		default:
			err = fmt.Errorf("%s is no file and no folder", header.Name)
		}
		if err == nil && os.Getuid() == 0 {
			err = os.Chown(path, header.Uid, header.Gid)
		}
		if err == nil {
			err = os.Chmod(path, header.FileInfo().Mode())
		}
		if err != nil {
			return err
		}
	}
}

func extractFile(path string, from io.Reader) error {
	return file.WithoutFork(func() error {
		to, err := os.Create(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(to, from)
		return errors.Join(err, to.Close())
	})
}
