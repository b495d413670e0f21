package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
)

// A person's folder may be on another file system, and two roles may have the same content: what was made is copied, not moved.
func TestWhatWasMadeIsCopied(t *testing.T) {
	t.Parallel()
	objects := artifact.Folder(t.TempDir())
	ref, err := objects.Put(t.Context(), []byte("{}"), "application/json", "json")
	require.NoError(t, err)
	to := filepath.Join(t.TempDir(), "a", "made")
	require.NoError(t, save(t.Context(), objects, map[string]artifact.Ref{artifact.Facts: ref, artifact.Profile: ref}, to))
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
	require.Error(t, save(t.Context(), objects, made, fresh))
	require.NoDirExists(t, fresh)

	folder := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(folder, "test.parquet"), 0o700))
	require.ErrorContains(t, save(t.Context(), objects, map[string]artifact.Ref{artifact.Facts: there}, folder), "test.parquet is no file")
	require.NoFileExists(t, filepath.Join(folder, "facts.json"))

	used := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(used, "facts.json"), []byte("old"), 0o600))
	err = save(t.Context(), objects, made, used)
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
	require.NoError(t, save(t.Context(), objects, map[string]artifact.Ref{artifact.Facts: ref}, to))
	entries, err := os.ReadDir(to)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	require.Equal(t, []string{"facts.json", "notes.txt", "train-plan.parquet"}, names)
}
