package prune

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/retention"
	"github.com/loanops/loanops/internal/serving"
	"github.com/loanops/loanops/internal/store"
)

// kept is a database and a store with objects of every kind. All of it is older than the limit of its pruning.
type kept struct {
	t      *testing.T
	store  *artifact.Store
	folder string // where the server keeps the objects
	reg    registry.Registry
	pruner Pruner
	open   Open
}

func newKept(t *testing.T) *kept {
	t.Helper()
	dir := t.TempDir()
	at, stop, err := s3test.Serve(dir)
	require.NoError(t, err)
	t.Cleanup(stop)
	k := &kept{t: t, folder: filepath.Join(dir, "s3", "objects", "loanops")}
	k.store, err = artifact.Open(t.Context(), artifact.Config{Bucket: "loanops", CacheDir: t.TempDir(), S3: at})
	require.NoError(t, err)
	k.reg = emptyRegistry(t)
	database, err := k.reg.Identity(t.Context())
	require.NoError(t, err)
	require.NoError(t, k.store.Claim(t.Context(), database))
	require.NoError(t, k.store.NoteNamespace(t.Context(), "home"))
	k.pruner = Pruner{Namespace: "home", Registry: k.reg, Objects: k.store, Before: time.Now().Add(time.Hour), Open: func(context.Context) (Open, error) { return k.open, nil }}
	return k
}

// emptyRegistry is one of its own identity.
func emptyRegistry(t *testing.T) registry.Registry {
	t.Helper()
	reg, err := store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "loanops.db"))
	require.NoError(t, err)
	t.Cleanup(func() { reg.Close() })
	return reg
}

// began is when the runs of these tests started.
var began = time.Date(2026, 6, 30, 10, 0, 0, 0, time.UTC)

func (k *kept) put(content, extension string) artifact.Ref {
	k.t.Helper()
	ref, err := k.store.Put(k.t.Context(), []byte(content), "text/plain", extension)
	require.NoError(k.t, err)
	return ref
}

func (k *kept) putJSON(value any) artifact.Ref {
	k.t.Helper()
	data, err := json.Marshal(value)
	require.NoError(k.t, err)
	return k.put(string(data), "json")
}

// dataset stores a manifest of one part.
func (k *kept) dataset(rows string) (manifest, part artifact.Ref) {
	k.t.Helper()
	part = k.put(rows, "parquet")
	return k.putJSON(dataset.Manifest{Columns: []dataset.Field{{Name: "a"}}, Rows: 1, Parts: []dataset.Part{{SHA256: part.SHA256, Bytes: part.Bytes, Rows: 1}}}), part
}

// young makes an object younger than the limit.
func (k *kept) young(ref artifact.Ref) {
	k.t.Helper()
	k.written(ref, k.pruner.Before.Add(time.Hour))
}

// written says when an object was written last.
func (k *kept) written(ref artifact.Ref, at time.Time) {
	k.t.Helper()
	require.NoError(k.t, os.Chtimes(filepath.Join(k.folder, strings.TrimPrefix(ref.URI, "s3://loanops/")), at, at))
}

func (k *kept) cached(key string, result any) {
	k.t.Helper()
	data, err := json.Marshal(result)
	require.NoError(k.t, err)
	require.NoError(k.t, k.reg.PutCachedStep(k.t.Context(), registry.CachedStep{Key: key, Step: "SplitData", Result: data}))
}

// prune removes, and returns what was said and what is left.
func (k *kept) prune(really bool) (Result, []string) {
	k.t.Helper()
	done, err := k.pruner.Run(k.t.Context(), really)
	require.NoError(k.t, err)
	all, _, err := k.store.All(k.t.Context())
	require.NoError(k.t, err)
	left := []string{}
	for _, o := range all {
		left = append(left, o.SHA256)
	}
	return done, left
}

// handed is a run that goes on and was started with an object.
func handed(ref artifact.Ref) OpenRun {
	return OpenRun{Payloads: [][]byte{[]byte(`{"uploads":["` + ref.URI + `"]}`)}}
}

func digestsOf(refs ...artifact.Ref) (all []string) {
	for _, ref := range refs {
		all = append(all, ref.SHA256)
	}
	return all
}

// A mistyped database knows of no version: pruned by it, nothing of the bucket would be left.
func TestTheBucketOfAnotherDatabaseIsNotPruned(t *testing.T) {
	t.Parallel()
	k := newKept(t)
	model := k.put("LOANOPS1", "model")
	k.pruner.Registry = emptyRegistry(t) // empty, of its own identity
	for _, really := range []bool{false, true} {
		_, err := k.pruner.Run(t.Context(), really)
		require.Equal(t, fault.Refused, fault.CodeOf(err), err)
		require.ErrorContains(t, err, "another metadata database")
	}
	there, err := k.store.Exists(t.Context(), model)
	require.NoError(t, err)
	require.True(t, there)

	at, stop, err := s3test.Serve(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(stop)
	nobodys, err := artifact.Open(t.Context(), artifact.Config{Bucket: "loanops", CacheDir: t.TempDir(), S3: at})
	require.NoError(t, err)
	k.pruner.Objects = nobodys
	_, err = k.pruner.Run(t.Context(), true)
	require.Equal(t, fault.Refused, fault.CodeOf(err), err)
}

// A Temporal that is not the runs' knows of none of them: pruned by it, what they were handed would be gone.
func TestTheRunsOfAnotherNamespaceAreNotPruned(t *testing.T) {
	t.Parallel()
	k := newKept(t)
	nobodys := k.put("rows that a run of the other was handed", "csv")
	for _, test := range []struct{ name, noted, here, says string }{
		{"the shell names another one", "home", "elsewhere", "s3://loanops/loanops-namespaces/home"},
		{"runs of both have kept something", "elsewhere", "home", "s3://loanops/loanops-namespaces/elsewhere"},
	} {
		require.NoError(t, k.store.NoteNamespace(t.Context(), test.noted))
		k.pruner.Namespace = test.here
		for _, really := range []bool{false, true} {
			_, err := k.pruner.Run(t.Context(), really)
			require.Equal(t, fault.Refused, fault.CodeOf(err), test.name)
			require.ErrorContains(t, err, test.says, test.name)
		}
	}
	require.NoError(t, os.RemoveAll(filepath.Join(k.folder, "loanops-namespaces")))
	_, err := k.pruner.Run(t.Context(), true)
	require.Equal(t, fault.Refused, fault.CodeOf(err))
	require.ErrorContains(t, err, "nothing says in which Temporal namespace")
	there, err := k.store.Exists(t.Context(), nobodys)
	require.NoError(t, err)
	require.True(t, there)
}

// A registered version stays whole: its artifacts, the parts of its datasets, its raw files, and the pages of its run and of its delivery.
func TestNothingThatAVersionNeedsIsPruned(t *testing.T) {
	t.Parallel()
	k := newKept(t)
	ctx := t.Context()
	manifest, part := k.dataset("rows of a version")
	raw := k.put("a,b\n1,2\n", "csv")
	sources := k.putJSON(map[string]any{"relations": []any{map[string]any{"files": []any{map[string]any{"uri": raw.URI, "sha256": raw.SHA256}}}}})
	bundle, schema, listed, swapSet := k.put("LOANOPS1", "model"), k.putJSON("a schema"), k.putJSON("what the run made"), k.put("<html>", "html")
	_, _, err := k.reg.RegisterVersion(ctx, registry.ModelVersion{
		Name: "cards", Digest: bundle.SHA256, Meaning: "default", Bundle: bundle, Hyperparameters: json.RawMessage("{}"), RunID: "run-1",
		Artifacts: map[string]artifact.Ref{artifact.Dataset: manifest, artifact.Sources: sources},
	})
	require.NoError(t, err)
	_, err = k.reg.PutSchemaVersion(ctx, registry.SchemaVersion{Pipeline: "cards", Schema: schema, Declared: schema}, nil)
	require.NoError(t, err)
	result, err := json.Marshal(map[string]any{"artifacts": map[string]artifact.Ref{artifact.Manifest: listed}})
	require.NoError(t, err)
	require.NoError(t, k.reg.PutRun(ctx, registry.Run{ID: "run-1", WorkflowID: "training-cards", Pipeline: "cards", Status: registry.RunCompleted, EndedAt: began, Result: result}))
	require.NoError(t, k.reg.PutRunArtifacts(ctx, "run-2", map[string]artifact.Ref{artifact.SwapSetHTML: swapSet}))
	record, err := serving.Record{Pipeline: "cards", Environment: serving.Production}.Prepare(serving.Track{Version: 1, Policy: "p"}, "")
	require.NoError(t, err)
	_, err = k.reg.TakeGeneration(ctx, record.By(serving.Author{Writer: "delivery-cards/run-2", Actor: "ada", Reason: "it passed", Operation: "op"}))
	require.NoError(t, err)
	k.cached("of the version", map[string]artifact.Ref{"dataset": manifest})
	handed := k.put("rows that a spec names by its object", "csv")
	require.NoError(t, k.reg.PutPipeline(ctx, registry.NewPipelineSpec(pipeline.Spec{Name: "cards"}, []byte("source: {uri: "+handed.URI+"}"))))

	needed := digestsOf(manifest, part, raw, sources, bundle, schema, listed, swapSet, handed)
	done, left := k.prune(true)
	require.ElementsMatch(t, needed, left)
	require.Zero(t, done.Total)
	require.Zero(t, done.CachedSteps)
	require.Equal(t, map[string]int{modelVersions: 5, schemaVersions: 1, pipelineSpecs: 1, deliveries: 1, modelRuns: 1}, objectsOf(done.Kept))
}

func objectsOf(counts map[string]retention.Count) map[string]int {
	objects := map[string]int{}
	for why, count := range counts {
		objects[why] = count.Objects
	}
	return objects
}

// What nothing needs goes, with the cached steps that point to it; what is younger than the limit, and what that names, stays.
func TestWhatNothingNeedsIsPruned(t *testing.T) {
	t.Parallel()
	k := newKept(t)
	ctx := t.Context()
	refused, oldPart := k.dataset("rows of a refused training")
	page, slice := k.put("<html>", "html"), k.put("state", "slice")
	recent, recentPart := k.dataset("rows of a young dataset")
	k.young(recent)
	shared := k.putJSON("an empty quarantine")
	k.young(shared)
	for id, made := range map[string]artifact.Ref{"old": refused, "young": k.put("made by a young run", "html"), "open": k.put("made by one that goes on", "html")} {
		run := registry.Run{ID: id, WorkflowID: "training-" + id, Status: registry.RunCompleted, EndedAt: began}
		switch id {
		case "young":
			run.EndedAt = k.pruner.Before
		case "open":
			run.Status, run.EndedAt = registry.RunRunning, time.Time{}
		}
		require.NoError(t, k.reg.PutRun(ctx, run))
		require.NoError(t, k.reg.PutRunArtifacts(ctx, id, map[string]artifact.Ref{"page": made}))
	}
	uploaded := k.put("id\n1\n", "csv.gz")
	k.open.Runs = []OpenRun{handed(uploaded)}
	k.cached("refused", map[string]artifact.Ref{"dataset": refused, "quarantine": shared})
	k.cached("slice", map[string]any{"state": slice, "parts": []artifact.Ref{oldPart}})
	k.cached("recent", map[string]artifact.Ref{"dataset": recent, "quarantine": shared})
	require.NoError(t, os.MkdirAll(filepath.Join(k.folder, "terraform"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(k.folder, "terraform", "production.tfstate"), []byte("{}"), 0o600))
	goes := digestsOf(refused, oldPart, page, slice)

	said, before := k.prune(false)
	require.Subset(t, before, goes, "without --delete nothing goes")
	require.False(t, said.Deleted)
	require.Equal(t, map[string]int{"rows": 1, "documents": 1, "pages": 1, "slices": 1}, objectsOf(said.Objects))
	require.Equal(t, retention.Count{Objects: 4, Bytes: refused.Bytes + oldPart.Bytes + page.Bytes + slice.Bytes}, said.Total)
	require.Equal(t, 2, said.CachedSteps)
	require.Equal(t, 3, said.Others, "a state of Terraform, and whose the bucket is: its database and its namespace")
	require.Equal(t, map[string]int{recentRuns: 2, openWorkflows: 1, retention.Young: 3}, objectsOf(said.Kept))

	done, left := k.prune(true)
	said.Deleted = true
	require.Equal(t, said, done, "it does what it said")
	for _, digest := range goes {
		require.NotContains(t, left, digest)
	}
	require.ElementsMatch(t, left, digestsOf(recent, recentPart, shared, uploaded, k.put("made by a young run", "html"), k.put("made by one that goes on", "html")))
	_, err := os.Stat(filepath.Join(k.folder, "terraform", "production.tfstate"))
	require.NoError(t, err)
	steps, err := k.reg.CachedSteps(ctx)
	require.NoError(t, err)
	require.Len(t, steps, 1)
	require.Equal(t, "recent", steps[0].Key)

	again, _ := k.prune(true)
	require.Zero(t, again.Total)
}

// forgetful is a registry that does not forget.
type forgetful struct {
	registry.Registry
	then func()
	fail error
}

func (f forgetful) DeleteCachedSteps(ctx context.Context, keys []string, before time.Time) (int, error) {
	if f.fail != nil {
		return 0, f.fail
	}
	n, err := f.Registry.DeleteCachedSteps(ctx, keys, before)
	f.then()
	return n, err
}

// Rows of the step cache go first, and a run that took one of them until then keeps what it took.
func TestCachedStepsAreForgottenBeforeTheirObjectsGo(t *testing.T) {
	t.Parallel()
	k := newKept(t)
	taken, part := k.dataset("rows")
	k.cached("taken", map[string]artifact.Ref{"dataset": taken})
	k.pruner.Registry = forgetful{Registry: k.reg, fail: context.DeadlineExceeded}
	_, err := k.pruner.Run(t.Context(), true)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	all, _, err := k.store.All(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2, "the row still points to them")

	k.pruner.Registry = forgetful{Registry: k.reg, then: func() { k.open.Runs = []OpenRun{handed(taken)} }}
	done, left := k.prune(true)
	require.ElementsMatch(t, digestsOf(taken, part), left)
	require.Equal(t, 1, done.CachedSteps)
	require.Zero(t, done.Total)
	require.Equal(t, map[string]int{openWorkflows: 2}, objectsOf(done.Kept))
}

// What a run that goes on has made or was started with, and what a schedule hands over, stands in no record yet.
func TestWhatIsOpenIsKept(t *testing.T) {
	t.Parallel()
	k := newKept(t)
	made, brought, scheduled := k.put("made", "html"), k.put("id\n1\n", "csv"), k.put("id\n2\n", "csv")
	k.put("nobody's", "csv")
	require.NoError(t, k.reg.PutRunArtifacts(t.Context(), "open", map[string]artifact.Ref{"page": made}))
	run := handed(brought)
	run.ID = "open"
	k.open = Open{Runs: []OpenRun{run}, Schedules: [][]byte{[]byte(`{"data":"` + scheduled.URI + `"}`)}}
	done, left := k.prune(true)
	require.ElementsMatch(t, digestsOf(made, brought, scheduled), left)
	require.Equal(t, map[string]int{openWorkflows: 2, openSchedules: 1}, objectsOf(done.Kept))

	away := fault.New(fault.Unavailable, "nobody answers")
	k.pruner.Open = func(context.Context) (Open, error) { return Open{}, away }
	k.put("nobody's", "csv")
	_, err := k.pruner.Run(t.Context(), true)
	require.ErrorIs(t, err, away)
	all, _, err := k.store.All(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 4, "what goes on is not known: nothing is removed")
}

// A run makes again what a refused one has left long ago, while what is needed is read: nothing names it yet, but it is young then.
func TestWhatIsPutAgainMeanwhileIsKept(t *testing.T) {
	t.Parallel()
	k := newKept(t)
	k.pruner.Before = time.Now().Add(-24 * time.Hour)
	again, nobodys := k.put("rows of a refused training", "parquet"), k.put("rows of another one", "parquet")
	old := k.pruner.Before.Add(-time.Hour)
	k.written(again, old)
	k.written(nobodys, old)
	looks := 0
	k.pruner.Open = func(context.Context) (Open, error) {
		if looks++; looks == 2 { // after objects were listed for the last time
			require.Equal(t, again, k.put("rows of a refused training", "parquet"))
		}
		return Open{}, nil
	}
	done, left := k.prune(true)
	require.Equal(t, digestsOf(again), left)
	require.Equal(t, map[string]retention.Count{"rows": {Objects: 1, Bytes: nobodys.Bytes}}, done.Objects, "what is told is what is gone")
	require.Equal(t, done.Objects["rows"], done.Total)
}
