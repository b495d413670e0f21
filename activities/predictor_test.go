package activities

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// The images that pipeline versions were published with.
var (
	firstImage  = "loanops-api@sha256:" + strings.Repeat("a1", 32)
	secondImage = "loanops-api@sha256:" + strings.Repeat("b2", 32)
)

// publish records a version of the pipeline, as an integration does.
func (m *memory) publish(t *testing.T, name, spec, commit, predictor string) {
	t.Helper()
	_, created, err := m.PutPipelineVersion(t.Context(), registry.PipelineVersion{Pipeline: name, Package: "pipelines/" + name + "@sha256:" + commit, SpecDigest: spec, Commit: commit, Predictor: predictor,
		RunID: "run-" + commit + predictor, Trigger: registry.ByHand})
	require.NoError(t, err)
	require.True(t, created)
}

// What a training registers, from the spec that it loaded to the image that its version names. Wanted by hand.
func TestAModelServesInTheImageOfItsPipelineVersion(t *testing.T) {
	t.Parallel()
	const another = "another"
	for name, test := range map[string]struct {
		published func(t *testing.T, m *memory, spec string)
		pipeline  int
		predictor string
	}{
		"registered by hand": {func(*testing.T, *memory, string) {}, 0, ""},
		"published":          {func(t *testing.T, m *memory, spec string) { m.publish(t, product, spec, "c1", firstImage) }, 1, firstImage},
		"published twice, with another predictor": {func(t *testing.T, m *memory, spec string) {
			m.publish(t, product, spec, "c1", firstImage)
			m.publish(t, product, spec, "c2", secondImage)
		}, 2, secondImage},
		"a commit changed the spec, and the next one took that back": {func(t *testing.T, m *memory, spec string) {
			m.publish(t, product, spec, "c1", firstImage)
			m.publish(t, product, another, "c2", firstImage)
			m.publish(t, product, spec, "c3", secondImage)
		}, 3, secondImage},
		"the spec of an older version, registered again by hand": {func(t *testing.T, m *memory, spec string) {
			m.publish(t, product, spec, "c1", firstImage)
			m.publish(t, product, another, "c2", secondImage)
		}, 1, firstImage},
		"another spec, registered by hand after a commit": {func(t *testing.T, m *memory, _ string) { m.publish(t, product, another, "c1", firstImage) }, 0, ""},
		"the same spec of another pipeline":               {func(t *testing.T, m *memory, spec string) { m.publish(t, "other-loans", spec, "c1", firstImage) }, 0, ""},
		"published without a predictor":                   {func(t *testing.T, m *memory, spec string) { m.publish(t, product, spec, "c1", "") }, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			test.published(t, b.registry, b.registry.specs[product][0].Digest)
			loaded, err := b.stages.Pipelines.Load(t.Context(), PipelineInput{Pipeline: product})
			require.NoError(t, err)
			require.Equal(t, test.pipeline, loaded.Version)
			b.trained("a")
			_, err = b.stages.Models.Register(t.Context(), RegisterInput{Model: product, SpecDigest: loaded.Digest, PipelineVersion: loaded.Version})
			require.NoError(t, err)
			version := b.registry.versions[0]
			require.Equal(t, test.pipeline, version.Lineage.Pipeline)
			require.Equal(t, test.predictor, version.Predictor)
		})
	}
}

// A registration that is tried again is the same one, though the spec was published once more meanwhile: its run began with the version before.
func TestWhatIsPublishedMeanwhileIsOfTheNextTraining(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	spec := b.registry.specs[product][0].Digest
	b.registry.publish(t, product, spec, "c1", firstImage)
	b.trained("a")
	in := RegisterInput{Model: product, SpecDigest: spec, PipelineVersion: 1}
	first, err := b.stages.Models.Register(t.Context(), in)
	require.NoError(t, err)
	b.registry.publish(t, product, spec, "c2", secondImage)
	again, err := b.stages.Models.Register(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, RegisterOutput{Version: first.Version, Digest: first.Digest}, again)

	in.PipelineVersion = 2
	next, err := b.stages.Models.Register(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, RegisterOutput{Version: 2, Digest: "a", Created: true}, next, "the same bundle in the next image is to be delivered")
	require.Equal(t, secondImage, b.registry.versions[1].Predictor)

	in.PipelineVersion = 3
	_, err = b.stages.Models.Register(t.Context(), in)
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)
}

// Every track runs in the image of its own version, whoever brings it up and whatever the worker's settings say by then.
func TestTracksRunInTheImagesThatTheirVersionsName(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.records.versions[1].Predictor, s.records.versions[2].Predictor = firstImage, secondImage // version 1 was trained by hand
	images := func() map[int]string {
		found := map[int]string{}
		for _, spec := range s.targets[serving.Production].tracks {
			found[spec.ModelVersion] = spec.Image
		}
		return found
	}
	e := s.stage()
	nth := 0
	promote := func(version int) {
		t.Helper()
		nth++
		if s.newest().Champion == nil {
			s.did(e.Prepare(t.Context(), s.change(version, fmt.Sprint("prepare ", nth))))
		} else {
			s.did(e.Weigh(t.Context(), s.weigh(version, 5, fmt.Sprint("weigh ", nth))))
		}
		out := s.did(e.Promote(t.Context(), s.change(version, fmt.Sprint("promote ", nth))))
		_, err := e.Adopt(t.Context(), FollowInput{Model: product, Generation: out.Generation})
		require.NoError(t, err)
	}
	promote(1)
	require.Equal(t, map[int]string{1: predictorImage}, images())
	_, err := e.Stage(t.Context(), s.change(2, "stage"))
	require.NoError(t, err)
	require.Equal(t, firstImage, s.targets[serving.Staging].tracks["blue"].Image)
	promote(2)
	require.Equal(t, map[int]string{1: predictorImage, 2: firstImage}, images())

	newer := "loanops-api@sha256:" + strings.Repeat("c3", 32)
	e.Image = newer // the worker was replaced
	_, err = e.Plan(t.Context(), PlanInput{Candidate: s.records.candidate(t, 3), Environment: serving.Staging})
	require.NoError(t, err)
	for _, spec := range s.planned.Tracks {
		require.Equal(t, secondImage, spec.Image)
	}
	s.did(e.Restore(t.Context(), s.change(2, "restore")))
	require.Equal(t, map[int]string{1: predictorImage, 2: firstImage}, images(), "what runs goes on as it runs")
	promote(3)
	require.Equal(t, map[int]string{2: firstImage, 3: secondImage}, images())

	// The agent has lost everything: what comes back is in the image of its version, by going back to it as well.
	s.targets[serving.Production].tracks = map[string]contract.TrackSpec{}
	lost := s.did(e.Restore(t.Context(), s.change(3, "restore what is lost")))
	_, err = e.Adopt(t.Context(), FollowInput{Model: product, Generation: lost.Generation})
	require.NoError(t, err)
	require.Equal(t, map[int]string{3: secondImage}, images())
	promote(2)
	require.Equal(t, map[int]string{2: firstImage, 3: secondImage}, images())
	promote(1)
	require.Equal(t, map[int]string{1: newer, 2: firstImage}, images(), "a version that names none is brought up in what the worker has now")
}
