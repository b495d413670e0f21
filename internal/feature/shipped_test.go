package feature_test

import (
	"context"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/features"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/store/featuredb"
)

func empty(t *testing.T) feature.Store {
	t.Helper()
	store, err := featuredb.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "features.db"))
	require.NoError(t, err)
	t.Cleanup(func() { store.Close() })
	return store
}

// The definitions that come with LoanOps are there from the beginning, and never in the way of what people declare.
func TestShippedDefinitionsAreDeclaredOnce(t *testing.T) {
	t.Parallel()
	store := empty(t)
	rows, err := feature.DeclareShipped(t.Context(), store, features.FS, "loanops up")
	require.NoError(t, err)
	catalogue, err := feature.NewCatalogue(rows)
	require.NoError(t, err)
	_, err = catalogue.Service("loan_eligibility")
	require.NoError(t, err)
	require.Equal(t, "loanops up", rows[0].Actor)

	other := fstest.MapFS{"more.yaml": {Data: []byte("entities:\n  - {name: household, keys: [household_id]}\n")}}
	again, err := feature.DeclareShipped(t.Context(), store, other, "loanops up")
	require.NoError(t, err)
	require.Equal(t, rows, again, "there is something already")

	_, err = feature.DeclareShipped(t.Context(), empty(t), fstest.MapFS{"bad.yaml": {Data: []byte("views: 7\n")}}, "loanops up")
	require.ErrorContains(t, err, "bad.yaml:1:8")
}

// racing is a register in which somebody declares just before one's own.
type racing struct {
	feature.Store
	first []feature.Registered
}

func (r *racing) Register(ctx context.Context, after int64, rows []feature.Registered) ([]feature.Registered, error) {
	if len(r.first) > 0 {
		first := r.first
		r.first = nil
		if _, err := r.Store.Register(ctx, after, first); err != nil {
			return nil, err
		}
	}
	return r.Store.Register(ctx, after, rows)
}

func TestOneOfTwoDeclaresWhatIsShipped(t *testing.T) {
	t.Parallel()
	store := empty(t)
	first := feature.Registered{Kind: feature.KindEntity, Name: "household", Version: 1, Meaning: "m", Stage: feature.Active, Actor: "ada", What: "new", Document: []byte(`{"name":"household","keys":["household_id"]}`)}
	rows, err := feature.DeclareShipped(t.Context(), &racing{store, []feature.Registered{first}}, features.FS, "worker")
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, "ada", rows[0].Actor)
}
