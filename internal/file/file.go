// Package file replaces files at once and digests them: what every program does with files of its own.
package file

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// Replace lets write fill a new file that takes the place of path when it is complete; after a fault or a crash path is what it was.
// The folder must be there. What may be run can be run at once: write starts no program then.
func Replace(path string, mode os.FileMode, write func(io.Writer) error) error {
	if mode&0o111 == 0 {
		return replace(path, mode, write)
	}
	return WithoutFork(func() error { return replace(path, mode, write) })
}

func replace(path string, mode os.FileMode, write func(io.Writer) error) error {
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

// Copy is Replace with the bytes of another file.
func Copy(from, to string, mode os.FileMode) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	return Replace(to, mode, func(w io.Writer) error {
		_, err := io.Copy(w, source)
		return err
	})
}

// WithoutFork lets write make a program's file while this process starts no other program. One that is started meanwhile has what write opens open as well
// until it runs, and so long the system refuses to run what was written: "text file busy" (https://go.dev/issue/22315). write closes what
// it opens, and starts no program itself.
func WithoutFork(write func() error) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return write()
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
