// Package file replaces files at once and digests them: what every program does with files of its own.
package file

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
)

// Replace lets write fill a new file that takes the place of path when it is complete; after a fault or a crash path is what it was.
// The folder must be there.
func Replace(path string, mode os.FileMode, write func(io.Writer) error) error {
	// A dot in front keeps it out of listings by pattern.
	temporary, err := os.CreateTemp(filepath.Dir(path), ".writing-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	err = write(temporary)
	if err == nil {
		err = temporary.Chmod(mode)
	}
	if err == nil {
		err = temporary.Sync() // else a power cut may leave the new name without its bytes
	}
	if closeErr := temporary.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// Write is Replace with the bytes at hand.
func Write(path string, data []byte, mode os.FileMode) error {
	return Replace(path, mode, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Digest returns a file's SHA-256 in hexadecimal, and its size.
func Digest(path string) (digest string, size int64, err error) {
	opened, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer opened.Close()
	h := sha256.New()
	size, err = io.Copy(h, opened)
	return hex.EncodeToString(h.Sum(nil)), size, err
}
