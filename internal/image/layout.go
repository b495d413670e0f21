package image

import (
	"os"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/loanops/loanops/internal/fault"
)

// WriteLayout writes images with what refers to them as an OCI image layout, which other tools copy to registries, into a folder that is new or
// empty. The same images give the same files.
func WriteLayout(dir string, programs ...Program) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fault.New(fault.Invalid, "%s is not empty; a new folder is wanted", dir)
	}
	folder, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "writing images to %s", dir)
	}
	for _, program := range programs {
		named := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": program.Repository})
		if err := folder.AppendImage(program.Image, named); err != nil {
			return fault.Wrap(fault.Unavailable, err, "writing the image %s to %s", program.Repository, dir)
		}
		if err := folder.AppendImage(program.SBOM); err != nil {
			return fault.Wrap(fault.Unavailable, err, "writing the bill of materials of %s to %s", program.Repository, dir)
		}
	}
	return nil
}
