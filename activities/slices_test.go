package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// dying is a store that is gone after some files.
type dying struct {
	*objects
	left atomic.Int64
}

func (d *dying) PutFile(ctx context.Context, path, mediaType, ext string) (artifact.Ref, error) {
	if d.left.Add(-1) < 0 {
		return artifact.Ref{}, fault.New(fault.Unavailable, "away")
	}
	return d.objects.PutFile(ctx, path, mediaType, ext)
}

// noting notes what is put.
type noting struct {
	*objects
	mu  sync.Mutex
	put map[string]bool
}

func (n *noting) note(ref artifact.Ref, err error) (artifact.Ref, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.put[ref.SHA256] = true
	return ref, err
}

func (n *noting) Put(ctx context.Context, data []byte, mediaType, ext string) (artifact.Ref, error) {
	return n.note(n.objects.Put(ctx, data, mediaType, ext))
}

func (n *noting) PutFile(ctx context.Context, path, mediaType, ext string) (artifact.Ref, error) {
	return n.note(n.objects.PutFile(ctx, path, mediaType, ext))
}

// A run whose worker died in the midst of its rows goes on with the slices that it had finished, and has the same dataset. That is so in one pass over
// the rows, and in the second of two.
func TestAnExtractionGoesOnWhereItWas(t *testing.T) {
	joined := filepath.Join(t.TempDir(), "joined.csv")
	require.NoError(t, os.WriteFile(joined, []byte("application_id,branch\nA-000001,north\n"), 0o600))
	path := newBench(t).flat(t)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(data), "\n")
	for i := 40; i < len(lines); i += 128 { // two in a slice break a rule
		fields := strings.Split(lines[i], ",")
		fields[1] = "2126-01-01"
		lines[i] = strings.Join(fields, ",")
	}
	require.Contains(t, lines[0], "application_id,application_date,")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600))
	const slices, unkept = 12, 3 // of 3,000 rows with 256 in each

	for name, change := range map[string]func(*pipeline.Spec){
		"one pass": func(*pipeline.Spec) {},
		"a join and two passes": func(s *pipeline.Spec) {
			s.Source.Join = []pipeline.Join{{Relation: pipeline.Relation{URI: joined}, On: pipeline.Names{"application_id"}}}
			s.Clean = append(s.Clean, pipeline.CleanStep{DropDuplicates: &pipeline.DropDuplicates{Key: []string{"application_id"}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			extract := func(b *bench, objects Objects, path string) (ExtractOutput, error) {
				b.spec.Clean = nil
				b.spec.Source = pipeline.Source{Relation: pipeline.Relation{URI: path}}
				change(&b.spec)
				b.stages.Extraction.Cache.Objects, b.stages.Extraction.rowsPerSlice = objects, 256
				return b.extract(t, b.spec.Source)
			}
			undisturbed := newBench(t)
			want, err := extract(undisturbed, undisturbed.objects, path)
			require.NoError(t, err)
			require.EqualValues(t, 24, want.Refused)
			require.Zero(t, want.Resumed)
			m, refs, err := manifest(t.Context(), undisturbed.objects, want.Dataset)
			require.NoError(t, err)
			require.Len(t, m.Parts, slices)

			b := newBench(t)
			store := &dying{objects: b.objects}
			store.left.Store(19) // of 24: one pass stores a slice's quarantine with it, two passes store all of it before
			_, err = extract(b, store, path)
			require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
			kept := len(b.registry.steps)
			require.Positive(t, kept)
			again := &noting{objects: b.objects, put: map[string]bool{}}
			got, err := extract(b, again, path)
			require.NoError(t, err)
			require.False(t, got.Cached)
			for _, ref := range refs {
				require.True(t, again.put[ref.SHA256], "a part that is there is put again, or it would be removed for its age before the run names it")
			}
			for _, step := range b.registry.steps {
				if step.Step == finishedSlice.Name {
					var slice sliceOutput
					require.NoError(t, json.Unmarshal(step.Result, &slice))
					require.True(t, again.put[slice.State.SHA256], "a slice's state as well")
				}
			}
			require.Equal(t, kept, got.Resumed)
			require.Contains(t, got.Summary(), fmt.Sprintf("%d slices of them taken from a try that was interrupted", kept))
			got.Resumed = 0
			require.Equal(t, want, got, "the dataset, its quarantine and its facts")

			// A slice whose part is gone is made again.
			for key, step := range b.registry.steps {
				if step.Step == ExtractData.Name {
					delete(b.registry.steps, key)
				}
			}
			delete(b.objects.bytes, refs[unkept].SHA256)
			got, err = extract(b, b.objects, path)
			require.NoError(t, err)
			require.Equal(t, slices-unkept-1, got.Resumed)
			require.Equal(t, want.Dataset, got.Dataset)
			require.Contains(t, b.objects.bytes, refs[unkept].SHA256)

			// No slice of other rows is taken, though all but one are the same.
			other := filepath.Join(t.TempDir(), "other.csv")
			require.NoError(t, os.WriteFile(other, []byte(strings.Join(lines[:len(lines)-2], "")), 0o600))
			got, err = extract(b, b.objects, other)
			require.NoError(t, err)
			require.Zero(t, got.Resumed)
		})
	}
}

// Who does not begin again keeps no slices.
func TestSlicesAreKeptWhereAWorkerMayDie(t *testing.T) {
	b := newBench(t)
	b.stages.Extraction.rowsPerSlice, b.stages.Extraction.Resumes = 256, false
	var from pipeline.Source
	from.URI = b.flat(t)
	_, err := b.extract(t, from)
	require.NoError(t, err)
	require.Len(t, b.registry.steps, 1, "the dataset alone")
}
