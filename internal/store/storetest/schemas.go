package storetest

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

func schemaVersion(pipeline, says string, parent int) registry.SchemaVersion {
	return registry.SchemaVersion{
		Pipeline: pipeline, Parent: parent, Schema: artifact.Ref{URI: "s3://b/" + says, SHA256: says}, Declared: artifact.Ref{SHA256: "declared"},
		Unused: []string{"new"}, Changes: []string{"column \"purpose\": 1 new category"}, Actor: "data", RunID: "run",
	}
}

var bySpec = &registry.SchemaAcceptance{Actor: "spec", Reason: "declared"}

func schemas(t *testing.T, db Database) {
	r := db.Open(t)
	put := func(says string, parent int, accepted *registry.SchemaAcceptance) registry.SchemaVersion {
		t.Helper()
		v, err := r.PutSchemaVersion(ctx(t), schemaVersion("loans", says, parent), accepted)
		require.NoError(t, err)
		return v
	}
	none, err := r.SchemaVersions(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, []registry.SchemaVersion{}, none)

	first := put("a", 0, bySpec)
	require.Equal(t, 1, first.Version)
	require.True(t, first.Current)
	require.Equal(t, first, put("a", 0, bySpec), "the same again changes nothing")

	proposed := put("b", 1, nil)
	require.Equal(t, 2, proposed.Version)
	require.False(t, proposed.Current)
	require.Empty(t, proposed.Acceptances)
	require.Equal(t, proposed, put("b", 1, nil))

	third := put("c", 1, bySpec)
	require.Equal(t, 3, third.Version)
	require.True(t, third.Current)
	_, err = r.PutSchemaVersion(ctx(t), schemaVersion("loans", "d", 1), bySpec)
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "version 1 is not current any more")

	_, err = r.AcceptSchema(ctx(t), "loans", 2, registry.SchemaAcceptance{Actor: "ada", Reason: "late"})
	require.Equal(t, fault.Refused, fault.CodeOf(err), "version 3 came between")
	_, err = r.AcceptSchema(ctx(t), "loans", 1, registry.SchemaAcceptance{Actor: "ada", Reason: "back"})
	require.NoError(t, err)

	accepted, err := r.AcceptSchema(ctx(t), "loans", 2, registry.SchemaAcceptance{Actor: "ada", Reason: "the bureau changed its file"})
	require.NoError(t, err)
	require.True(t, accepted.Current)
	require.Equal(t, "ada", accepted.Acceptances[0].Actor)
	again, err := r.AcceptSchema(ctx(t), "loans", 2, registry.SchemaAcceptance{Actor: "bob", Reason: "too"})
	require.NoError(t, err)
	require.Equal(t, accepted, again)
	back, err := r.AcceptSchema(ctx(t), "loans", 1, registry.SchemaAcceptance{Actor: "ada", Reason: "it was a mistake"})
	require.NoError(t, err)
	require.Len(t, back.Acceptances, 3)

	again, err = r.PutSchemaVersion(ctx(t), schemaVersion("loans", "c", 1), bySpec)
	require.NoError(t, err)
	require.Equal(t, 3, again.Version)
	require.False(t, again.Current, "a person went back from it")

	all, err := db.Open(t).SchemaVersions(ctx(t), "loans")
	require.NoError(t, err)
	require.Len(t, all, 3)
	current, found := registry.CurrentSchema(all)
	require.True(t, found)
	require.Equal(t, back, current)
	require.Equal(t, []int{3, 2, 1}, []int{all[0].Version, all[1].Version, all[2].Version})

	_, err = r.AcceptSchema(ctx(t), "loans", 9, registry.SchemaAcceptance{Actor: "ada", Reason: "?"})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	_, err = r.PutSchemaVersion(ctx(t), registry.SchemaVersion{Pipeline: "loans"}, nil)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// Of many runs that change the same version one is first; the others hear of it.
func concurrentSchemas(t *testing.T, db Database) {
	r := db.Open(t)
	_, err := r.PutSchemaVersion(ctx(t), schemaVersion("loans", "a", 0), bySpec)
	require.NoError(t, err)
	const writers = 8
	faults := make([]error, writers)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			_, faults[i] = r.PutSchemaVersion(ctx(t), schemaVersion("loans", string(rune('b'+i)), 1), bySpec)
		})
	}
	all.Wait()
	won := 0
	for _, err := range faults {
		if err == nil {
			won++
		} else {
			require.Equal(t, fault.Conflict, fault.CodeOf(err), err)
		}
	}
	require.Equal(t, 1, won)
}
