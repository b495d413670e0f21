package containers

import (
	"context"
	"io"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image/reference"
)

// Bring loads the image into the engine, unless it has it. The engine needs no way to the registry.
func (r *Runtime) Bring(ctx context.Context, image string) (runtime.Start, error) {
	ref, err := reference.Parse(image)
	if err != nil {
		return nil, err
	}
	// The tag names the bytes, so that what has it is the image: the engine's own ID is another digest.
	name := ref.Repository + ":" + ref.Digest
	_, err = r.engine.ImageInspect(ctx, name)
	if errdefs.IsNotFound(err) {
		err = r.load(ctx, ref, name)
	}
	if err != nil {
		return nil, r.fault(err, "image %s", ref)
	}
	return func(ctx context.Context, what runtime.Launch) (runtime.Instance, error) {
		return r.start(ctx, name, what)
	}, nil
}

// load passes the image on while it is read: of one that turns out to be damaged the engine keeps nothing under the name.
func (r *Runtime) load(ctx context.Context, ref reference.Reference, name string) error {
	reader, writer := io.Pipe()
	read := make(chan error, 1)
	go func() {
		_, err := r.archive(ctx, ref, name, writer)
		writer.CloseWithError(err)
		read <- err
	}()
	loaded, err := r.engine.ImageLoad(ctx, reader, client.ImageLoadWithQuiet(true))
	if err == nil {
		_, err = io.Copy(io.Discard, loaded) // until it has ended
		_ = loaded.Close()
	}
	_ = reader.CloseWithError(io.ErrClosedPipe)
	if reading := <-read; reading != nil && fault.CodeOf(reading) != fault.Internal {
		return reading
	}
	if err != nil {
		return err
	}
	_, err = r.engine.ImageInspect(ctx, name)
	return err
}
