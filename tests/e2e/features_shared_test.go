package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/lineage"
	"github.com/loanops/loanops/internal/registry"
)

// Of two pipelines that look features of one view up, as they are shipped, the second computes nothing of it again: its run says so, both have the same objects, and the datasets of
// both name the view with the digest of what it held.
func TestASecondPipelineComputesNoSharedViewAgain(t *testing.T) {
	t.Parallel()
	p := newPlatform(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, p.Start("--no-run"))
	defer func() { require.NoError(t, p.Stop()) }()
	_, code := p.run(t, "features", "apply", unpromised(t))
	require.Zero(t, code)
	f := openStores(t, p)

	loans := p.trainedAsShipped(t, "loan-eligibility")
	require.Equal(t, map[string]bool{"payments@1": false}, loans.cached, "the first computes it")
	cards := p.trainedAsShipped(t, "card-limit")
	require.Equal(t, map[string]bool{"payments@1": true, "bureau@1": false}, cards.cached, "the second takes from the first what that has, and computes the rest")

	payments := loans.artifacts["view payments@1"]
	require.Len(t, payments.SHA256, 64)
	require.Equal(t, payments, cards.artifacts["view payments@1"])
	whole := f.objectsOf(t, payments)
	require.Greater(t, len(whole), 10, "rows and tiles of each month")
	require.Equal(t, whole, f.objectsOf(t, cards.artifacts["view payments@1"]))

	named := dataset.View{Name: "payments", Version: 1, Manifest: payments.SHA256}
	bureau := dataset.View{Name: "bureau", Version: 1, Manifest: cards.artifacts["view bureau@1"].SHA256}
	require.Equal(t, []dataset.View{named}, f.viewsOf(t, loans))
	require.ElementsMatch(t, []dataset.View{named, bureau}, f.viewsOf(t, cards))
	require.Equal(t, loans.lineage.Views, f.viewsOf(t, loans))
	require.Equal(t, cards.lineage.Views, f.viewsOf(t, cards))
	shown, code := p.run(t, "models", "lineage", "card-limit", "1")
	require.Zero(t, code)
	require.Regexp(t, `view payments@1 +`+named.Manifest, string(shown))
}

// unpromised is a folder of the shipped definitions without a freshness that is promised, which is no part of what they mean: no schedule computes a view beside a test.
func unpromised(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	files, err := filepath.Glob("../../features/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(folder, filepath.Base(file)), []byte(strings.ReplaceAll(string(text), "    freshness: 24h\n", "")), 0o600))
	}
	return folder
}

// firstVersion is a training that ended with its first version.
type firstVersion struct {
	artifacts map[string]artifact.Ref
	cached    map[string]bool // of each view that its run asked for, whether it was there
	lineage   lineage.Document
}

// trainedAsShipped trains a pipeline as it is shipped.
func (p *platform) trainedAsShipped(t *testing.T, pipeline string) firstVersion {
	t.Helper()
	var ended result
	p.runJSON(t, &ended, 0, "ct", "start", pipeline, "--register-only", "--wait")
	require.Equal(t, "registered", ended.Verdict)
	var run struct {
		Steps     []registry.RunStep      `json:"steps"`
		Artifacts map[string]artifact.Ref `json:"artifacts"`
	}
	p.runJSON(t, &run, 0, "runs", "show", "training-"+pipeline)
	made := firstVersion{artifacts: run.Artifacts, cached: map[string]bool{}}
	for _, step := range run.Steps {
		if step.Name == "ComputeView" {
			made.cached[strings.TrimPrefix(step.Summary, "computing ")] = step.Cached
		}
	}
	p.runJSON(t, &made.lineage, 0, "models", "lineage", pipeline, "1")
	return made
}

// objectsOf are the digests of the objects of a view, by their places in its manifest. Each is there, and is what its digest says.
func (f *stores) objectsOf(t *testing.T, ref artifact.Ref) (digests []string) {
	t.Helper()
	data, err := f.objects.Get(t.Context(), ref)
	require.NoError(t, err)
	m, err := feature.DecodeManifest(data)
	require.NoError(t, err)
	for _, partition := range m.Partitions {
		for _, object := range []*feature.Object{&partition.Objects.Rows, partition.Objects.Tiles} {
			_, err := f.objects.Path(t.Context(), f.objects.At(object.SHA256, object.Bytes, "application/vnd.apache.parquet", "parquet"))
			require.NoError(t, err)
			digests = append(digests, object.SHA256)
		}
	}
	return digests
}

// viewsOf are the views that the manifest of a training's dataset names.
func (f *stores) viewsOf(t *testing.T, made firstVersion) []dataset.View {
	t.Helper()
	data, err := f.objects.Get(t.Context(), made.artifacts[artifact.Dataset])
	require.NoError(t, err)
	m, err := dataset.DecodeManifest(data)
	require.NoError(t, err)
	return m.Views
}
