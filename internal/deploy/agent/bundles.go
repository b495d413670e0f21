package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/model"
)

// bundles keeps verified model bundles in a folder, named by their digest, so that a restart needs no object store.
type bundles struct {
	dir   string
	fetch func(ctx context.Context, uri, sha256 string) (path string, err error)
}

// path returns the local file of the bundle, fetching it when it is not there. A file whose bytes are not the digest's is
// never returned: a kept one is fetched again, a fetched one is refused.
func (b bundles) path(ctx context.Context, uri, digest string) (string, error) {
	kept := filepath.Join(b.dir, digest)
	if found, _, err := file.Digest(kept); err == nil && found == digest {
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
	hash := sha256.New()
	err = file.Replace(to, 0o600, func(w io.Writer) error {
		size, err := io.Copy(io.MultiWriter(w, hash), io.LimitReader(source, model.MaxBundleBytes+1))
		if err != nil {
			return err
		}
		if size > model.MaxBundleBytes {
			return fault.New(fault.Invalid, "bundle %s is larger than %d bytes", uri, int64(model.MaxBundleBytes))
		}
		if found := hex.EncodeToString(hash.Sum(nil)); found != digest {
			return fault.New(fault.Invalid, "bundle %s has the digest %s, want %s", uri, found, digest)
		}
		return nil
	})
	if fault.CodeOf(err) == fault.Invalid {
		return err
	}
	return fault.Wrap(fault.Internal, err, "keeping bundle %s", uri)
}
