package image_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
)

// images are programs in a registry that differ in a byte, and a store that takes from it.
type images struct {
	t        *testing.T
	store    image.Store
	registry *imagetest.Registry
	program  []byte
}

func newImages(t *testing.T) *images {
	t.Helper()
	program, err := os.ReadFile(imagetest.Build(t, imagetest.Hello, false))
	require.NoError(t, err)
	registry := imagetest.Serve(t, true)
	return &images{t, image.Store{Dir: filepath.Join(t.TempDir(), "images"), Registry: registry.Registry}, registry, program}
}

// push puts the nth image into the registry.
func (i *images) push(nth int) string {
	i.t.Helper()
	program := filepath.Join(i.t.TempDir(), "program")
	require.NoError(i.t, os.WriteFile(program, fmt.Appendf(i.program[:len(i.program):len(i.program)], "%d", nth), 0o700)) //nolint:gosec // a program
	made, err := image.Predictor(program)
	require.NoError(i.t, err)
	ref, err := i.registry.Push(i.t.Context(), made.Repository, made.Image, made.SBOM)
	require.NoError(i.t, err)
	return ref.String()
}

// use asks for an image, and returns its program.
func (i *images) use(ref string) string {
	i.t.Helper()
	program, _, err := i.store.Program(i.t.Context(), ref)
	require.NoError(i.t, err)
	return program
}

func (i *images) folder(ref string) string {
	_, digest, _ := strings.Cut(ref, "@sha256:")
	return filepath.Join(i.store.Dir, digest)
}

// unused says that nobody asked for the image for a time.
func (i *images) unused(ref string, since time.Duration) {
	i.t.Helper()
	at := time.Now().Add(-since)
	require.NoError(i.t, os.Chtimes(filepath.Join(i.folder(ref), "kept.json"), at, at))
}

const long = 15 * 24 * time.Hour

func TestUnpackedImagesThatNobodyAsksForGo(t *testing.T) {
	t.Parallel()
	i := newImages(t)
	old, asked, young, needed, damaged := i.push(1), i.push(2), i.push(3), i.push(4), i.push(5)
	for _, ref := range []string{old, asked, young, needed, damaged} {
		i.use(ref)
	}
	for _, ref := range []string{old, asked, needed} {
		i.unused(ref, long)
	}
	i.unused(young, long-2*24*time.Hour)
	require.NoError(t, os.Remove(filepath.Join(i.folder(damaged), "kept.json")))
	i.use(asked) // it was unused until now
	i.store.Needed = func() []string { return []string{needed} }
	for _, ref := range []string{old, asked, young, needed, damaged} {
		require.DirExists(t, i.folder(ref), "nothing goes as long as nothing comes")
	}

	i.use(i.push(6))
	for ref, stays := range map[string]bool{old: false, asked: true, young: true, needed: true, damaged: false} {
		if stays {
			require.DirExists(t, i.folder(ref))
		} else {
			require.NoDirExists(t, i.folder(ref))
		}
	}
	require.NoError(t, exec.Command(i.use(old)).Run(), "the registry has it")

	i.registry.Stop()
	for _, ref := range []string{asked, young, needed} {
		require.NoError(t, exec.Command(i.use(ref)).Run(), "what stayed is whole")
	}
}

// A needed image that cannot be named keeps all of them: it may be any.
func TestNothingGoesWhereItIsNotKnownWhatIsNeeded(t *testing.T) {
	t.Parallel()
	i := newImages(t)
	old := i.push(1)
	i.use(old)
	i.unused(old, long)
	i.store.Needed = func() []string { return []string{"loanops-api:latest"} }
	i.use(i.push(2))
	require.DirExists(t, i.folder(old))
}

// What a process that was killed left behind goes with the next image, also of one that nobody asks for again; what another process is at stays.
func TestWhatKilledProcessesLeftGoes(t *testing.T) {
	t.Parallel()
	i := newImages(t)
	unpacking, removing, busy := i.push(1), i.push(2), i.push(3)
	for _, ref := range []string{unpacking, removing, busy} {
		i.use(ref)
	}
	for _, ref := range []string{unpacking, removing} {
		require.NoError(t, os.Rename(i.folder(ref), i.folder(ref)+".new"))
	}
	i.unused(busy, long)
	require.NoError(t, os.CopyFS(i.folder(busy)+".new", os.DirFS(i.folder(busy))))
	held := flock.New(i.folder(busy) + ".lock")
	free, err := held.TryLock()
	require.NoError(t, err)
	require.True(t, free)

	i.use(i.push(4))
	require.NoDirExists(t, i.folder(unpacking)+".new")
	require.NoDirExists(t, i.folder(removing)+".new")
	require.DirExists(t, i.folder(busy))
	require.DirExists(t, i.folder(busy)+".new", "it is being unpacked")

	require.NoError(t, held.Close())
	i.use(i.push(5))
	require.NoDirExists(t, i.folder(busy))
	require.NoDirExists(t, i.folder(busy)+".new")
}

// Whoever asks for an image gets one that is there, whatever others remove at that moment.
func TestNoImageGoesThatIsAskedForAtThatMoment(t *testing.T) {
	t.Parallel()
	i := newImages(t)
	wanted := i.push(0)
	others := make([]string, 8)
	for nth := range others {
		others[nth] = i.push(nth + 1)
	}
	i.use(wanted)
	var all sync.WaitGroup
	all.Go(func() {
		for _, other := range others { // each unpacks one and so prunes
			at := time.Now().Add(-long)
			_ = os.Chtimes(filepath.Join(i.folder(wanted), "kept.json"), at, at)
			if _, _, err := i.store.Program(t.Context(), other); err != nil {
				t.Error(err)
			}
		}
	})
	all.Go(func() {
		for range 40 {
			program, _, err := i.store.Program(t.Context(), wanted)
			if err == nil {
				_, err = os.Stat(program)
			}
			if err != nil {
				t.Errorf("%v (%v)", err, fault.CodeOf(err))
			}
		}
	})
	all.Wait()
}

// A program of an image that went goes on.
func TestAProgramThatRunsOutlivesItsImage(t *testing.T) {
	t.Parallel()
	i := newImages(t)
	old := i.push(1)
	program := i.use(old)
	cmd := exec.Command(program)
	require.NoError(t, cmd.Start())
	i.unused(old, long)
	i.use(i.push(2))
	require.NoFileExists(t, program)
	var ended *exec.ExitError
	require.False(t, errors.As(cmd.Wait(), &ended), "%v", ended)
}

// Who asks for an image waits for who is about to remove it, and finds out then.
func TestAskingWaitsForWhoRemoves(t *testing.T) {
	t.Parallel()
	i := newImages(t)
	ref := i.push(1)
	i.use(ref)
	removes := flock.New(i.folder(ref) + ".lock")
	free, err := removes.TryLock()
	require.NoError(t, err)
	require.True(t, free)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, _, err = i.store.Program(ctx, ref)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)

	asked := make(chan error, 1)
	go func() {
		program, _, err := i.store.Program(t.Context(), ref)
		if err == nil {
			err = exec.Command(program).Run()
		}
		asked <- err
	}()
	require.NoError(t, os.RemoveAll(i.folder(ref)))
	require.NoError(t, removes.Close())
	require.NoError(t, <-asked)
}
