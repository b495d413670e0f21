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
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
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
		{"FeaturesOfPipelines", featuresOfPipelines},
		{"VersionsAreNumberedWithoutGaps", versions},
		{"VersionsUnderConcurrency", concurrentVersions},
		{"Policies", policies},
		{"PipelineHistory", pipelineHistory},
		{"PipelineAt", pipelineAt},
		{"ServingRecordsHaveTheTime", servingTime},
		{"ServingChainShowsTampering", tampering},
		{"AliasesAreWhatProductionSays", aliases},
		{"Schemas", schemas},
		{"PipelineVersions", pipelineVersions},
		{"PipelineVersionsAtOnce", pipelineVersionsAtOnce},
		{"PipelineVersionsOwner", pipelineVersionsOwner},
		{"SchemasUnderConcurrency", concurrentSchemas},
		{"Alerts", alerts},
		{"AlertsSentAndAcknowledged", alertsSentAndAcknowledged},
		{"AlertsOfWhatComesAndGoes", alertsOfWhatComesAndGoes},
		{"AlertsUnderConcurrency", concurrentAlerts},
		{"SignedRecords", signedRecords},
		{"SignedRecordsUnderConcurrency", concurrentSigned},
		{"SignedRecordsShowTampering", tamperingSigned},
		{"Runs", runs},
		{"RunArtifacts", runArtifacts},
		{"CanaryChecks", canaryChecks},
		{"Looks", looks},
		{"CachedSteps", cachedSteps},
		{"ForgottenSteps", forgottenSteps},
		{"OpenTwiceAtOnce", openAtOnce},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, fresh(t)) })
	}
	Serving(t, func(t *testing.T, versions map[string]int) OpenRecords {
		db := fresh(t)
		for model, n := range versions {
			versionsOf(t, db.Open(t), model, n)
		}
		return func(t *testing.T) serving.Records { return db.Open(t) }
	})
}

func ctx(t *testing.T) context.Context { return t.Context() }

func register(t *testing.T, r registry.Registry, name, digest string) registry.ModelVersion {
	t.Helper()
	v, _, err := r.RegisterVersion(ctx(t), registry.ModelVersion{
		Name: name, Digest: digest, Meaning: pipeline.MeaningDefault, Bundle: artifact.Ref{URI: "s3://b/" + digest, SHA256: digest, Bytes: 7},
		Algorithm: "logistic", Hyperparameters: json.RawMessage(`{"l2":0.1}`),
		Metrics:   map[string]evaluate.Metric{"auc": {Estimate: 0.1 + 0.2, Lower: 0.29, Upper: 1.0 / 3}},
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
		require.NoError(t, r.PutPipeline(ctx(t), spec(name, digest)))
	}
	put("loans", "a")
	put("loans", "b")
	put("cards", "c")
	put("loans", "b")
	current, err := r.Pipeline(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, "yaml of b", string(current.YAML))
	require.WithinDuration(t, time.Now(), current.CreatedAt, time.Minute)
	put("loans", "a") // going back is a new row
	current, err = r.Pipeline(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, "a", current.Digest)
	all, err := r.Pipelines(ctx(t))
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "cards", all[0].Name)
	require.Equal(t, fault.Invalid, fault.CodeOf(r.PutPipeline(ctx(t), registry.PipelineSpec{})))
}

// What a spec's references come to is a part of what is registered: another resolution is another row, and who does not know it changes nothing.
func featuresOfPipelines(t *testing.T, db Database) {
	r := db.Open(t)
	late := pipeline.Column{Name: "late", Type: pipeline.Integer, Feature: "payments@1:late", Keys: map[string]string{"applicant_id": "customer"}, Default: "0"}
	input := pipeline.Column{Name: "paid", Type: pipeline.Decimal, Feature: "payments@1:paid", MissingMax: 1, Unused: true}
	newer := late
	newer.Feature = "payments@2:late"
	for nth, put := range []struct {
		features, want []pipeline.Column
		rows           int
	}{
		{nil, nil, 1},
		{[]pipeline.Column{late, input}, []pipeline.Column{late, input}, 2},
		{[]pipeline.Column{late, input}, []pipeline.Column{late, input}, 2},
		{nil, []pipeline.Column{late, input}, 2},
		{[]pipeline.Column{newer, input}, []pipeline.Column{newer, input}, 3},
	} {
		of := spec("loans", "a")
		of.Features = put.features
		require.NoError(t, r.PutPipeline(ctx(t), of))
		current, err := r.Pipeline(ctx(t), "loans")
		require.NoError(t, err)
		require.Equal(t, put.want, current.Features, "after row %d", nth)
		history, err := r.PipelineHistory(ctx(t), "loans")
		require.NoError(t, err)
		require.Len(t, history, put.rows, "after row %d", nth)
	}
}

// spec is one of a pipeline; all whose digests begin alike declare one policy.
func spec(name, digest string) registry.PipelineSpec {
	return registry.PipelineSpec{Name: name, Digest: digest, YAML: []byte("yaml of " + digest), Policy: policy("policy of " + digest[:1])}
}

func policy(digest string) registry.Policy {
	return registry.Policy{Digest: digest, Document: json.RawMessage(`{"cutoff":0.25,"reasons":{"x":"` + digest + ` <&> é"}}`)}
}

// A policy is kept as the text that its digest is of, once, however many specs declare it, and belongs to its pipeline.
func policies(t *testing.T, db Database) {
	r := db.Open(t)
	for _, of := range [][2]string{{"loans", "a1"}, {"loans", "b1"}, {"loans", "a2"}, {"cards", "c1"}} {
		require.NoError(t, r.PutPipeline(ctx(t), spec(of[0], of[1])))
	}
	found, err := r.Policy(ctx(t), "loans", "policy of a")
	require.NoError(t, err)
	require.Equal(t, policy("policy of a"), found)
	for _, of := range [][2]string{{"cards", "policy of a"}, {"loans", "policy of c"}, {"loans", "policy of"}, {"loans", ""}} {
		_, err := r.Policy(ctx(t), of[0], of[1])
		require.Equal(t, fault.NotFound, fault.CodeOf(err), of)
	}
	history, err := r.PipelineHistory(ctx(t), "loans")
	require.NoError(t, err)
	var declared []string
	for _, spec := range history {
		declared = append(declared, spec.Policy.Digest)
		require.Equal(t, policy(spec.Policy.Digest), spec.Policy)
	}
	require.Equal(t, []string{"policy of a", "policy of b", "policy of a"}, declared)
	require.Equal(t, fault.Invalid, fault.CodeOf(r.PutPipeline(ctx(t), registry.PipelineSpec{Name: "loans", Digest: "d"})), "a spec without a policy")
}

func pipelineHistory(t *testing.T, db Database) {
	r := db.Open(t)
	specs, err := r.PipelineHistory(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, []registry.PipelineSpec{}, specs)
	for _, of := range [][2]string{{"loans", "a"}, {"cards", "c"}, {"loans", "b"}, {"loans", "b"}, {"loans", "a"}} {
		require.NoError(t, r.PutPipeline(ctx(t), spec(of[0], of[1])))
	}
	specs, err = r.PipelineHistory(ctx(t), "loans")
	require.NoError(t, err)
	var digests []string
	for _, spec := range specs {
		require.Equal(t, "loans", spec.Name)
		require.Equal(t, "yaml of "+spec.Digest, string(spec.YAML))
		digests = append(digests, spec.Digest)
	}
	require.Equal(t, []string{"a", "b", "a"}, digests)
	current, err := r.Pipeline(ctx(t), "loans")
	require.NoError(t, err)
	require.Equal(t, current, specs[0])
}

// A spec is found by its digest, whether it is the current one or was once, the last time that it was.
func pipelineAt(t *testing.T, db Database) {
	r := db.Open(t)
	for _, of := range [][2]string{{"loans", "a1"}, {"cards", "c"}, {"loans", "b"}, {"loans", "a1"}, {"loans", "a2"}} {
		require.NoError(t, r.PutPipeline(ctx(t), spec(of[0], of[1])))
	}
	history, err := r.PipelineHistory(ctx(t), "loans")
	require.NoError(t, err)
	for i, digest := range []string{"a2", "a1", "b"} {
		found, err := r.PipelineAt(ctx(t), "loans", digest)
		require.NoError(t, err)
		require.Equal(t, history[i], found)
	}
	for _, of := range [][2]string{{"loans", "c"}, {"loans", "a"}, {"loans", ""}, {"loans", "policy of a"}, {"none", "a1"}} {
		_, err := r.PipelineAt(ctx(t), of[0], of[1])
		require.Equal(t, fault.NotFound, fault.CodeOf(err), of)
		require.ErrorContains(t, err, fmt.Sprintf("no spec of pipeline %q with digest %s is registered", of[0], of[1]))
	}
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
	again, created, err := r.RegisterVersion(ctx(t), registry.ModelVersion{Name: "loans", Digest: "aa", Meaning: pipeline.MeaningDefault, Algorithm: "another"})
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
	for _, incomplete := range []registry.ModelVersion{
		{Name: "loans", Meaning: pipeline.MeaningDefault}, {Name: "loans", Digest: "aa"}, {Digest: "aa", Meaning: pipeline.MeaningDefault},
	} {
		_, _, err = r.RegisterVersion(ctx(t), incomplete)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
	}
	opposite, created, err := r.RegisterVersion(ctx(t), registry.ModelVersion{Name: "loans", Digest: "aa", Meaning: pipeline.MeaningApproval, Hyperparameters: json.RawMessage(`{}`)})
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, 3, opposite.Version, "the same bundle decides the other way round")

	elsewhere := first
	elsewhere.Predictor, elsewhere.Lineage.Pipeline = "loanops-api@sha256:cd", 7
	another, created, err := r.RegisterVersion(ctx(t), elsewhere)
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, 4, another.Version, "the same bundle in the image that a pipeline version names")
	require.Equal(t, []any{"loanops-api@sha256:cd", 7}, []any{another.Predictor, another.Lineage.Pipeline})
	elsewhere.Lineage.Pipeline = 8
	again, created, err = r.RegisterVersion(ctx(t), elsewhere)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, another, again, "a later pipeline version with that image is no other model")
}

// Writers of two processes' handles get the numbers 1 to n, each once.
func concurrentVersions(t *testing.T, db Database) {
	handles := []registry.Registry{db.Open(t), db.Open(t)}
	const n = 12
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			_, _, err := handles[i%2].RegisterVersion(ctx(t), registry.ModelVersion{Name: "loans", Digest: fmt.Sprint(i), Meaning: pipeline.MeaningDefault, Hyperparameters: json.RawMessage(`{}`)})
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

func runArtifacts(t *testing.T, db Database) {
	r := db.Open(t)
	none, err := r.RunArtifacts(ctx(t), "r1")
	require.NoError(t, err)
	require.Equal(t, map[string]artifact.Ref{}, none)
	dataset := artifact.Ref{URI: "s3://b/d", SHA256: "dd", Bytes: 7, MediaType: "application/vnd.apache.parquet"}
	first, second := artifact.Ref{URI: "s3://b/1", SHA256: "11"}, artifact.Ref{URI: "s3://b/2", SHA256: "22"}
	for range 2 { // a step that is tried again notes the same
		require.NoError(t, r.PutRunArtifacts(ctx(t), "r1", map[string]artifact.Ref{artifact.Dataset: dataset, artifact.Bundle: first}))
	}
	require.NoError(t, r.PutRunArtifacts(ctx(t), "r1", map[string]artifact.Ref{artifact.Bundle: second}))
	require.NoError(t, r.PutRunArtifacts(ctx(t), "r2", map[string]artifact.Ref{artifact.Bundle: first}))
	require.NoError(t, r.PutRunArtifacts(ctx(t), "r1", nil))
	got, err := r.RunArtifacts(ctx(t), "r1")
	require.NoError(t, err)
	require.Equal(t, map[string]artifact.Ref{artifact.Dataset: dataset, artifact.Bundle: second}, got)
	require.Equal(t, fault.Invalid, fault.CodeOf(r.PutRunArtifacts(ctx(t), "", map[string]artifact.Ref{artifact.Bundle: first})))
}

func looks(t *testing.T, db Database) {
	r := db.Open(t)
	p := 0.01
	look := registry.Look{
		RunID: "r1", Pipeline: "loans", After: "2026-01-31", AsOf: "2026-02-28", Rows: 700, Matured: 12, Champion: 2, Enough: true, Verdict: monitor.Alert,
		Reasons: []string{"why"}, Tested: json.RawMessage(`{"looks":1}`),
		Findings: []monitor.Finding{{Kind: monitor.OfData, Feature: "income", Statistic: "psi", Value: 0.3, P: &p, Limit: 0.1, Rows: 700, Message: "m"}},
	}
	require.NoError(t, r.PutLook(ctx(t), look))
	again := look
	again.Verdict = monitor.Nothing
	require.NoError(t, r.PutLook(ctx(t), again), "the same run again")
	later := look
	later.RunID, later.AsOf = "r2", "2026-03-31"
	require.NoError(t, r.PutLook(ctx(t), later))
	require.NoError(t, r.PutLook(ctx(t), registry.Look{RunID: "r3", Pipeline: "cards"}))

	got, err := r.Looks(ctx(t), "loans", 0)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, "r2", got[0].RunID, "newest first")
	require.WithinDuration(t, time.Now(), got[1].At, time.Minute)
	got[1].At = time.Time{}
	require.Equal(t, look, got[1])
	got, err = r.Looks(ctx(t), "loans", 1)
	require.NoError(t, err)
	require.Len(t, got, 1)
	got, err = r.Looks(ctx(t), "none", 0)
	require.NoError(t, err)
	require.Equal(t, []registry.Look{}, got)
	one, err := r.Look(ctx(t), "r1")
	require.NoError(t, err)
	one.At = time.Time{}
	require.Equal(t, look, one)
	_, err = r.Look(ctx(t), "r9")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.Equal(t, fault.Invalid, fault.CodeOf(r.PutLook(ctx(t), registry.Look{RunID: "r4"})))
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
	require.Equal(t, "TrainModel", got.Step)
	require.WithinDuration(t, time.Now(), got.CreatedAt, time.Minute)
	require.Equal(t, fault.Invalid, fault.CodeOf(r.PutCachedStep(ctx(t), registry.CachedStep{Step: "TrainModel"})))
}

func forgottenSteps(t *testing.T, db Database) {
	r := db.Open(t)
	all, err := r.CachedSteps(ctx(t))
	require.NoError(t, err)
	require.Equal(t, []registry.CachedStep{}, all)
	for _, key := range []string{"b", "a", "c"} {
		require.NoError(t, r.PutCachedStep(ctx(t), registry.CachedStep{Key: key, Step: "SplitData", Result: json.RawMessage(`{"a":1}`)}))
	}
	all, err = r.CachedSteps(ctx(t))
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, []string{all[0].Key, all[1].Key, all[2].Key}, "in the order of their keys")
	b, err := r.CachedStep(ctx(t), "b")
	require.NoError(t, err)
	require.Equal(t, b, all[1])

	deleted, err := r.DeleteCachedSteps(ctx(t), []string{"b"}, b.CreatedAt)
	require.NoError(t, err)
	require.Zero(t, deleted, "what was recorded at that time stays")
	later := time.Now().Add(time.Hour)
	deleted, err = r.DeleteCachedSteps(ctx(t), []string{"b", "c", "b", "d"}, later)
	require.NoError(t, err)
	require.Equal(t, 2, deleted)
	all, err = r.CachedSteps(ctx(t))
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, "a", all[0].Key)
	require.NoError(t, r.PutCachedStep(ctx(t), registry.CachedStep{Key: "b", Step: "SplitData", Result: json.RawMessage(`{"a":2}`)}))
	b, err = r.CachedStep(ctx(t), "b")
	require.NoError(t, err)
	require.JSONEq(t, `{"a":2}`, string(b.Result), "what was forgotten is recorded anew")
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
