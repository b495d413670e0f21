package report_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/serving"
)

func ancestry() lineage.Document {
	at := time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)
	digest := func(c string) string { return strings.Repeat(c, 64) }
	file := func(c string) lineage.File {
		return lineage.File{URI: "s3://loanops/artifacts/sha256/" + digest(c) + ".csv", SHA256: digest(c), Bytes: 1 << 20}
	}
	part := func(role, c string, rows int64) lineage.Part {
		return lineage.Part{Role: role, Manifest: artifact.Ref{SHA256: digest(c)}, Rows: rows, Columns: 23, Files: []lineage.File{file(c)}}
	}
	track := &serving.Track{Version: 3, Policy: digest("9")}
	record := serving.Record{Pipeline: "cards", Environment: serving.Production, Generation: 8, Champion: track, Change: serving.Promoted, At: at,
		Author: serving.Author{Actor: "ada", Reason: "it passed <every> check"}}
	return lineage.Document{
		Model: "cards", Version: 3, Digest: digest("b"), CreatedAt: at, Algorithm: "logistic", Hyperparameters: json.RawMessage(`{"l2":0.1,"trials":[1]}`),
		Metrics: map[string]evaluate.Metric{"auc": {Estimate: 0.78, Lower: 0.77, Upper: 0.79}}, Code: registry.Code{Revision: "0c622a7e2b44", Go: "go1.26.8"},
		Steps: map[string]string{"TrainModel": "5"}, Spec: lineage.Spec{Digest: digest("5"), CreatedAt: at}, AsOf: "2026-05-31", Source: "rows.csv and 1 joined",
		Schema:  lineage.Schema{Version: 2, Parent: 1, Changes: []string{"home: 1 new value"}, Acceptances: []registry.SchemaAcceptance{{Actor: "data", Reason: "within limits"}}},
		Sources: &lineage.Sources{Relations: []lineage.Relation{{Name: "/data/rows.csv", Files: []lineage.File{file("1")}}, {Name: "PostgreSQL bureau", Database: true}}},
		Views:   []dataset.View{{Name: "bureau", Version: 2, Manifest: digest("7")}, {Name: "payments", Version: 1, Manifest: digest("8")}},
		Dataset: part("dataset", "d", 20000), Parts: []lineage.Part{part("train", "2", 14000), part("validation", "3", 3000), part("test", "4", 3000), part("quarantine", "6", 0)},
		Run: &registry.Run{ID: "run-1", WorkflowID: "training-cards", Trigger: "schedule", Status: registry.RunCompleted, Verdict: "promoted", StartedAt: at, Steps: []registry.RunStep{
			{Name: "TrainModel", Attempts: 2, Duration: 1500 * time.Millisecond, Cached: true},
		}},
		Deliveries: []lineage.Delivery{{RunID: "run-2", Verdict: "promoted", StartedAt: at, Reasons: []string{"every step of the canary passed"}}},
		Records:    lineage.Serving([]serving.Record{record}, 3),
	}
}

func TestLineagePage(t *testing.T) {
	page, err := report.LineageHTML(ancestry())
	require.NoError(t, err)
	if path := os.Getenv("LOANOPS_PAGE"); path != "" { // to look at it
		require.NoError(t, os.WriteFile(path, page, 0o600))
	}
	requireSelfContained(t, page)
	for _, want := range []string{
		"Lineage of cards version 3", strings.Repeat("1", 64), "read from the database", "14000", "0.7800", "commit <code>0c622a7e2b44</code>", "TrainModel (cached)", "1.5s",
		"it passed &lt;every&gt; check", "accepted by data", "every step of the canary passed", "l2 0.1", "as of 2026-05-31", "champion",
		"<small>joined</small><b>2 feature views</b><small>bureau@2, payments@1</small>", `<tr><td>bureau</td><td>2</td><td class="text"><code>` + strings.Repeat("7", 64),
	} {
		require.Contains(t, string(page), want)
	}
	again, err := report.LineageHTML(ancestry())
	require.NoError(t, err)
	require.Equal(t, page, again)
}

// A version of which little was recorded has a page that says so.
func TestLineagePageOfLittle(t *testing.T) {
	page, err := report.LineageHTML(lineage.Document{Model: "cards", Version: 1, Source: "rows.csv"})
	require.NoError(t, err)
	for _, want := range []string{"rows.csv. Digests of raw files were not kept.", "It was never delivered.", "No serving record names it.", "built without version control"} {
		require.Contains(t, string(page), want)
	}
	require.NotContains(t, string(page), "eature view")
}
