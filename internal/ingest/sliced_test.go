package ingest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// counting counts the slices that are decoded.
type counting struct {
	source.Relation
	decoded atomic.Int64
}

func (c *counting) Next(ctx context.Context) (source.Slice, error) {
	s, err := c.Relation.Next(ctx)
	decode := s.Decode
	s.Decode = func(ctx context.Context) (arrow.RecordBatch, error) {
		c.decoded.Add(1)
		return decode(ctx)
	}
	return s, err
}

// finished are the slices that were kept, by their first rows.
type finished struct {
	mu     sync.Mutex
	states map[int64][]byte
	parts  map[string]bool // by digest
}

func (f *finished) once(ctx context.Context, first int64, work func(context.Context) (ingest.Finished, error)) ([]byte, error) {
	f.mu.Lock()
	state := f.states[first]
	f.mu.Unlock()
	if state != nil {
		return state, nil
	}
	done, err := work(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.states[first] = done.State
	for _, part := range done.Parts {
		f.parts[part.SHA256] = true
	}
	return done.State, nil
}

// mortal is a store that is gone after some parts.
type mortal struct {
	*kept
	left atomic.Int64
}

func (m *mortal) keep(ctx context.Context, path string) (dataset.Part, error) {
	if m.left.Add(-1) < 0 {
		return dataset.Part{}, fault.New(fault.Unavailable, "away")
	}
	return m.kept.keep(ctx, path)
}

// What is seen of a run by who reads its results.
func seen(t *testing.T, out ingest.Output) string {
	t.Helper()
	out.Resumed = 0
	text, err := json.Marshal(out)
	require.NoError(t, err)
	return string(text)
}

// A run that died in its midst, and died again, takes what was finished and gives the dataset, the findings and the profile of one that never did,
// with any number of workers.
func TestARunGoesOnWithFinishedSlices(t *testing.T) {
	t.Parallel()
	spec, csv, parquet := population(t)
	const slices, first = 12, 3 // of 3,000 rows with 256 in each; the first ones are never kept
	asOf := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	for _, path := range []string{csv, parquet} {
		for _, workers := range []int{1, 2, 7} {
			t.Run(fmt.Sprintf("%d workers, %s", workers, filepath.Ext(path)), func(t *testing.T) {
				t.Parallel()
				spec := spec
				spec.Source.URI = path
				whole, _, err := run(t, spec, 256, workers, asOf, path)
				require.NoError(t, err)
				require.Greater(t, whole.Checked.Failing, int64(20))
				require.Greater(t, whole.Later, int64(100))

				done := &finished{states: map[int64][]byte{}, parts: map[string]bool{}}
				attempt := func(parts int) (ingest.Output, int, error) {
					relation, err := source.Open(t.Context(), pipeline.Relation{URI: path}, []source.File{{Name: path, Path: path}}, source.Options{RowsPerSlice: 256})
					require.NoError(t, err)
					defer relation.Close()
					rows := &counting{Relation: relation}
					store := &mortal{kept: &kept{folder: t.TempDir()}}
					store.left.Store(int64(parts))
					out, err := ingest.Run(t.Context(), ingest.Input{
						Spec: spec, Rows: rows, AsOf: asOf, KnownAt: knownAt, Keep: store.keep, Once: done.once, Folder: t.TempDir(), Workers: workers, Progress: func(int64) {},
					})
					return out, int(rows.decoded.Load()), err
				}
				for _, parts := range []int{11, 13} { // most slices have two parts, one of them in quarantine
					_, _, err = attempt(parts)
					require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
				}
				before := len(done.states)
				require.Positive(t, before)
				require.Less(t, before, slices-first)
				out, decoded, err := attempt(1000)
				require.NoError(t, err)
				require.Equal(t, before, out.Resumed)
				require.Equal(t, slices-before, decoded)
				require.Equal(t, seen(t, whole), seen(t, out))
				require.NotContains(t, done.states, int64(256*(first-1)))
				require.Contains(t, done.states, int64(256*first))
				for _, part := range out.Dataset.Parts[first:] {
					require.Contains(t, done.parts, part.SHA256)
				}

				again, decoded, err := attempt(2 * first)
				require.NoError(t, err)
				require.Equal(t, first, decoded)
				require.Equal(t, slices-first, again.Resumed)
				require.Equal(t, seen(t, whole), seen(t, again))
			})
		}
	}
}

// A state that is none is told of.
func TestWhatIsNoStateIsAFault(t *testing.T) {
	t.Parallel()
	spec, csv, _ := population(t)
	relation, err := source.Open(t.Context(), pipeline.Relation{URI: csv}, []source.File{{Name: csv, Path: csv}}, source.Options{RowsPerSlice: 256})
	require.NoError(t, err)
	defer relation.Close()
	k := &kept{folder: t.TempDir()}
	_, err = ingest.Run(t.Context(), ingest.Input{
		Spec: spec, Rows: relation, KnownAt: knownAt, Keep: k.keep, Folder: t.TempDir(), Progress: func(int64) {},
		Once: func(context.Context, int64, func(context.Context) (ingest.Finished, error)) ([]byte, error) {
			return []byte("no"), nil
		},
	})
	require.Equal(t, fault.Internal, fault.CodeOf(err))
	require.ErrorContains(t, err, "a slice that was kept")
}
