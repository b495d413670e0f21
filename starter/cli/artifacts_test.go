package cli

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/artifact/s3test"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/settings"
)

// A person's file goes to where every worker reads it, and a version's artifacts come back as files with names that tell.
func TestArtifactsGoUpAndComeBack(t *testing.T) {
	s3test.Start(t)
	p := newFakePlatform(t)
	file := filepath.Join(t.TempDir(), "Applications.CSV")
	require.NoError(t, os.WriteFile(file, []byte("id,y\na,1\n"), 0o600))

	a := &app{err: io.Discard}
	outcomes := filepath.Join(t.TempDir(), "outcomes")
	require.NoError(t, os.Mkdir(outcomes, 0o700))
	for _, day := range []string{"2026-06-30", "2026-07-01"} {
		require.NoError(t, os.WriteFile(filepath.Join(outcomes, day+".csv"), []byte("id,y,day\na,1,"+day+"\n"), 0o600))
	}
	spec := pipeline.Spec{
		Source:   pipeline.Source{Relation: pipeline.Relation{URI: file}, Join: []pipeline.Join{{Relation: pipeline.Relation{URI: "s3://elsewhere/rows.csv"}}}},
		Outcomes: &pipeline.Outcomes{Relation: pipeline.Relation{URI: outcomes}},
	}
	uploads, err := a.upload(t.Context(), p.settings, spec)
	require.NoError(t, err)
	require.Len(t, uploads, 2, "what is in a store stays there")
	require.Len(t, uploads[outcomes], 2, "outcomes as any other files")
	uri := uploads[file][0]
	require.True(t, strings.HasPrefix(uri, "s3://loanops/"), uri)
	require.True(t, strings.HasSuffix(uri, ".csv"), uri)
	again, err := a.upload(t.Context(), p.settings, spec)
	require.NoError(t, err)
	require.Equal(t, uploads, again, "the same bytes have the same name")

	objects, err := objects(t.Context(), p.settings)
	require.NoError(t, err)
	path, _, err := objects.Fetch(t.Context(), uri, 100)
	require.NoError(t, err)
	stored, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "id,y\na,1\n", string(stored))

	golden, err := json.Marshal(model.Golden{Rows: []model.GoldenRow{{Application: map[string]any{"income": 3.0}, Probability: 0.4}}})
	require.NoError(t, err)
	refs := map[string]artifact.Ref{}
	for role, content := range map[string][]byte{"golden": golden, "bundle": []byte("LOANOPS1"), "test": []byte("PAR1")} {
		extension := map[string]string{"golden": "json", "bundle": "bundle", "test": "parquet"}[role]
		refs[role], err = objects.Put(t.Context(), content, "application/octet-stream", extension)
		require.NoError(t, err)
	}
	r := p.registry(t)
	_, _, err = r.RegisterVersion(t.Context(), registry.ModelVersion{
		Name: "cards", Digest: strings.Repeat("a", 64), Meaning: "default", Hyperparameters: json.RawMessage("{}"), Artifacts: refs,
		Lineage: registry.Lineage{Dataset: strings.Repeat("d", 64)}, RunID: "run",
	})
	require.NoError(t, err)
	saved := filepath.Join(t.TempDir(), "new", "reports")
	_, stderr, code := p.run(t, "models", "show", "cards", "1", "--save", saved)
	require.Equal(t, 0, code, stderr)
	for name, want := range map[string]string{"golden.json": string(golden), "bundle.bundle": "LOANOPS1", "test.parquet": "PAR1"} {
		got, err := os.ReadFile(filepath.Join(saved, name))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		require.Contains(t, stderr, "saved "+filepath.Join(saved, name))
		info, err := os.Stat(filepath.Join(saved, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "a version's data are applicants'")
	}
	_, stderr, code = p.run(t, "models", "show", "cards", "1", "--save", file)
	require.Equal(t, exitUsage, code, "a file is where the folder should be")
	require.Contains(t, stderr, "--save")

	// So do a run's, while it waits for a person to look at them.
	require.NoError(t, r.PutRun(t.Context(), registry.Run{ID: "run-2", WorkflowID: "delivery-cards", Status: registry.RunRunning, StartedAt: time.Unix(1, 0)}))
	require.NoError(t, r.PutRunArtifacts(t.Context(), "run-2", map[string]artifact.Ref{artifact.SwapSet: refs["golden"]}))
	stdout, stderr, code := p.run(t, "runs", "show", "run-2", "--save", saved)
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, refs["golden"].URI)
	got, err := os.ReadFile(filepath.Join(saved, "swap_set.json"))
	require.NoError(t, err)
	require.Equal(t, string(golden), string(got))

	bundles := &bundles{settings: p.settings}
	path, err = bundles.fetch(t.Context(), refs["bundle"].URI, "")
	require.NoError(t, err)
	stored, err = os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "LOANOPS1", string(stored))
	_, err = bundles.fetch(t.Context(), "s3://loanops/none", "")
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)
}

// What cannot be read is told before anything is sent.
func TestUploadRefusesWhatNobodyReads(t *testing.T) {
	t.Parallel()
	a := &app{err: io.Discard}
	sheet := filepath.Join(t.TempDir(), "applications.xlsx")
	require.NoError(t, os.WriteFile(sheet, []byte("PK"), 0o600))
	for uri, want := range map[string]fault.Code{
		sheet: fault.Invalid, "https://example.org/applications.csv": fault.Invalid, filepath.Join(t.TempDir(), "none.csv"): fault.NotFound, "/dev/zero": fault.Invalid,
	} {
		_, _, err := a.bringSpec(t.Context(), settings.Settings{}, pipeline.Spec{}, uri)
		require.Equal(t, want, fault.CodeOf(err), "%s: %v", uri, err)
	}
	_, uploads, err := a.bringSpec(t.Context(), settings.Settings{}, pipeline.Spec{}, "s3://elsewhere/applications.csv")
	require.NoError(t, err)
	require.Empty(t, uploads)
}

// Rows that replace those of a registered pipeline are read as its spec says of those, by whatever starts a run.
func TestDataAreReadAsTheSpecSays(t *testing.T) {
	s3test.Start(t)
	p := newFakePlatform(t)
	r := p.registry(t)
	for name, source := range map[string]string{"cards": `csv: {uri: rows.csv, delimiter: "\t"}`, "loans": "uri: rows.csv"} {
		yaml := []byte(strings.Replace(strings.Replace(cardsSpec, "uri: rows.csv", source, 1), "name: cards", "name: "+name, 1))
		spec, err := pipeline.Parse(name+".yaml", yaml)
		require.NoError(t, err)
		require.NoError(t, r.PutPipeline(t.Context(), registry.NewPipelineSpec(spec, yaml)))
		version(t, r, name, name[:1], 0.7)
	}
	rows := filepath.Join(t.TempDir(), "rows.txt")
	require.NoError(t, os.WriteFile(rows, []byte("a\ty\n1\tb\n"), 0o600))
	for _, command := range [][]string{{"ct", "start"}, {"monitor", "start"}, {"monitor", "cadence"}, {"models", "evaluate", "--version", "1"}} {
		_, stderr, code := p.run(t, append(command, "cards", "--data", rows)...)
		require.Equal(t, exitFault, code, "%v: %s", command, stderr)
		require.Contains(t, stderr, "storing "+rows, command)
		require.Contains(t, stderr, "reaching Temporal", "the files are there when the run is started")

		_, stderr, code = p.run(t, append(command, "loans", "--data", rows)...)
		require.Equal(t, exitUsage, code, "%v: %s", command, stderr)
		require.Contains(t, stderr, "rows.txt: a name that ends in .csv", command)
	}

	a := &app{err: io.Discard}
	named, uploads, err := a.bring(t.Context(), p.settings, r, "cards", rows, "")
	require.NoError(t, err)
	require.Equal(t, rows, named)
	require.Len(t, uploads[rows], 1)
	named, uploads, err = a.bring(t.Context(), p.settings, r, "cards", "", "")
	require.NoError(t, err)
	require.Empty(t, named)
	require.Empty(t, uploads, "what the spec itself names was brought when it was registered")
}

func TestTokenIsTheFilesText(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("  secret\n"), 0o600))
	got, err := token(file)
	require.NoError(t, err)
	require.Equal(t, "secret", got)
	_, err = token(file + ".none")
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.NotContains(t, err.Error(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("\n"), 0o600))
	_, err = token(file)
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "without one reads would be open")
}
