package image

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/image/reference"
)

// Store keeps unpacked images in a folder, by their digests, so that a program that ran once runs again while the registry is away. Many
// processes may use one folder. Those that nobody asked for in two weeks, and nothing needs, go when another one comes.
type Store struct {
	// Dir is the folder, made when absent.
	Dir string
	// Registry is where images that are not there yet come from.
	Registry Registry
	// Needed names the images that stay though nobody asks for them, such as those of tracks that have run for long: they have to start again while the
	// registry is away. It is asked anew each time. Nil: none.
	Needed func() []string
}

// noteFile says what an unpacked image is; it was written anew when the image was last asked for.
const noteFile = "kept.json"

// lockPoll is how often a process that waits for another's unpacking looks.
const lockPoll = 20 * time.Millisecond

// kept is what is known of an unpacked image.
type kept struct {
	// Program is the path below the folder of its files, Args come before a caller's own.
	Program string   `json:"program"`
	Args    []string `json:"args"`
	// Files are the digests of all files by their paths.
	Files map[string]string `json:"files"`
}

// Program brings the image, named repository@sha256:…, to this machine, if it is not here, and returns its program, and the arguments that it is
// started with before a caller's own. What was unpacked before is verified again: a damaged one is unpacked anew. An image without a program of its own
// is Invalid, a registry that is away Unavailable.
func (s *Store) Program(ctx context.Context, image string) (path string, args []string, err error) {
	ref, err := reference.Parse(image)
	if err != nil {
		return "", nil, err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return "", nil, fault.Wrap(fault.Internal, err, "the folder of images")
	}
	folder := filepath.Join(s.Dir, ref.Digest)
	known, ok, err := take(ctx, ref, folder)
	if ok || err != nil {
		return known.Program, known.Args, err
	}
	if known, err = s.bring(ctx, ref, folder); err != nil {
		return "", nil, err
	}
	if err := s.prune(time.Now().Add(-unusedFor)); err != nil { // the image that was asked for is there all the same
		slog.Warn("images that nothing needs are not removed", "folder", s.Dir, "error", err)
	}
	return known.Program, known.Args, nil
}

// take is what is here of the image. From then on it counts as asked for: nobody who removes what is not comes in between.
func take(ctx context.Context, ref reference.Reference, folder string) (known kept, ok bool, err error) {
	held := flock.New(folder + ".lock")
	if _, err := held.TryRLockContext(ctx, lockPoll); err != nil {
		return known, false, fault.Wrap(fault.Unavailable, err, "waiting for another process that unpacks %s", ref)
	}
	defer func() { _ = held.Close() }() // the system frees it anyway when this process ends
	if known, ok = check(folder); !ok {
		return known, false, nil
	}
	now := time.Now()
	return known, true, fault.Wrap(fault.Internal, os.Chtimes(filepath.Join(folder, noteFile), now, now), "the note of %s", ref)
}

// bring unpacks the image, unless another process has meanwhile.
func (s *Store) bring(ctx context.Context, ref reference.Reference, folder string) (kept, error) {
	held := flock.New(folder + ".lock")
	if _, err := held.TryLockContext(ctx, lockPoll); err != nil {
		return kept{}, fault.Wrap(fault.Unavailable, err, "waiting for another process that unpacks %s", ref)
	}
	defer func() { _ = held.Close() }() // the system frees it anyway when this process ends
	if known, ok := check(folder); ok { // the other process did it
		return known, nil
	}
	if err := s.fill(ctx, ref, folder); err != nil {
		return kept{}, fault.Wrap(fault.Unavailable, err, "image %s", ref)
	}
	known, ok := check(folder)
	if !ok {
		return kept{}, fault.New(fault.Internal, "image %s is damaged right after it was unpacked", ref)
	}
	return known, nil
}

// fill unpacks the image beside the folder, which then appears complete or not at all.
func (s *Store) fill(ctx context.Context, ref reference.Reference, folder string) error {
	image, err := s.Registry.Pull(ctx, ref)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(folder + ".new"); err != nil { // of a process that was killed
		return fault.Wrap(fault.Internal, err, "unpacking")
	}
	defer func() { _ = os.RemoveAll(folder + ".new") }()
	root := filepath.Join(folder+".new", "root")
	if err := os.MkdirAll(root, 0o700); err != nil {
		return fault.Wrap(fault.Internal, err, "unpacking")
	}
	config, err := unpack(image, ref.Digest, root)
	if err != nil {
		return err
	}
	start := append(append([]string{}, config.Config.Entrypoint...), config.Config.Cmd...)
	if len(start) == 0 || !filepath.IsAbs(start[0]) {
		return fault.New(fault.Invalid, "it names no program to start by its whole path")
	}
	files, err := digests(root)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "unpacking")
	}
	program := filepath.Clean(start[0])[1:]
	if _, has := files[program]; !has {
		return fault.New(fault.Invalid, "its program %s is not in it", start[0])
	}
	note, err := json.Marshal(kept{program, start[1:], files})
	if err != nil {
		return fault.Wrap(fault.Internal, err, "unpacking")
	}
	if err := file.Write(filepath.Join(folder+".new", noteFile), note, 0o400); err != nil {
		return fault.Wrap(fault.Internal, err, "unpacking")
	}
	if err := os.RemoveAll(folder); err != nil { // a damaged one; programs of it that run keep what they have open
		return fault.Wrap(fault.Internal, err, "unpacking")
	}
	return fault.Wrap(fault.Internal, os.Rename(folder+".new", folder), "unpacking")
}

// check reads what was unpacked, and whether all of it is as it was then. The path of the program is then whole.
func check(folder string) (known kept, ok bool) {
	note, err := os.ReadFile(filepath.Join(folder, noteFile))
	if err != nil || json.Unmarshal(note, &known) != nil {
		return known, false
	}
	root := filepath.Join(folder, "root")
	for name, digest := range known.Files {
		if found, _, err := file.Digest(filepath.Join(root, name)); err != nil || found != digest {
			return known, false
		}
	}
	known.Program = filepath.Join(root, known.Program)
	return known, true
}

// digests are those of all files below a folder.
func digests(root string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		all[name], _, err = file.Digest(path)
		return err
	})
	return all, err
}
