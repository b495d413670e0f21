package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

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
// copied beside their places, for it may be on another file system, and put there when all of them are whole. What an earlier job of the kind left there, which
// earlier names, goes: parts of two are no whole.
func save(ctx context.Context, objects artifact.Folder, made map[string]artifact.Ref, to string, earlier *regexp.Regexp) error {
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
	return saveFault(replace(beside, to, earlier))
}

// roles are those of what a check makes.
var roles = []string{
	artifact.Schema, artifact.Dataset, artifact.Quarantine, artifact.Sources, artifact.Facts, artifact.ValidationReport, artifact.LeakageReport, artifact.Profile,
	artifact.ProfileHTML, artifact.Train, artifact.Validation, artifact.Test,
}

// savedChecked are the names of the files that a check saves.
var savedChecked = regexp.MustCompile(`^(` + strings.Join(roles, "|") + `)(-[0-9]{4})?\.[a-z]+$`)

// replace puts the files beside a folder into it, and takes away those of a name that earlier matches.
func replace(beside, to string, earlier *regexp.Regexp) error {
	var old []string
	there, err := os.ReadDir(to)
	if err != nil {
		return err
	}
	for _, entry := range there {
		switch {
		case !earlier.MatchString(entry.Name()):
		case !entry.Type().IsRegular():
			return fault.New(fault.Invalid, "%s is no file", entry.Name())
		default:
			old = append(old, filepath.Join(to, entry.Name()))
		}
	}
	for _, path := range old {
		err = errors.Join(err, os.Remove(path))
	}
	made, readErr := os.ReadDir(beside)
	err = errors.Join(err, readErr)
	for _, entry := range made {
		err = errors.Join(err, os.Rename(filepath.Join(beside, entry.Name()), filepath.Join(to, entry.Name())))
	}
	return err
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
