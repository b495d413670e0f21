// Package storetest is the registry's contract as tests: every database runs the same ones.
package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// Database opens handles on one fresh database. Tamper runs a statement behind the registry's back, with the protection
// of append-only tables taken away.
type Database struct {
	Open   func(t *testing.T) registry.Registry
	Tamper func(t *testing.T, statement string)
}

// Run runs the contract; fresh makes a new, empty database.
func Run(t *testing.T, fresh func(t *testing.T) Database) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Database)
	}{
		{"Pipelines", pipelines},
		{"VersionsAreNumberedWithoutGaps", versions},
		{"VersionsUnderConcurrency", concurrentVersions},
		{"AliasesMoveTogether", aliases},
		{"AliasOperationsAreIdempotent", idempotentAliases},
		{"AliasesUnderConcurrency", concurrentAliases},
		{"AliasChainShowsTampering", tampering},
		{"Runs", runs},
		{"CanaryChecks", canaryChecks},
		{"CachedSteps", cachedSteps},
		{"OpenTwiceAtOnce", openAtOnce},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, fresh(t)) })
	}
}

func ctx(t *testing.T) context.Context { return t.Context() }

func register(t *testing.T, r registry.Registry, name, digest string) registry.ModelVersion {
	t.Helper()
	v, _, err := r.RegisterVersion(ctx(t), registry.ModelVersion{
		Name: name, Digest: digest, Bundle: artifact.Ref{URI: "s3://b/" + digest, SHA256: digest, Bytes: 7},
		Algorithm: "logistic", Hyperparameters: json.RawMessage(`{"l2":0.1}`),
		Metrics:   map[string]registry.Metric{"auc": {Estimate: 0.1 + 0.2, Lower: 0.29, Upper: 1.0 / 3}},
		Artifacts: map[string]artifact.Ref{"test": {URI: "s3://b/t"}},
		Lineage:   registry.Lineage{Dataset: "d", Rows: 12}, RunID: "run-" + digest,
	})
	require.NoError(t, err)
	return v
}

func pipelines(t *testing.T, db Database) {
	r := db.Open(t)
	_, err := r.Pipeline(ctx(t), "loans")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	put := func(name, digest string) {
		require.NoError(t, r.PutPipeline(ctx(t), registry.PipelineSpec{Name: name, Digest: digest, YAML: []byte("yaml of " + digest)}))
	}
	put("loans", "a")
	put("loans", "b")
	put("cards", "c")
	put("loans", "b")
	spec, err := r.Pipeline(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, "yaml of b", string(spec.YAML))
	require.WithinDuration(t, time.Now(), spec.CreatedAt, time.Minute)
	put("loans", "a") // going back is a new row
	spec, err = r.Pipeline(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, "a", spec.Digest)
	all, err := r.Pipelines(ctx(t))
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "cards", all[0].Name)
	require.Equal(t, fault.Invalid, fault.CodeOf(r.PutPipeline(ctx(t), registry.PipelineSpec{})))
}

func versions(t *testing.T, db Database) {
	r := db.Open(t)
	none, err := r.Versions(ctx(t), "loans")
	require.NoError(t, err)
	require.Empty(t, none)
	first := register(t, r, "loans", "aa")
	require.Equal(t, 1, first.Version)
	require.Equal(t, 1, register(t, r, "cards", "aa").Version, "numbers are per model")
	require.Equal(t, 2, register(t, r, "loans", "bb").Version)
	again, created, err := r.RegisterVersion(ctx(t), registry.ModelVersion{Name: "loans", Digest: "aa", Algorithm: "another"})
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, first, again, "a version never changes")
	got, err := r.Version(ctx(t), "loans", 1)
	require.NoError(t, err)
	require.Equal(t, first, got)
	_, err = r.Version(ctx(t), "loans", 3)
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	list, err := r.Versions(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, []int{2, 1}, []int{list[0].Version, list[1].Version})
	all, err := r.Versions(ctx(t), "")
	require.NoError(t, err)
	require.Len(t, all, 3)
	_, _, err = r.RegisterVersion(ctx(t), registry.ModelVersion{Name: "loans"})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

// Writers of two processes' handles get the numbers 1 to n, each once.
func concurrentVersions(t *testing.T, db Database) {
	handles := []registry.Registry{db.Open(t), db.Open(t)}
	const n = 12
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			_, _, err := handles[i%2].RegisterVersion(ctx(t), registry.ModelVersion{Name: "loans", Digest: fmt.Sprint(i), Hyperparameters: json.RawMessage(`{}`)})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	list, err := handles[0].Versions(ctx(t), "loans")
	require.NoError(t, err)
	require.Len(t, list, n)
	for i, v := range list {
		require.Equal(t, n-i, v.Version)
	}
}

func operation(id string, changes ...registry.AliasChange) registry.AliasOperation {
	return registry.AliasOperation{ID: id, Name: "loans", Actor: "ada", Reason: "because", Changes: changes}
}

func aliases(t *testing.T, db Database) {
	r := db.Open(t)
	register(t, r, "loans", "aa")
	register(t, r, "loans", "bb")
	_, err := r.MoveAliases(ctx(t), operation("1", registry.AliasChange{Alias: registry.Champion, Version: 1}))
	require.NoError(t, err)
	moves, err := r.MoveAliases(ctx(t), operation("2",
		registry.AliasChange{Alias: registry.Champion, Version: 2}, registry.AliasChange{Alias: registry.Previous, Version: 1},
		registry.AliasChange{Alias: registry.Challenger, Version: 0}))
	require.NoError(t, err)
	require.Len(t, moves, 2, "a change that changes nothing leaves no row")
	require.Equal(t, 1, moves[0].From)
	now, err := r.Aliases(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, map[string]int{registry.Champion: 2, registry.Previous: 1}, now)
	history, err := r.AliasHistory(ctx(t), "loans")
	require.NoError(t, err)
	require.Len(t, history, 3)
	require.Equal(t, moves, history[1:])

	_, err = r.MoveAliases(ctx(t), operation("3", registry.AliasChange{Alias: registry.Champion, Version: 1}, registry.AliasChange{Alias: registry.Previous, Version: 9}))
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	now, err = r.Aliases(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, 2, now[registry.Champion], "all changes or none")
	_, err = r.MoveAliases(ctx(t), registry.AliasOperation{ID: "4", Name: "loans", Reason: "nobody did it"})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
}

func idempotentAliases(t *testing.T, db Database) {
	r := db.Open(t)
	register(t, r, "loans", "aa")
	register(t, r, "loans", "bb")
	first, err := r.MoveAliases(ctx(t), operation("1", registry.AliasChange{Alias: registry.Champion, Version: 1}))
	require.NoError(t, err)
	_, err = r.MoveAliases(ctx(t), operation("2", registry.AliasChange{Alias: registry.Champion, Version: 2}))
	require.NoError(t, err)
	again, err := r.MoveAliases(ctx(t), operation("1", registry.AliasChange{Alias: registry.Champion, Version: 1}))
	require.NoError(t, err)
	require.Equal(t, first, again)
	now, err := r.Aliases(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, 2, now[registry.Champion], "a late repeat does not move the alias back")
}

func concurrentAliases(t *testing.T, db Database) {
	handles := []registry.Registry{db.Open(t), db.Open(t)}
	register(t, handles[0], "loans", "aa")
	register(t, handles[0], "loans", "bb")
	var wait sync.WaitGroup
	for i := range 10 {
		wait.Go(func() {
			if _, err := handles[i%2].MoveAliases(ctx(t), operation(fmt.Sprint(i), registry.AliasChange{Alias: fmt.Sprintf("alias-%d", i), Version: 1 + i%2})); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	history, err := handles[0].AliasHistory(ctx(t), "loans")
	require.NoError(t, err, "the chain holds")
	require.Len(t, history, 10)
}

// A row that somebody altered, removed or put in between is found and named.
func tampering(t *testing.T, db Database) {
	for name, test := range map[string]struct{ statement, want string }{
		"altered version": {"UPDATE alias_moves SET version = 1 WHERE seq = 2", "row 2 was altered"},
		"altered actor":   {"UPDATE alias_moves SET actor = 'mallory' WHERE seq = 1", "row 1 was altered"},
		"removed":         {"DELETE FROM alias_moves WHERE seq = 2", "row 2 is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			r := db.Open(t)
			model := "tampered " + name
			for i, digest := range []string{"aa", "bb", "cc"} {
				register(t, r, model, digest)
				op := operation(digest, registry.AliasChange{Alias: registry.Champion, Version: i + 1})
				op.Name = model
				_, err := r.MoveAliases(ctx(t), op)
				require.NoError(t, err)
			}
			db.Tamper(t, test.statement+fmt.Sprintf(" AND name = '%s'", model))
			_, err := r.AliasHistory(ctx(t), model)
			require.Equal(t, fault.Internal, fault.CodeOf(err))
			require.ErrorContains(t, err, test.want)
			_, err = r.Aliases(ctx(t), model)
			require.ErrorContains(t, err, test.want, "nobody is served from a broken chain")
		})
	}
}

func runs(t *testing.T, db Database) {
	r := db.Open(t)
	started := time.Date(2026, 6, 30, 12, 0, 0, 123456000, time.UTC)
	run := registry.Run{ID: "r1", WorkflowID: "training-loans", Type: "ContinuousTraining", Pipeline: "loans", Status: registry.RunRunning, StartedAt: started}
	require.NoError(t, r.PutRun(ctx(t), run))
	done := run
	done.Status, done.EndedAt, done.Verdict = registry.RunCompleted, started.Add(time.Minute), "promoted"
	done.Result = json.RawMessage(`{"verdict":"promoted"}`)
	done.Steps = []registry.RunStep{{Seq: 1, Name: "TrainModel", Attempts: 2, Duration: 3 * time.Second}}
	require.NoError(t, r.PutRun(ctx(t), done))
	require.NoError(t, r.PutRun(ctx(t), run), "a late record of the beginning")
	got, err := r.Run(ctx(t), "r1")
	require.NoError(t, err)
	require.Equal(t, done, got)
	later := registry.Run{ID: "r2", WorkflowID: "training-loans", Pipeline: "cards", StartedAt: started.Add(time.Hour)}
	require.NoError(t, r.PutRun(ctx(t), later))
	got, err = r.Run(ctx(t), "training-loans")
	require.NoError(t, err)
	require.Equal(t, "r2", got.ID, "a workflow ID names its newest run")
	list, err := r.Runs(ctx(t), "", 0)
	require.NoError(t, err)
	require.Equal(t, []string{"r2", "r1"}, []string{list[0].ID, list[1].ID})
	require.Empty(t, list[1].Steps)
	list, err = r.Runs(ctx(t), "loans", 10)
	require.NoError(t, err)
	require.Len(t, list, 1)
	_, err = r.Run(ctx(t), "nothing")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

func canaryChecks(t *testing.T, db Database) {
	r := db.Open(t)
	check := registry.CanaryCheck{RunID: "r1", Seq: 2, Weight: 20, Tracks: json.RawMessage(`{"stable":{}}`), Verdict: "pass", Reasons: []string{"fine"}}
	require.NoError(t, r.PutCanaryCheck(ctx(t), check))
	first := check
	first.Seq, first.Weight = 1, 5
	require.NoError(t, r.PutCanaryCheck(ctx(t), first))
	changed := check
	changed.Verdict = "fail"
	require.NoError(t, r.PutCanaryCheck(ctx(t), changed))
	got, err := r.CanaryChecks(ctx(t), "r1")
	require.NoError(t, err)
	require.Equal(t, []registry.CanaryCheck{first, check}, got)
}

func cachedSteps(t *testing.T, db Database) {
	r := db.Open(t)
	_, err := r.CachedStep(ctx(t), "k")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.NoError(t, r.PutCachedStep(ctx(t), registry.CachedStep{Key: "k", Step: "TrainModel", Result: json.RawMessage(`{"a":1}`)}))
	require.NoError(t, r.PutCachedStep(ctx(t), registry.CachedStep{Key: "k", Step: "TrainModel", Result: json.RawMessage(`{"a":2}`)}))
	got, err := r.CachedStep(ctx(t), "k")
	require.NoError(t, err)
	require.JSONEq(t, `{"a":1}`, string(got.Result), "the first one wins")
}

// Several programs of a platform open the database at the same moment.
func openAtOnce(t *testing.T, db Database) {
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if err := db.Open(t).Ping(ctx(t)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}
