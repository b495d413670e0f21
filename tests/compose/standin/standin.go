// Package standin makes the images that docker-compose.yml and the Dockerfile take from public registries out of what this machine has: Debian's packages and
// Go modules. They have the names of the public ones, so that the files are tested as they are; an image that somebody pulled is not touched.
package standin

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/loanops/loanops/tests/compose/engine"
)

//go:embed images
var images embed.FS

// label names what a stand-in was made of. An image without it is a public one.
const label = "loanops.standin"

// image is a stand-in. Its Dockerfile lies in images/folder; give, where there is one, adds the other files of its context.
type image struct {
	name, folder string
	// of are the inputs beside what lies in the folder, as texts: when one is another, the image is made anew.
	of []string
	// say tells a person what it is.
	say  string
	give func(ctx context.Context, dir string) error
	// args are variables of `go env` that the Dockerfile takes.
	args []string
}

// Maker makes stand-ins of the repository's commit.
type Maker struct {
	Repository string
	Say        func(string, ...any)
}

// Names are the public images, by their names, that are stood in for.
func (m Maker) Names() ([]string, error) {
	all, err := m.images()
	names := []string{Debian}
	for _, i := range all {
		if !strings.HasPrefix(i.name, ours) {
			names = append(names, i.name)
		}
	}
	return names, err
}

// Make makes those that are missing or were made of something else.
func (m Maker) Make(ctx context.Context) error {
	if err := m.debian(ctx); err != nil {
		return err
	}
	all, err := m.images()
	if err != nil {
		return err
	}
	for _, i := range all {
		if err := m.make(ctx, i); err != nil {
			return fmt.Errorf("the stand-in for %s: %w", i.name, err)
		}
	}
	return nil
}

func (m Maker) make(ctx context.Context, i image) error {
	digest, err := i.digest()
	if err != nil {
		return err
	}
	there, made, err := madeOf(ctx, i.name)
	if err != nil || there && (made == "" || made == digest) {
		return err
	}
	m.Say("making %s: %s", i.name, i.say)
	dir, err := os.MkdirTemp("", "loanops-standin-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files, err := fs.Sub(images, "images/"+i.folder)
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, files); err != nil {
		return err
	}
	if i.give != nil {
		if err := i.give(ctx, dir); err != nil {
			return err
		}
	}
	// The classic builder: it is in every engine, and needs no plugin.
	args := []string{"docker", "build", "--quiet", "--tag", i.name, "--label", label + "=" + digest}
	if err := modes(dir); err != nil {
		return err
	}
	given, err := variables(ctx, i.args...)
	if err != nil {
		return err
	}
	for _, arg := range given {
		args = append(args, "--build-arg", arg)
	}
	return engine.Run(ctx, ".", []string{"DOCKER_BUILDKIT=0"}, append(args, dir)...)
}

// modes gives files those that they had: what is embedded, and what is in a module, has lost its own.
func modes(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o644
		if entry.IsDir() || filepath.Ext(path) == ".sh" {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}

// digest is that of what an image is made of.
func (i image) digest() (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(images, "images/"+i.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := images.ReadFile(path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(content), content)
		return err
	})
	for _, text := range append(i.of, runtime.Version(), runtime.GOARCH) {
		fmt.Fprintf(sum, "%d\n%s", len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil)), err
}

// madeOf is the label of an image that the engine has.
func madeOf(ctx context.Context, name string) (there bool, digest string, err error) {
	found, err := engine.Output(ctx, ".", nil, "docker", "image", "ls", "--quiet", name)
	if err != nil || found == "" {
		return false, "", err
	}
	digest, err = engine.Output(ctx, ".", nil, "docker", "image", "inspect", "--format", `{{index .Config.Labels "`+label+`"}}`, name)
	return true, strings.TrimSpace(digest), err
}

// Debian is the base of all others.
const Debian = "debian:bookworm-slim"

func (m Maker) debian(ctx context.Context) error {
	there, _, err := madeOf(ctx, Debian)
	if err != nil || there {
		return err
	}
	if err := engine.Install(ctx, m.Say, "debootstrap", "debootstrap"); err != nil {
		return err
	}
	m.Say("making %s by debootstrap", Debian)
	dir, err := os.MkdirTemp("", "loanops-standin-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	root := filepath.Join(dir, "root")
	if err := engine.Run(ctx, ".", nil, "debootstrap", "--variant=minbase", "bookworm", root); err != nil {
		return err
	}
	tar := filepath.Join(dir, "root.tar")
	if err := engine.Run(ctx, ".", nil, "tar", "--create", "--file", tar, "--directory", root, "."); err != nil {
		return err
	}
	return engine.Run(ctx, ".", nil, "docker", "import", "--change", "LABEL "+label+"=debootstrap", tar, Debian)
}
