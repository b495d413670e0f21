package prune

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/retention"
	"github.com/loanops/loanops/internal/serving"
)

// made records that a run has made an object; the run is named as the object's row is.
func (k *kept) made(name string, ref artifact.Ref) {
	k.t.Helper()
	require.NoError(k.t, k.reg.PutRunArtifacts(k.t.Context(), name, map[string]artifact.Ref{"page": ref}))
}

func (k *kept) ran(run registry.Run) {
	k.t.Helper()
	run.WorkflowID = "training-" + run.ID
	require.NoError(k.t, k.reg.PutRun(k.t.Context(), run))
}

// version registers one that names no object but bundle, which may be none.
func (k *kept) version(name, run string, bundle artifact.Ref) {
	k.t.Helper()
	_, _, err := k.reg.RegisterVersion(k.t.Context(), registry.ModelVersion{
		Name: name, Digest: name, Meaning: "default", Bundle: bundle, Hyperparameters: json.RawMessage("{}"), RunID: run,
	})
	require.NoError(k.t, err)
}

func (k *kept) registered(name, yaml string) {
	k.t.Helper()
	require.NoError(k.t, k.reg.PutPipeline(k.t.Context(), registry.NewPipelineSpec(pipeline.Spec{Name: name}, []byte(yaml))))
}

func (k *kept) schema(name string, ref artifact.Ref) {
	k.t.Helper()
	_, err := k.reg.PutSchemaVersion(k.t.Context(), registry.SchemaVersion{Pipeline: name, Schema: ref, Declared: ref}, nil)
	require.NoError(k.t, err)
}

func (k *kept) published(name, run string, tree artifact.Ref) {
	k.t.Helper()
	_, _, err := k.reg.PutPipelineVersion(k.t.Context(), registry.PipelineVersion{Pipeline: name, Package: "p", SpecDigest: "s", Tree: tree, RunID: run, Trigger: registry.ByHand})
	require.NoError(k.t, err)
}

func (k *kept) delivered(name, environment, writer string) {
	k.t.Helper()
	k.version(name, "", artifact.Ref{})
	record, err := serving.Record{Pipeline: name, Environment: environment}.Prepare(serving.Track{Version: 1, Policy: "p"}, "")
	require.NoError(k.t, err)
	_, err = k.reg.TakeGeneration(k.t.Context(), record.By(serving.Author{Writer: writer, Actor: "ada", Reason: "it passed", Operation: name}))
	require.NoError(k.t, err)
}

func (k *kept) looked(name string, verdict monitor.Verdict) {
	k.t.Helper()
	require.NoError(k.t, k.reg.PutLook(k.t.Context(), registry.Look{RunID: name, Pipeline: name, AsOf: "2026-06-30", Verdict: verdict}))
}

// Each row has an object of its own that nothing names but what the row says. Without a root it is gone.
func TestEveryRootKeepsWhatItAloneNames(t *testing.T) {
	t.Parallel()
	ended := registry.Run{Status: registry.RunCompleted, EndedAt: began}
	rows := []struct {
		name string
		why  string // empty: nothing keeps it
		put  func(k *kept, name string, ref artifact.Ref)
	}{
		{"a version without a pipeline", modelVersions, func(k *kept, name string, ref artifact.Ref) { k.version(name, "", ref) }},
		{"the schema of a version", schemaVersions, func(k *kept, name string, ref artifact.Ref) {
			k.version(name, "", artifact.Ref{})
			k.schema(name, ref)
		}},
		{"the schema of a pipeline without a version", schemaVersions, func(k *kept, name string, ref artifact.Ref) {
			k.registered(name, "name: b")
			k.schema(name, ref)
		}},
		{"the spec of a pipeline without a version", pipelineSpecs, func(k *kept, name string, ref artifact.Ref) {
			k.registered(name, "source: {uri: "+ref.URI+"}")
		}},
		{"a spec before the one of now", pipelineSpecs, func(k *kept, name string, ref artifact.Ref) {
			k.registered(name, "source: {uri: "+ref.URI+"}")
			k.registered(name, "source: {uri: rows.csv}")
		}},
		{"the files of a commit that is a pipeline version", published, func(k *kept, name string, ref artifact.Ref) {
			k.registered(name, "name: v")
			k.published(name, "a run that made nothing else", ref)
		}},
		{"what the integration of a pipeline version has made", published, func(k *kept, name string, ref artifact.Ref) {
			k.registered(name, "name: w")
			k.published(name, name, artifact.Ref{})
			k.made(name, ref)
		}},
		{"a delivery to production", deliveries, func(k *kept, name string, ref artifact.Ref) {
			k.delivered(name, serving.Production, serving.RunWriter("delivery", name))
			k.made(name, ref)
		}},
		{"a delivery to staging", deliveries, func(k *kept, name string, ref artifact.Ref) {
			k.delivered(name, serving.Staging, serving.RunWriter("delivery", name))
			k.made(name, ref)
		}},
		{"a person's delivery", "", func(k *kept, name string, ref artifact.Ref) {
			k.delivered(name, serving.Production, name)
			k.made(name, ref)
		}},
		{"what the run of a version has made", modelRuns, func(k *kept, name string, ref artifact.Ref) {
			k.version(name, name, artifact.Ref{})
			k.made(name, ref)
		}},
		{"what the run of a version came to", modelRuns, func(k *kept, name string, ref artifact.Ref) {
			k.version(name, name, artifact.Ref{})
			run := ended
			run.ID, run.Result = name, json.RawMessage(`{"report":"`+ref.URI+`"}`)
			k.ran(run)
		}},
		{"a look that found something", telling, func(k *kept, name string, ref artifact.Ref) {
			k.registered(name, "name: l")
			k.looked(name, monitor.Alert)
			k.made(name, ref)
		}},
		{"a look at a version without a pipeline", telling, func(k *kept, name string, ref artifact.Ref) {
			k.version(name, "", artifact.Ref{})
			k.looked(name, monitor.Retrain)
			k.made(name, ref)
		}},
		{"a look that found nothing", "", func(k *kept, name string, ref artifact.Ref) {
			k.registered(name, "name: n")
			k.looked(name, monitor.Nothing)
			k.made(name, ref)
		}},
		{"a run that goes on", recentRuns, func(k *kept, name string, ref artifact.Ref) {
			k.ran(registry.Run{ID: name, Status: registry.RunRunning})
			k.made(name, ref)
		}},
		{"a run that ended at the limit", recentRuns, func(k *kept, name string, ref artifact.Ref) {
			run := ended
			run.ID, run.EndedAt = name, k.pruner.Before
			k.ran(run)
			k.made(name, ref)
		}},
		{"a run that ended before the limit", "", func(k *kept, name string, ref artifact.Ref) {
			run := ended
			run.ID, run.EndedAt = name, k.pruner.Before.Add(-time.Second)
			k.ran(run)
			k.made(name, ref)
		}},
		{"what an open workflow was handed", openWorkflows, func(k *kept, _ string, ref artifact.Ref) {
			k.open.Runs = append(k.open.Runs, handed(ref))
		}},
		{"what an open workflow has made", openWorkflows, func(k *kept, name string, ref artifact.Ref) {
			k.open.Runs = append(k.open.Runs, OpenRun{ID: name})
			k.made(name, ref)
		}},
		{"what a schedule hands over", openSchedules, func(k *kept, _ string, ref artifact.Ref) {
			k.open.Schedules = append(k.open.Schedules, []byte(`{"data":"`+ref.URI+`"}`))
		}},
		{"what nothing names", "", func(*kept, string, artifact.Ref) {}},
	}
	k := newKept(t)
	var wanted []string
	why, names := map[string]int{}, map[string]string{} // names are by digest
	for _, row := range rows {
		ref := k.put(row.name, "csv")
		names[ref.SHA256] = row.name
		row.put(k, row.name, ref)
		if row.why != "" {
			wanted, why[row.why] = append(wanted, row.name), why[row.why]+1
		}
	}
	for _, root := range order {
		require.NotZero(t, why[root], root)
	}
	done, digests := k.prune(true)
	left := []string{}
	for _, digest := range digests {
		left = append(left, names[digest])
	}
	require.ElementsMatch(t, wanted, left)
	require.Equal(t, why, objectsOf(done.Kept))
	require.Equal(t, map[string]retention.Count{"raw files": done.Total}, done.Objects)
	require.Equal(t, len(rows)-len(wanted), done.Total.Objects)
}
