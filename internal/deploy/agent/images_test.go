package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/runtime/processes"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/image/imagetest"
)

// A predictor runs in the very image that its track names, and an agent that starts again needs no registry for it.
func TestPredictorsRunTheirImagesProgramEvenWhenTheRegistryIsAway(t *testing.T) {
	t.Parallel()
	registry := imagetest.Serve(t, true)
	made, err := image.Predictor(imagetest.Build(t, "github.com/loanops/loanops/internal/deploy/deploytest/standin", false))
	require.NoError(t, err)
	ref, err := registry.Push(t.Context(), made.Repository, made.Image, made.SBOM)
	require.NoError(t, err)
	dir, bundles := t.TempDir(), t.TempDir()
	images := image.Store{Dir: filepath.Join(dir, "images"), Registry: registry.Registry}
	fromImages := func(a *agent) { a.cfg.Runtime = programs(dir, images.Program) }

	b := openBench(t, dir, bundles, fromImages)
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 1))
	spec := b.spec(1, deploytest.Behaviour{})
	spec.Image = ref.String()
	track := b.put(contract.Blue, spec)
	running, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", track.PID))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(images.Dir, ref.Digest, "root", "loanops-api"), running)
	b.close()

	registry.Stop()
	b = openBench(t, dir, bundles, fromImages)
	b.await("ready", func() bool { return b.track(contract.Blue).State == contract.TrackReady })
	require.Equal(t, spec, b.track(contract.Blue).Spec)

	// Another image cannot be had now. What serves goes on; the write can be repeated.
	other := spec
	other.Image = "loanops-api@sha256:" + strings.Repeat("0", 64)
	_, err = b.provider.PutTrack(t.Context(), environment, product, contract.Blue, other, 1)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, other.Image)
	require.Equal(t, contract.TrackReady, b.track(contract.Blue).State)
	require.Equal(t, spec, b.track(contract.Blue).Spec)
	_, err = b.provider.PutTrack(t.Context(), environment, product, contract.Green, other, 1)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	require.Equal(t, contract.TrackFailed, b.track(contract.Green).State)
	require.Contains(t, b.track(contract.Green).Message, other.Image)
}

// What a track may have to start again stays on this machine, whatever comes and however long ago it started, also for an agent that was started anew; what is
// no track's any more goes.
func TestTheImagesOfTracksStay(t *testing.T) {
	t.Parallel()
	registry := imagetest.Serve(t, true)
	program, err := os.ReadFile(imagetest.Build(t, "github.com/loanops/loanops/internal/deploy/deploytest/standin", false))
	require.NoError(t, err)
	push := func(nth int) string {
		file := filepath.Join(t.TempDir(), "loanops-api")
		require.NoError(t, os.WriteFile(file, fmt.Appendf(program[:len(program):len(program)], "%d", nth), 0o700)) //nolint:gosec // a program
		made, err := image.Predictor(file)
		require.NoError(t, err)
		ref, err := registry.Push(t.Context(), made.Repository, made.Image, made.SBOM)
		require.NoError(t, err)
		return ref.String()
	}
	dir, bundles := t.TempDir(), t.TempDir()
	folder := func(image string) string {
		_, digest, _ := strings.Cut(image, "@sha256:")
		return filepath.Join(dir, "images", digest)
	}
	longAgo := func(image string) {
		at := time.Now().AddDate(0, -1, 0)
		require.NoError(t, os.Chtimes(filepath.Join(folder(image), "kept.json"), at, at))
	}
	fromImages := func(a *agent) {
		a.cfg.Runtime = programs(dir, (&image.Store{Dir: filepath.Join(dir, "images"), Registry: registry.Registry, Needed: a.images}).Program)
	}
	b := openBench(t, dir, bundles, fromImages)
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 1))
	first, second := b.spec(1, deploytest.Behaviour{}), b.spec(2, deploytest.Behaviour{})
	first.Image, second.Image = push(1), push(2)
	b.put(contract.Blue, first)
	longAgo(first.Image)
	b.put(contract.Green, second)
	require.DirExists(t, folder(first.Image), "its track runs")
	b.close()

	longAgo(second.Image)
	b = openBench(t, dir, bundles, fromImages)
	b.await("ready", func() bool {
		return b.track(contract.Blue).State == contract.TrackReady && b.track(contract.Green).State == contract.TrackReady
	})
	longAgo(first.Image)
	longAgo(second.Image)
	second.Image = push(3)
	before := b.track(contract.Green).Spec.Image
	b.put(contract.Green, second)
	require.DirExists(t, folder(first.Image))
	longAgo(before) // another took its place
	first.Image = push(4)
	b.put(contract.Blue, first)
	require.NoDirExists(t, folder(before))
}

// Who keeps images is told whom to ask before anything is started.
func TestWhoeverKeepsImagesIsToldWhichAreNeeded(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, t.TempDir())
	var ask func() []string
	cfg.Runtime = newEngine(&processes.Runtime{Needed: func(images func() []string) { ask = images }})
	a, err := open(cfg)
	require.NoError(t, err)
	defer a.close()
	require.Empty(t, ask())
	spec := contract.TrackSpec{Image: "an image"}
	a.tracks[key{environment, product, contract.Blue}] = &track{saved: &spec, job: &job{cancel: func() {}, spec: contract.TrackSpec{Image: "the next"}}}
	require.ElementsMatch(t, []string{"an image", "the next"}, ask())
}

// What an image starts its program with comes before what every predictor is told.
func TestAnImagesOwnArgumentsComeFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(a *agent) {
		program := deploytest.Program(t)
		a.cfg.Runtime = programs(a.cfg.Dir, func(context.Context, string) (string, []string, error) {
			return program, []string{"predictor", "--first"}, nil
		})
	})
	track := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))
	var arguments []string
	getJSON(t, track.URL+"/arguments", &arguments)
	require.Equal(t, []string{"--first", "predictor", "--bundle"}, arguments[:3])
}

// A track is put again when its image can be had.
func TestATrackWhoseImageCouldNotBeHadIsPutAgain(t *testing.T) {
	t.Parallel()
	away := true
	b := newBench(t, func(a *agent) {
		good := deploytest.Programs(t)
		a.cfg.Runtime = programs(a.cfg.Dir, func(ctx context.Context, image string) (string, []string, error) {
			if away {
				return "", nil, fault.New(fault.Unavailable, "the registry is away")
			}
			return good(ctx, image)
		})
	})
	spec := b.spec(1, deploytest.Behaviour{})
	_, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, spec, 1)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "the registry is away")
	away = false
	b.put(contract.Blue, spec)
}
