package prune

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/store/featuredb"
)

// computed keeps what the offline store would of a day of a view.
func (k *kept) computed(rows string) (manifest artifact.Ref, objects []artifact.Ref) {
	k.t.Helper()
	of, tiles := k.put(rows, "parquet"), k.put("tiles of "+rows, "parquet")
	partition := feature.Partition{Period: feature.Period{First: 20_000, Last: 20_000}, From: of.SHA256, Rows: 1, Days: 1}
	partition.Objects.Rows, partition.Objects.Tiles = feature.Object{SHA256: of.SHA256, Bytes: of.Bytes}, &feature.Object{SHA256: tiles.SHA256, Bytes: tiles.Bytes}
	m := feature.Manifest{Computable: feature.Computable{View: &feature.View{Name: "bureau"}, Version: 1}, Partitions: []feature.Partition{partition}}
	data, err := m.Encode()
	require.NoError(k.t, err)
	manifest = k.put(string(data), "json")
	return manifest, []artifact.Ref{manifest, of, tiles}
}

func nameOf(t *testing.T, ref artifact.Ref) json.RawMessage {
	data, err := json.Marshal(ref)
	require.NoError(t, err)
	return data
}

// What the offline store has of a view is needed by no run and no version: the feature database says that it is. What an older training was joined from, its run says.
func TestWhatTheFeatureDatabaseNamesIsKept(t *testing.T) {
	t.Parallel()
	k := newKept(t)
	features, err := featuredb.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "features.db"))
	require.NoError(t, err)
	defer features.Close()
	_, err = features.Register(t.Context(), 0, []feature.Registered{{Kind: feature.KindView, Name: "bureau", Version: 1, Meaning: "m", Document: []byte("{}"), Stage: feature.Active, Actor: "ada"}})
	require.NoError(t, err)
	replaced, gone := k.computed("before")
	current, needed := k.computed("now")
	online, held := k.computed("what the online store holds")
	joined, trained := k.computed("what a version was trained on")
	for _, ref := range []artifact.Ref{replaced, current} {
		require.NoError(t, features.PutManifest(t.Context(), "bureau", 1, nameOf(t, ref)))
	}
	_, err = features.Begin(t.Context(), "bureau", 1, 0, string(nameOf(t, online)))
	require.NoError(t, err)
	k.version("cards", "run", artifact.Ref{})
	require.NoError(t, k.reg.PutRunArtifacts(t.Context(), "run", map[string]artifact.Ref{"view bureau@1": joined}))
	require.NoError(t, k.reg.PutCachedStep(t.Context(), registry.CachedStep{Key: "k", Step: ViewStep, Result: nameOf(t, current)}))

	for _, mistaken := range []feature.Offline{nil, emptyFeatures(t)} { // a setting that is forgotten, or mistyped
		k.pruner.Features = mistaken
		for _, really := range []bool{false, true} {
			_, err := k.pruner.Run(t.Context(), really)
			require.Equal(t, fault.Refused, fault.CodeOf(err))
			require.ErrorContains(t, err, "LOANOPS_FEATURES_DATABASE")
		}
	}
	k.pruner.Features = features
	done, left := k.prune(true)
	require.ElementsMatch(t, append(append(digestsOf(needed...), digestsOf(held...)...), digestsOf(trained...)...), left)
	require.Equal(t, len(gone), done.Total.Objects)
	require.Equal(t, map[string]int{views: 6, modelRuns: 3}, objectsOf(done.Kept))
	require.Zero(t, done.CachedSteps)

	k.pruner.Features = emptyFeatures(t) // of another platform
	_, err = k.pruner.Run(t.Context(), true)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.NoError(t, features.Close())
	k.pruner.Features = features
	_, err = k.pruner.Run(t.Context(), true)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "what is not known to be needed may be")
}

func emptyFeatures(t *testing.T) feature.Store {
	s, err := featuredb.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "features.db"))
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}
