package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

func pipelineVersion(pipeline, digest, run string) registry.PipelineVersion {
	return registry.PipelineVersion{
		Pipeline: pipeline, Package: "pipelines/" + pipeline + "@sha256:" + digest, Predictor: "loanops-api@sha256:cd", Commit: "c0ffee", SpecDigest: "spec",
		Tree: artifact.Ref{URI: "s3://b/tree", SHA256: "tree"}, RunID: run, Repository: "loans", Owner: "loans", Trigger: registry.ByPush,
	}
}

func pipelineVersions(t *testing.T, db Database) {
	r := db.Open(t)
	none, err := r.PipelineVersions(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, []registry.PipelineVersion{}, none)

	first, created, err := r.PutPipelineVersion(ctx(t), pipelineVersion("loans", "aa", "run-1"))
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, 1, first.Version)
	require.False(t, first.CreatedAt.IsZero())

	same, created, err := r.PutPipelineVersion(ctx(t), pipelineVersion("loans", "aa", "run-2"))
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, first, same, "the newest version's package is that version")

	second, created, err := r.PutPipelineVersion(ctx(t), pipelineVersion("loans", "bb", "run-3"))
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, 2, second.Version)
	same, created, err = r.PutPipelineVersion(ctx(t), pipelineVersion("loans", "aa", "run-1"))
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, first, same, "a run that is repeated publishes nothing else, whatever was published since")
	third, created, err := r.PutPipelineVersion(ctx(t), pipelineVersion("loans", "aa", "run-4"))
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, 3, third.Version, "an older commit once more is what is trained from then on")
	other, _, err := r.PutPipelineVersion(ctx(t), pipelineVersion("cards", "aa", "run-1"))
	require.NoError(t, err)
	require.Equal(t, 1, other.Version, "each pipeline counts its own")

	all, err := r.PipelineVersions(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, []registry.PipelineVersion{third, second, first}, all, "newest first")

	_, _, err = r.PutPipelineVersion(ctx(t), registry.PipelineVersion{Pipeline: "loans"})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// Two runs that publish at the same time take a number each.
func pipelineVersionsAtOnce(t *testing.T, db Database) {
	r := db.Open(t)
	var all sync.WaitGroup
	for _, digest := range []string{"aa", "bb", "cc", "dd", "aa", "bb"} {
		all.Go(func() {
			_, _, err := r.PutPipelineVersion(ctx(t), pipelineVersion("loans", digest, digest))
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

// Whose the pipeline is, is decided where versions are numbered: of two repositories that publish a new pipeline at the same time one has it. An operator may
// publish, and hand it over by saying so.
func pipelineVersionsOwner(t *testing.T, db Database) {
	r := db.Open(t)
	put := func(repository, run string, trigger registry.Trigger, takeOver bool) (owner string, err error) {
		v := pipelineVersion("loans", run, run)
		v.Repository, v.Owner, v.Trigger, v.TakeOver = repository, repository, trigger, takeOver
		v, _, err = r.PutPipelineVersion(ctx(t), v)
		return v.Owner, err
	}
	var all sync.WaitGroup
	var won [2]bool
	for i, repository := range []string{"loans", "cards"} {
		all.Go(func() {
			_, err := put(repository, repository, registry.ByPush, false)
			if won[i] = err == nil; err != nil {
				assert.Equal(t, fault.Refused, fault.CodeOf(err))
			}
		})
	}
	all.Wait()
	require.True(t, won[0] != won[1])
	owner, other := "loans", "cards"
	if won[1] {
		owner, other = other, owner
	}
	for i, test := range []struct {
		repository string
		trigger    registry.Trigger
		takeOver   bool
		want       string
	}{
		{owner, registry.ByPush, false, owner},
		{other, registry.ByPush, false, ""},
		{other, registry.ByPush, true, ""},
		{"/home/ada/loans", registry.ByHand, false, owner},
		{owner, registry.ByPush, false, owner},
		{other, registry.ByHand, true, other},
		{owner, registry.ByPush, false, ""},
		{other, registry.ByPush, false, other},
	} {
		got, err := put(test.repository, fmt.Sprint("run-", i), test.trigger, test.takeOver)
		if test.want == "" {
			require.Equal(t, fault.Refused, fault.CodeOf(err), i)
			require.ErrorContains(t, err, "--take-over")
			continue
		}
		require.NoError(t, err, i)
		require.Equal(t, test.want, got, i)
	}
	same := pipelineVersion("loans", "run-7", "run-9")
	same.Repository, same.Trigger, same.TakeOver = owner, registry.ByHand, true
	handed, created, err := r.PutPipelineVersion(ctx(t), same)
	require.NoError(t, err)
	require.True(t, created, "a pipeline is handed over by a commit that is its newest already")
	require.Equal(t, owner, handed.Owner)
}
