package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/serving"
)

// From a version to its raw files and its serving records, as JSON and as one page.
func TestModelsLineage(t *testing.T) {
	s3test.Start(t)
	p := newFakePlatform(t)
	store, err := objects(t.Context(), p.settings)
	require.NoError(t, err)
	put := func(value any) artifact.Ref {
		data, err := json.Marshal(value)
		require.NoError(t, err)
		ref, err := store.Put(t.Context(), data, "application/json", "json")
		require.NoError(t, err)
		return ref
	}
	views := []dataset.View{{Name: "payments", Version: 3, Manifest: strings.Repeat("8", 64)}}
	part := dataset.Part{SHA256: strings.Repeat("7", 64), Bytes: 9, Rows: 40}
	sources := lineage.Sources{Source: "rows.csv", Relations: []lineage.Relation{{Name: "/data/rows.csv", Files: []lineage.File{{URI: "/data/rows.csv", SHA256: strings.Repeat("1", 64), Bytes: 77}}}}}
	reg, ctx := p.registry(t), t.Context()
	spec := shipped(t)
	require.NoError(t, reg.PutPipeline(ctx, spec))
	name := spec.Name
	schema, err := reg.PutSchemaVersion(ctx, registry.SchemaVersion{Pipeline: name, Schema: put("schema"), Declared: put("declared"), Changes: []string{"as declared"}}, &registry.SchemaAcceptance{Actor: "spec", Reason: "declared"})
	require.NoError(t, err)
	v, _, err := reg.RegisterVersion(ctx, registry.ModelVersion{
		Name: name, Digest: strings.Repeat("b", 64), Meaning: "default", Predictor: "loanops-api@sha256:cd", Hyperparameters: json.RawMessage(`{"l2":0.5}`), RunID: "run-1",
		Lineage: registry.Lineage{SpecDigest: spec.Digest, Pipeline: 4, Schema: schema.Version, Source: "rows.csv", Rows: 40, Code: registry.Code{Revision: strings.Repeat("e", 40)}},
		Artifacts: map[string]artifact.Ref{
			artifact.Sources: put(sources),
			artifact.Dataset: put(dataset.Manifest{Columns: []dataset.Field{{Name: "a"}, {Name: "b"}}, Rows: 40, Parts: []dataset.Part{part}, Views: views}),
			artifact.Test:    put(dataset.Manifest{Columns: []dataset.Field{{Name: "a"}}}),
		},
	})
	require.NoError(t, err)
	require.NoError(t, reg.PutRun(ctx, endedRun("run-1")))
	for id, version := range map[string]string{"run-2": "1", "run-3": "2"} {
		delivered := endedRun(id)
		delivered.Type, delivered.Pipeline, delivered.Verdict = "ContinuousDelivery", name, "aborted"
		delivered.Result = json.RawMessage(`{"verdict":"aborted","reasons":["too slow"],"model":{"version":` + version + `}}`)
		require.NoError(t, reg.PutRun(ctx, delivered))
	}
	next, err := serving.Record{Pipeline: name, Environment: serving.Production}.Prepare(serving.Track{Version: 1, Policy: "p"}, "")
	require.NoError(t, err)
	_, err = reg.TakeGeneration(ctx, next.By(serving.Author{Writer: "w", Actor: "ada", Reason: "it passed", Operation: "o"}))
	require.NoError(t, err)

	page := filepath.Join(t.TempDir(), "lineage.html")
	stdout, stderr, code := p.run(t, "models", "lineage", name, "1", "--html", page, "--output", "json")
	require.Equal(t, 0, code, stderr)
	var d lineage.Document
	require.NoError(t, json.Unmarshal([]byte(stdout), &d))
	require.Equal(t, v.Digest, d.Digest)
	require.Equal(t, v.Lineage.Code, d.Code)
	require.Equal(t, "run-1", d.Run.ID)
	require.Len(t, d.Run.Steps, 2)
	require.Equal(t, spec.Digest, d.Spec.Digest)
	require.False(t, d.Spec.CreatedAt.IsZero())
	require.Equal(t, []any{4, "loanops-api@sha256:cd"}, []any{d.PipelineVersion, d.Predictor})
	require.Equal(t, []string{"as declared"}, d.Schema.Changes)
	require.Equal(t, &sources, d.Sources)
	require.Equal(t, views, d.Views)
	require.EqualValues(t, 40, d.Dataset.Rows)
	require.Equal(t, 2, d.Dataset.Columns)
	require.Equal(t, part.SHA256, d.Dataset.Files[0].SHA256)
	require.Equal(t, "test", d.Parts[0].Role)
	require.Len(t, d.Deliveries, 1, "the other one was about version 2")
	require.Equal(t, []string{"too slow"}, d.Deliveries[0].Reasons)
	require.Len(t, d.Records, 1)
	require.Equal(t, []string{"challenger"}, d.Records[0].As)
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(html), strings.Repeat("1", 64))
	require.Contains(t, string(html), "<td>payments</td><td>3</td><td class=\"text\"><code>"+strings.Repeat("8", 64))
	require.Contains(t, string(html), "serves in <code>loanops-api@sha256:cd</code>")

	// All that is remembered, as one page beside the list.
	for _, test := range []struct{ args, says string }{{"", "The only version."}, {"--by brier", "The only version."}} {
		all := filepath.Join(t.TempDir(), "model.html")
		args := append([]string{"models", "list", name}, strings.Fields(test.args)...)
		plain, _, _ := p.run(t, append(args, "--output", "json")...)
		stdout, stderr, code = p.run(t, append(args, "--html", all, "--output", "json")...)
		require.Equal(t, 0, code, stderr)
		require.Equal(t, plain, stdout, "the list is as without a page")
		require.Contains(t, stderr, "wrote "+all)
		html, err = os.ReadFile(all)
		require.NoError(t, err)
		for _, want := range []string{
			"Versions of " + name, test.says, "None of its versions was ever champion.", "version 1 is brought up without traffic", "by <b>ada</b>: it passed", v.Digest, strings.Repeat("1", 64), "loanops-api@sha256:cd", "A person started it.",
			`<td class="again">3</td><td>2s</td>`, "too slow",
		} {
			require.Contains(t, string(html), want)
		}
	}

	stdout, stderr, code = p.run(t, "models", "lineage", name, "@challenger")
	require.Equal(t, 0, code, stderr)
	require.Regexp(t, `pipeline version +4\npredictor +loanops-api@sha256:cd\n`, stdout)
	require.Regexp(t, `raw /data/rows.csv +1 +1{64}\nview payments@3 +8{64}\ndataset +40 +1 +`, stdout)
	require.Regexp(t, `production +1 .* prepare +challenger +ada +it passed`, stdout)
	_, _, code = p.run(t, "models", "lineage", name, "@previous")
	require.Equal(t, exitNotFound, code)
}

// A page of a model is asked of one model, and says where there is nothing to say.
func TestModelsListHTML(t *testing.T) {
	s3test.Start(t)
	p := newFakePlatform(t)
	reg, spec := p.registry(t), shipped(t)
	require.NoError(t, reg.PutPipeline(t.Context(), spec))
	page := filepath.Join(t.TempDir(), "model.html")
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--html", page}, exitUsage, "loanops models list MODEL --html FILE"},
		{[]string{"nobody", "--html", page}, exitNotFound, `there is no model "nobody"`},
		{[]string{spec.Name, "--html", t.TempDir()}, exitUsage, "--html"},
	} {
		_, stderr, code := p.run(t, append([]string{"models", "list"}, test.args...)...)
		require.Equal(t, test.code, code, stderr)
		require.Contains(t, stderr, test.says)
		require.NoFileExists(t, page)
	}
	_, _, code := p.run(t, "models", "list", spec.Name, "--html", page)
	require.Equal(t, exitNotFound, code, "as without a page")
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(html), "Nothing was registered under this name.")

	// What a look asked for is told with what it found.
	require.NoError(t, reg.PutLook(t.Context(), registry.Look{RunID: "look-1", Pipeline: spec.Name, AsOf: "2026-06-30", Verdict: "retrain", Reasons: []string{"the AUC fell"}, At: began}))
	run := endedRun("run-a")
	run.Trigger, run.Cause = registry.ByMonitor, "look-1"
	require.NoError(t, reg.PutRun(t.Context(), run))
	_, _, err = reg.RegisterVersion(t.Context(), registry.ModelVersion{Name: spec.Name, Digest: strings.Repeat("a", 64), Meaning: "default", RunID: "run-a"})
	require.NoError(t, err)
	_, stderr, code := p.run(t, "models", "list", spec.Name, "--html", page)
	require.Equal(t, 0, code, stderr)
	html, err = os.ReadFile(page)
	require.NoError(t, err)
	for _, want := range []string{"The look as of 2026-06-30 came to: retrain.", "<li>the AUC fell</li>", "Nothing of it ever served in production."} {
		require.Contains(t, string(html), want)
	}
}
