package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
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
	fromImages := func(a *agent) { a.cfg.Program = images.Program }

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

// What an image starts its program with comes before what every predictor is told.
func TestAnImagesOwnArgumentsComeFirst(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(a *agent) {
		program := deploytest.Program(t)
		a.cfg.Program = func(context.Context, string) (string, []string, error) {
			return program, []string{"predictor", "--first"}, nil
		}
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
		good := a.cfg.Program
		a.cfg.Program = func(ctx context.Context, image string) (string, []string, error) {
			if away {
				return "", nil, fault.New(fault.Unavailable, "the registry is away")
			}
			return good(ctx, image)
		}
	})
	spec := b.spec(1, deploytest.Behaviour{})
	_, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, spec, 1)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "the registry is away")
	away = false
	b.put(contract.Blue, spec)
}
