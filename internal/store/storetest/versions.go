package storetest

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

func pipelineVersion(pipeline, digest string) registry.PipelineVersion {
	return registry.PipelineVersion{
		Pipeline: pipeline, Package: "pipelines/" + pipeline + "@sha256:" + digest, Predictor: "loanops-api@sha256:cd", Commit: "c0ffee", SpecDigest: "spec",
		Tree: artifact.Ref{URI: "s3://b/tree", SHA256: "tree"}, RunID: "run",
	}
}

func pipelineVersions(t *testing.T, db Database) {
	r := db.Open(t)
	none, err := r.PipelineVersions(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, []registry.PipelineVersion{}, none)

	first, created, err := r.PutPipelineVersion(ctx(t), pipelineVersion("loans", "aa"))
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, 1, first.Version)
	require.False(t, first.CreatedAt.IsZero())

	again := pipelineVersion("loans", "aa")
	again.RunID = "another"
	same, created, err := r.PutPipelineVersion(ctx(t), again)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, first, same, "the same package is the version that is there")

	second, created, err := r.PutPipelineVersion(ctx(t), pipelineVersion("loans", "bb"))
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, 2, second.Version)
	other, _, err := r.PutPipelineVersion(ctx(t), pipelineVersion("cards", "aa"))
	require.NoError(t, err)
	require.Equal(t, 1, other.Version, "each pipeline counts its own")

	all, err := r.PipelineVersions(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, []registry.PipelineVersion{second, first}, all, "newest first")

	_, _, err = r.PutPipelineVersion(ctx(t), registry.PipelineVersion{Pipeline: "loans"})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// Two runs that publish at the same time take a number each.
func pipelineVersionsAtOnce(t *testing.T, db Database) {
	r := db.Open(t)
	var all sync.WaitGroup
	for _, digest := range []string{"aa", "bb", "cc", "dd", "aa", "bb"} {
		all.Go(func() {
			_, _, err := r.PutPipelineVersion(ctx(t), pipelineVersion("loans", digest))
			if err != nil {
				t.Errorf("putting %s: %v", digest, err)
			}
		})
	}
	all.Wait()
	versions, err := r.PipelineVersions(ctx(t), "loans")
	require.NoError(t, err)
	require.Len(t, versions, 4)
	for i, v := range versions {
		require.Equal(t, 4-i, v.Version)
	}
}
