package image_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
)

// stored is a registry with an image, and a store that takes from it.
func stored(t *testing.T) (*imagetest.Registry, image.Store, string) {
	t.Helper()
	registry, made := imagetest.Serve(t, true), hello(t)
	ref, err := registry.Push(t.Context(), made.Repository, made.Image, made.SBOM)
	require.NoError(t, err)
	return registry, image.Store{Dir: filepath.Join(t.TempDir(), "images"), Registry: registry.Registry}, ref.String()
}

func TestStoreRunsAnImagesProgramWithAndWithoutItsRegistry(t *testing.T) {
	t.Parallel()
	registry, store, ref := stored(t)
	program, args, err := store.Program(t.Context(), ref)
	require.NoError(t, err)
	require.Empty(t, args)
	out, err := exec.Command(program, "there").Output()
	require.NoError(t, err)
	require.Equal(t, "hello there\n", string(out))

	registry.Stop()
	again, _, err := store.Program(t.Context(), ref)
	require.NoError(t, err, "what is here needs no registry")
	require.Equal(t, program, again)
	elsewhere := image.Store{Dir: t.TempDir(), Registry: store.Registry}
	_, _, err = elsewhere.Program(t.Context(), ref)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	entries, err := filepath.Glob(filepath.Join(elsewhere.Dir, "*.new"))
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestStoreUnpacksWhatIsDamagedAnew(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, program string){
		"program changed": func(t *testing.T, program string) {
			require.NoError(t, os.Chmod(program, 0o700))
			data, err := os.ReadFile(program)
			require.NoError(t, err)
			data[len(data)/2] ^= 1
			require.NoError(t, os.WriteFile(program, data, 0o700)) //nolint:gosec // a program must be executable
		},
		"program removed": func(t *testing.T, program string) { require.NoError(t, os.Remove(program)) },
		"note removed": func(t *testing.T, program string) {
			require.NoError(t, os.Remove(filepath.Join(filepath.Dir(program), "..", "kept.json")))
		},
		"note cut off": func(t *testing.T, program string) {
			note := filepath.Join(filepath.Dir(program), "..", "kept.json")
			require.NoError(t, os.Remove(note))
			require.NoError(t, os.WriteFile(note, []byte("{"), 0o600))
		},
		"killed while unpacking": func(t *testing.T, program string) {
			folder := filepath.Join(filepath.Dir(program), "..")
			require.NoError(t, os.Rename(folder, folder+".new"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry, store, ref := stored(t)
			program, _, err := store.Program(t.Context(), ref)
			require.NoError(t, err)
			damage(t, program)
			program, _, err = store.Program(t.Context(), ref)
			require.NoError(t, err)
			require.NoError(t, exec.Command(program).Run())
			damage(t, program)
			registry.Stop()
			_, _, err = store.Program(t.Context(), ref)
			require.Equal(t, fault.Unavailable, fault.CodeOf(err), "a damaged program is not run for want of another: %v", err)
		})
	}
}

func TestStoreUnpacksOnceForAll(t *testing.T) {
	t.Parallel()
	_, store, ref := stored(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			program, _, err := store.Program(t.Context(), ref)
			if err == nil {
				err = exec.Command(program).Run()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestStoreRefuses(t *testing.T) {
	t.Parallel()
	registry, store, ref := stored(t)
	_, _, err := store.Program(t.Context(), "loanops-api:latest")
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
	_, _, err = store.Program(t.Context(), ref[:len(ref)-64]+strings.Repeat("0", 64))
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)

	list := hello(t).SBOM // an artifact is no program
	pushed, err := registry.Push(t.Context(), "loanops-api", list)
	require.NoError(t, err)
	_, _, err = store.Program(t.Context(), pushed.String())
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = store.Program(ctx, ref)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
}
