package predictor

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/api/features"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/sha256hex"
	"github.com/loanops/loanops/internal/store/featuredb"
	"github.com/loanops/loanops/internal/transform"
)

const benched = 1000 // applicants

// lookingUp is what a decision asks with, of a server of features on SQLite that holds twenty features of three views.
func lookingUp(b *testing.B) *store {
	dir := b.TempDir()
	db, err := featuredb.Open(b.Context(), "sqlite://"+filepath.Join(dir, "features.db"))
	require.NoError(b, err)
	b.Cleanup(func() { db.Close() })
	row := func(kind feature.Kind, name string, of any) feature.Registered {
		document, err := json.Marshal(of)
		require.NoError(b, err)
		return feature.Registered{Kind: kind, Name: name, Version: 1, Meaning: name, Document: document, Stage: feature.Active, Actor: "ada"}
	}
	_, err = db.Register(b.Context(), 0, []feature.Registered{row(feature.KindEntity, "applicant", feature.Entity{Name: "applicant", Keys: []string{"applicant_id"}})})
	require.NoError(b, err)
	contract := request.Contract{Identifiers: []string{"applicant_id"}, Store: forgiving}
	var signature []transform.Field
	now := feature.InstantOf(time.Now())
	for i, size := range []int{7, 7, 6} {
		v := feature.View{Name: fmt.Sprintf("view_%d", i), Entity: "applicant", Keys: []string{"applicant_id"}, Events: true, TTL: feature.Span(90 * 24 * time.Hour)}
		values := map[string]float64{}
		for j := range size {
			name := fmt.Sprintf("f_%d_%d", i, j)
			v.Features = append(v.Features, feature.Feature{Name: name, Type: pipeline.Number})
			contract.Added = append(contract.Added, pipeline.Column{Name: name, Type: pipeline.Number, Feature: v.Name + "@1:" + name, Keys: map[string]string{"applicant_id": "applicant_id"}, MissingMax: 1})
			signature = append(signature, transform.Field{Name: name, Type: pipeline.Number, Nullable: true})
			values[name] = float64(j) / 8
		}
		_, err := db.Register(b.Context(), int64(1+i), []feature.Registered{row(feature.KindView, v.Name, v)})
		require.NoError(b, err)
		data, err := json.Marshal(values)
		require.NoError(b, err)
		var posted []feature.Posted
		for n := range benched {
			posted = append(posted, feature.Posted{ID: fmt.Sprint(n), Key: feature.KeyOf(fmt.Sprint(n)), Names: feature.KeyOf(v.Keys...), Event: now - 1, Values: data})
		}
		reader := v.Reader()
		_, err = db.Append(b.Context(), v.Name, posted, func() feature.Instant { return now }, func(_ feature.Registered, _ feature.Key, state []byte, rows []feature.Logged, of feature.Extent) ([]byte, error) {
			return reader.Fold(state, rows, of, now)
		})
		require.NoError(b, err)
	}
	keys, key := filepath.Join(dir, "keys.json"), filepath.Join(dir, "key")
	require.NoError(b, os.WriteFile(keys, fmt.Appendf(nil, `{"reader":{"sha256":%q,"rights":["read"]}}`, sha256hex.Of([]byte("key"))), 0o600))
	require.NoError(b, os.WriteFile(key, []byte("key"), 0o600))
	served, err := features.New(db, keys)
	require.NoError(b, err)
	server := httptest.NewServer(served.Handler())
	b.Cleanup(server.Close)
	applications, err := request.NewApplications(contract, signature)
	require.NoError(b, err)
	var cfg Config
	cfg.Features.URL, cfg.Features.KeyFile = server.URL, key
	s, err := newStore(cfg, applications, contract)
	require.NoError(b, err)
	return s
}

// The read inside a decision: from its question to what is known, over HTTP. The server shares the processors with the callers.
func BenchmarkLookUp(b *testing.B) {
	s := lookingUp(b)
	for _, callers := range []int{1, 4, 16} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			took := make([][]time.Duration, callers)
			b.ResetTimer()
			var all sync.WaitGroup
			for c := range callers {
				all.Go(func() {
					for n := c; n < b.N; n += callers {
						began := time.Now()
						known, err := s.of(b.Context(), []request.Application{{Keys: []string{fmt.Sprint(n * 7919 % benched)}}})
						if err != nil || known[0].statuses[19] != feature.Present || known[0].values[1].Number != 0.125 {
							b.Error(err, known)
							return
						}
						took[c] = append(took[c], time.Since(began))
					}
				})
			}
			all.Wait()
			times := slices.Concat(took...)
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
