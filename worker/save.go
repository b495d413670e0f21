package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
)

// savable refuses what is no folder and can become none, before hours of work.
func savable(to string) error {
	info, err := os.Stat(to)
	if to != "" && err == nil && !info.IsDir() {
		return fault.New(fault.Invalid, "--save %s: a folder is wanted", to)
	}
	return nil
}

// save copies what was made into a person's folder, by role; the parts of a dataset beside its manifest. The folder gets all or nothing: files are
// copied beside their places, for it may be on another file system, and put there when all of them are whole.
func save(ctx context.Context, objects artifact.Folder, made map[string]artifact.Ref, to string) error {
	_, err := os.Stat(to)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(to, 0o755); err != nil {
		return saveFault(err)
	}
	if fresh {
		defer os.Remove(to) // where it is empty
	}
	beside, err := os.MkdirTemp(to, ".saving-")
	if err != nil {
		return saveFault(err)
	}
	defer os.RemoveAll(beside)
	for role, ref := range made {
		parts, err := activities.PartsOf(ctx, objects, role, ref)
		if err != nil {
			return err
		}
		if parts == nil {
			parts = map[string]artifact.Ref{}
		}
		parts[role+path.Ext(ref.URI)] = ref
		for name, part := range parts {
			if err := copyTo(filepath.Join(beside, name), part.URI); err != nil {
				return saveFault(err)
			}
		}
	}
	entries, err := os.ReadDir(beside)
	for _, entry := range entries {
		err = errors.Join(err, os.Rename(filepath.Join(beside, entry.Name()), filepath.Join(to, entry.Name())))
	}
	return saveFault(err)
}

func copyTo(to, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer target.Close()
	if _, err := io.Copy(target, source); err != nil {
		return err
	}
	return target.Close()
}

// saveFault says what is wrong without the places on the way, which are of no use to a person.
func saveFault(err error) error {
	var at *fs.PathError
	var between *os.LinkError
	if errors.As(err, &at) {
		err = at.Err
	} else if errors.As(err, &between) {
		err = between.Err
	}
	return fault.Wrap(fault.Invalid, err, "--save")
}
