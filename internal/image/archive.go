package image

import (
	"context"
	"io"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image/reference"
)

// Archive writes the image as container engines load it, under a name. Every byte is verified, from the digest down.
func (r Registry) Archive(ctx context.Context, ref reference.Reference, as string, to io.Writer) error {
	image, err := r.Pull(ctx, ref)
	if err != nil {
		return err
	}
	manifest, err := verifiedManifest(image, ref.Digest)
	if err != nil {
		return err
	}
	var bytes int64
	for _, layer := range manifest.Layers {
		if bytes += layer.Size; layer.Size > maxImageBytes || bytes > maxImageBytes {
			return fault.New(fault.Invalid, "%s has more than %d bytes, which are the most that are good", ref, int64(maxImageBytes))
		}
	}
	tag, err := name.NewTag(as)
	if err != nil {
		return fault.Wrap(fault.Invalid, err, "the name of %s in the engine", ref)
	}
	return fault.Wrap(fault.Unavailable, tarball.Write(tag, image, to), "reading %s", ref)
}
