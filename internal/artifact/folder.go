package artifact

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/sha256hex"
)

// Folder keeps artifacts in a folder of this machine, for work at a desk without a store. It is safe for concurrent use.
type Folder string

// At is the reference of an object with that digest and size, whether it is there or not.
func (f Folder) At(digest string, size int64, mediaType, extension string) Ref {
	return Ref{URI: filepath.Join(string(f), digest+"."+extension), SHA256: digest, Bytes: size, MediaType: mediaType}
}

// Put writes data under its digest.
func (f Folder) Put(_ context.Context, data []byte, mediaType, extension string) (Ref, error) {
	ref := f.At(sha256hex.Of(data), int64(len(data)), mediaType, extension)
	return ref, fault.Wrap(fault.Unavailable, file.Write(ref.URI, data, 0o600), "writing an artifact")
}

// PutFile does the same with a file, which it takes away where it can.
func (f Folder) PutFile(_ context.Context, path, mediaType, extension string) (Ref, error) {
	digest, size, err := file.Digest(path)
	if err != nil {
		return Ref{}, fault.Wrap(fault.Unavailable, err, "reading an artifact")
	}
	ref := f.At(digest, size, mediaType, extension)
	return ref, fault.Wrap(fault.Unavailable, os.Rename(path, ref.URI), "keeping an artifact")
}

// Get returns the object's bytes.
func (f Folder) Get(_ context.Context, ref Ref) ([]byte, error) {
	data, err := os.ReadFile(ref.URI)
	return data, fault.Wrap(fault.NotFound, err, "reading an artifact")
}

// Path is the object's file.
func (f Folder) Path(_ context.Context, ref Ref) (string, error) { return ref.URI, nil }

// Exists reports whether the object is there.
func (f Folder) Exists(_ context.Context, ref Ref) (bool, error) {
	info, err := os.Stat(ref.URI)
	return err == nil && info.Size() == ref.Bytes, nil
}

// List finds nothing: a desk has no store.
func (f Folder) List(_ context.Context, uri string) ([]string, error) { return nil, noStore(uri) }

// Fetch takes a local file where it lies.
func (f Folder) Fetch(_ context.Context, uri string, maxBytes int64) (path, digest string, err error) {
	if strings.Contains(uri, "://") {
		return "", "", noStore(uri)
	}
	return fetchLocal(uri, maxBytes)
}

func noStore(uri string) error {
	return fault.New(fault.Invalid, "%s: without a platform there is no store; give a local file", uri)
}
