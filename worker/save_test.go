package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/ci"
	"github.com/loanops/loanops/internal/fault"
)

// A person's folder may be on another file system, and two roles may have the same content: what was made is copied, not moved.
func TestWhatWasMadeIsCopied(t *testing.T) {
	t.Parallel()
	objects := artifact.Folder(t.TempDir())
	ref, err := objects.Put(t.Context(), []byte("{}"), "application/json", "json")
	require.NoError(t, err)
	to := filepath.Join(t.TempDir(), "a", "made")
	require.NoError(t, save(t.Context(), objects, map[string]artifact.Ref{artifact.Facts: ref, artifact.Profile: ref}, to, savedChecked))
	for _, name := range []string{"facts.json", "profile.json"} {
		content, err := os.ReadFile(filepath.Join(to, name))
		require.NoError(t, err)
		require.Equal(t, "{}", string(content))
	}
	require.FileExists(t, ref.URI)
	entries, err := os.ReadDir(to)
	require.NoError(t, err)
	require.Len(t, entries, 2)
}

// What cannot be kept as a whole leaves the folder as it was.
func TestNothingIsKeptInPart(t *testing.T) {
	t.Parallel()
	objects := artifact.Folder(t.TempDir())
	there, err := objects.Put(t.Context(), []byte("{}"), "application/json", "json")
	require.NoError(t, err)
	gone := objects.At("none", 1, "application/json", "json")
	made := map[string]artifact.Ref{artifact.Facts: there, artifact.Profile: gone, artifact.ValidationReport: there}

	fresh := filepath.Join(t.TempDir(), "made")
	require.Error(t, save(t.Context(), objects, made, fresh, savedChecked))
	require.NoDirExists(t, fresh)

	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "test.parquet"), 0o700))
	require.ErrorContains(t, save(t.Context(), objects, map[string]artifact.Ref{artifact.Facts: there}, folder, savedChecked), "test.parquet is no file")
	require.NoFileExists(t, filepath.Join(folder, "facts.json"))

	used := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(used, "facts.json"), []byte("old"), 0o600))
	err = save(t.Context(), objects, made, used, savedChecked)
	require.ErrorContains(t, err, "--save")
	require.NotContains(t, err.Error(), string(objects), "of no use to a person")
	content, err := os.ReadFile(filepath.Join(used, "facts.json"))
	require.NoError(t, err)
	require.Equal(t, "old", string(content))
	entries, err := os.ReadDir(used)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

// A folder that cannot be one is told before anything is read.
func TestTheFolderIsLookedAtFirst(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	err := savable(file)
	require.ErrorContains(t, err, file+": a folder is wanted")
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.NoError(t, savable(filepath.Join(t.TempDir(), "new")))
	require.NoError(t, savable(t.TempDir()))
	require.NoError(t, savable(""))
}

// A second check into the same folder leaves nothing of the first there, and what else is in it as it was.
func TestAnEarlierCheckIsReplaced(t *testing.T) {
	t.Parallel()
	objects := artifact.Folder(t.TempDir())
	ref, err := objects.Put(t.Context(), []byte("{}"), "application/json", "json")
	require.NoError(t, err)
	to := t.TempDir()
	for _, name := range []string{"quarantine.parquet", "train-0003.parquet", "notes.txt", "train-plan.parquet"} {
		require.NoError(t, os.WriteFile(filepath.Join(to, name), []byte("old"), 0o600))
	}
	require.NoError(t, save(t.Context(), objects, map[string]artifact.Ref{artifact.Facts: ref}, to, savedChecked))
	entries, err := os.ReadDir(to)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	require.Equal(t, []string{"facts.json", "notes.txt", "train-plan.parquet"}, names)
}

// The logs of a step that does not run this time are not kept beside those that are new: they would be taken for this commit's. What is not an integration's
// is left alone.
func TestAnEarlierIntegrationIsReplaced(t *testing.T) {
	t.Parallel()
	objects := artifact.Folder(t.TempDir())
	log, err := objects.Put(t.Context(), []byte("CheckSpec of the files"), "text/plain", "txt")
	require.NoError(t, err)
	to := t.TempDir()
	for _, name := range []string{"log_TestFeatures.txt", "integration_html.html", "facts.json", "log_training.csv", "log_mine.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(to, name), []byte("old"), 0o600))
	}
	refused := tested{dir: "loans", FailedStep: ci.CheckSpec, Reasons: []string{"pipeline.yaml:1: no name"}, Steps: []activities.StepOutcome{
		{Name: ci.CheckSpec, Status: ci.Refused, Log: &log}, {Name: ci.TestFeatures, Status: ci.NotRun},
	}}
	require.NoError(t, saveTested(t.Context(), objects, refused, activities.CommitOutput{Pipeline: "small-loans"}, to))
	entries, err := os.ReadDir(to)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	require.Equal(t, []string{"facts.json", "integration_html.html", "log_CheckSpec.txt", "log_mine.txt", "log_training.csv"}, names)
	page, err := os.ReadFile(filepath.Join(to, "integration_html.html"))
	require.NoError(t, err)
	for _, want := range []string{"small-loans", "refused by CheckSpec", "pipeline.yaml:1: no name", "CheckSpec of the files"} {
		require.Contains(t, string(page), want)
	}
}
