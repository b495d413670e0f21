package featuredb_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/store/featuredb"
)

// What a decision asks: what three views hold of one entity of 20,000, 400 bytes each. And what an event costs, with what it changes online, until it is durable.
func BenchmarkFeatures(b *testing.B) {
	for name, url := range map[string]func() string{
		"SQLite":     func() string { return "sqlite://" + filepath.Join(b.TempDir(), "features.db") },
		"PostgreSQL": func() string { return server.Database(b) },
	} {
		s, err := featuredb.Open(b.Context(), url())
		require.NoError(b, err)
		defer s.Close()
		var views []feature.Registered
		for _, view := range []string{"bureau", "payments", "incomes"} {
			views = append(views, feature.Registered{Kind: feature.KindView, Name: view, Version: 1, Meaning: view, Document: []byte("{}"), Stage: feature.Active, Actor: "ada"})
		}
		_, err = s.Register(b.Context(), 0, views)
		require.NoError(b, err)
		const entities = 20_000
		rows := make([]feature.Computed, entities)
		for i := range rows {
			rows[i] = feature.Computed{Key: feature.KeyOf(fmt.Sprintf("applicant-%06d", i)), Files: make([]byte, 400)}
		}
		for _, view := range views {
			p, err := s.Begin(b.Context(), view.Name, 1, 0, "manifest")
			require.NoError(b, err)
			require.NoError(b, s.Put(b.Context(), view.Name, 1, p.Generation, rows, func(_ feature.Key, _, files []byte) ([]byte, error) { return files, nil }))
		}
		var n atomic.Int64
		read := func() {
			at := make([]feature.Address, len(views))
			for i := range views {
				at[i] = feature.Address{View: views[i].Name, Version: 1, Key: rows[n.Add(7919)%entities].Key}
			}
			states, err := s.Read(b.Context(), at)
			if err != nil || len(states[2]) != 400 {
				b.Error(err)
			}
		}
		b.Run(name+"/read", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				read()
			}
		})
		b.Run(name+"/read/64 callers", func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					read()
				}
			})
		})
		appendOne := func(of int) { // one of so many entities
			i := n.Add(1)
			_, err := s.Append(b.Context(), "payments", []feature.Posted{{ID: fmt.Sprint(i), Key: rows[i%int64(of)].Key, Names: feature.KeyOf("applicant_id"), Event: feature.Instant(i), Values: []byte(`{"amount":1}`)}},
				func() feature.Instant { return 1 }, func(_ feature.Registered, _ feature.Key, state []byte, _ []feature.Logged, _ feature.Extent) ([]byte, error) {
					return state, nil
				})
			if err != nil {
				b.Error(err)
			}
		}
		b.Run(name+"/append", func(b *testing.B) {
			for b.Loop() {
				appendOne(entities)
			}
		})
		b.Run(name+"/append/one entity and day", func(b *testing.B) {
			for b.Loop() {
				appendOne(1)
			}
		})
		b.Run(name+"/append/64 callers", func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					appendOne(entities)
				}
			})
		})
	}
}
