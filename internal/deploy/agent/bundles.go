package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/loanops/loanops/internal/fault"
)

// maxBundle bounds a bundle's file. Models here are kilobytes to some megabytes.
const maxBundle = 256 << 20

// bundles keeps verified model bundles in a folder, named by their digest, so that a restart needs no object store.
type bundles struct {
	dir   string
	fetch func(ctx context.Context, uri, sha256 string) (path string, err error)
}

// path returns the local file of the bundle, fetching it when it is not there. A file whose bytes are not the digest's is
// never returned: a kept one is fetched again, a fetched one is refused.
func (b bundles) path(ctx context.Context, uri, digest string) (string, error) {
	kept := filepath.Join(b.dir, digest)
	if found, err := digestOf(kept); err == nil && found == digest {
		return kept, nil
	}
	fetched, err := b.fetch(ctx, uri, digest)
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "bundle %s", uri)
	}
	return kept, b.keep(fetched, kept, uri, digest)
}

// keep copies the file at from to to while hashing it.
func (b bundles) keep(from, to, uri, digest string) error {
	source, err := os.Open(from)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "bundle %s", uri)
	}
	defer source.Close()
	copied, err := os.CreateTemp(b.dir, ".fetching-*")
	if err != nil {
		return fault.Wrap(fault.Internal, err, "folder of bundles")
	}
	defer os.Remove(copied.Name())
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(copied, hash), io.LimitReader(source, maxBundle+1))
	if closeErr := copied.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fault.Wrap(fault.Internal, err, "keeping bundle %s", uri)
	}
	if size > maxBundle {
		return fault.New(fault.Invalid, "bundle %s is larger than %d bytes", uri, int64(maxBundle))
	}
	if found := hex.EncodeToString(hash.Sum(nil)); found != digest {
		return fault.New(fault.Invalid, "bundle %s has the digest %s, want %s", uri, found, digest)
	}
	return fault.Wrap(fault.Internal, os.Rename(copied.Name(), to), "keeping bundle %s", uri)
}

func digestOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
