package containers

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/loanops/loanops/internal/deploy/runtime"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/image/reference"
)

// Bring loads the image into the engine, unless it did so before and the engine has it still. The engine needs no way to the registry.
func (r *Runtime) Bring(ctx context.Context, image string) (runtime.Start, error) {
	ref, err := reference.Parse(image)
	if err != nil {
		return nil, err
	}
	id, err := r.loaded(ctx, ref)
	if err != nil {
		return nil, r.fault(err, "image %s", ref)
	}
	return func(ctx context.Context, what runtime.Launch) (runtime.Instance, error) {
		return r.start(ctx, id, what)
	}, nil
}

// nameOf is what the engine calls the image, for people: whoever reaches the engine may give the name to other bytes, so that nothing is started by it.
func nameOf(ref reference.Reference) string { return ref.Repository + ":" + ref.Digest }

// note is the file that holds the engine's ID of the image, as it was when its verified bytes were loaded.
func (r *Runtime) note(ref reference.Reference) string { return filepath.Join(r.dir, ref.Digest) }

// loaded is the engine's ID of the image.
func (r *Runtime) loaded(ctx context.Context, ref reference.Reference) (string, error) {
	if noted, err := os.ReadFile(r.note(ref)); err == nil {
		_, id, _ := strings.Cut(string(noted), " ")
		_, err := r.engine.ImageInspect(ctx, id)
		if err == nil || !errdefs.IsNotFound(err) {
			return id, err
		}
	}
	if err := r.load(ctx, ref); err != nil {
		return "", err
	}
	found, err := r.engine.ImageInspect(ctx, nameOf(ref))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return "", fault.Wrap(fault.Internal, err, "the folder of images")
	}
	if err := file.Write(r.note(ref), []byte(ref.Repository+" "+found.ID), 0o600); err != nil {
		return "", fault.Wrap(fault.Internal, err, "the note of %s", ref)
	}
	r.prune(ctx, ref)
	return found.ID, nil
}

// load passes the image on while it is read: of one that turns out to be damaged the engine keeps nothing under the name.
func (r *Runtime) load(ctx context.Context, ref reference.Reference) error {
	reader, writer := io.Pipe()
	read := make(chan error, 1)
	go func() {
		err := r.archive(ctx, ref, nameOf(ref), writer)
		writer.CloseWithError(err)
		read <- err
	}()
	answer, err := r.engine.ImageLoad(ctx, reader, client.ImageLoadWithQuiet(true))
	if err == nil {
		_, err = io.Copy(io.Discard, answer) // until it has ended
		_ = answer.Close()
	}
	_ = reader.CloseWithError(io.ErrClosedPipe)
	if reading := <-read; reading != nil && err != nil {
		return reading // what the engine says of it says less
	}
	return err
}

// prune removes the images that were loaded here and that no track needs any more, but for the newest one. One that a container uses stays.
func (r *Runtime) prune(ctx context.Context, newest reference.Reference) {
	notes, err := os.ReadDir(r.dir)
	if err != nil || r.needed == nil {
		return
	}
	needed := r.needed()
	for _, note := range notes {
		noted, err := os.ReadFile(filepath.Join(r.dir, note.Name()))
		repository, id, ok := strings.Cut(string(noted), " ")
		ref := reference.Reference{Repository: repository, Digest: note.Name()}
		if err != nil || !ok || ref == newest || slices.Contains(needed, ref.String()) {
			continue
		}
		if _, err := r.engine.ImageRemove(ctx, id, client.ImageRemoveOptions{PruneChildren: true}); err != nil && !errdefs.IsNotFound(err) {
			r.log.Warn("an image that nothing needs is not removed", "image", ref.String(), "error", err)
			continue
		}
		_ = os.Remove(filepath.Join(r.dir, note.Name())) // it is looked at again
	}
}
